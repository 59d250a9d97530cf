package s3

import (
	"errors"
	"fmt"
	"strings"

	"s3fanout/internal/sandbox/iam"
)

// need is a permission that a request takes: an action on a bucket, or on an
// object if there is a key.
type need struct {
	action string
	bucket string
	key    string
	source bool // of a copy, which is never read through an access point
}

// needs returns the permissions that the request takes by what it says, as in
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html.
// A copy may need more for its source's tags.
func (r request) needs() []need {
	theBucket := func(action string) []need { return []need{{action: action, bucket: r.bucket}} }
	theObject := func(action string) []need { return []need{{action: action, bucket: r.bucket, key: r.key}} }
	versioned := func(plain, version string) []need {
		if r.query.Get("versionId") != "" {
			return theObject(version)
		}
		return theObject(plain)
	}
	switch r.operation.name {
	case "ListBuckets":
		return theBucket("s3:ListAllMyBuckets")
	case "HeadBucket", "ListObjects", "ListObjectsV2":
		return theBucket("s3:ListBucket")
	case "ListObjectVersions":
		return theBucket("s3:ListBucketVersions")
	case "ListMultipartUploads":
		return theBucket("s3:ListBucketMultipartUploads")
	case "CreateBucket", "DeleteBucket", "GetBucketLocation", "GetBucketOwnershipControls", "GetBucketPolicy", "GetBucketVersioning",
		"GetBucketRequestPayment", "PutBucketRequestPayment", "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketVersioning":
		return theBucket("s3:" + r.operation.name)
	case "GetObjectLockConfiguration":
		return theBucket("s3:GetBucketObjectLockConfiguration")
	case "PutBucketEncryption", "DeleteBucketEncryption":
		return theBucket("s3:PutEncryptionConfiguration")
	case "GetBucketEncryption":
		return theBucket("s3:GetEncryptionConfiguration")
	case "GetBucketLifecycleConfiguration":
		return theBucket("s3:GetLifecycleConfiguration")
	case "GetBucketNotificationConfiguration":
		return theBucket("s3:GetBucketNotification")
	case "PutBucketNotificationConfiguration":
		return theBucket("s3:PutBucketNotification")
	case "GetPublicAccessBlock":
		return theBucket("s3:GetBucketPublicAccessBlock")
	case "DeleteObjects":
		return nil // decided object by object
	case "GetObject", "HeadObject":
		return versioned("s3:GetObject", "s3:GetObjectVersion")
	case "GetObjectAttributes":
		if r.query.Get("versionId") != "" {
			return append(theObject("s3:GetObjectVersion"), theObject("s3:GetObjectVersionAttributes")...)
		}
		return append(theObject("s3:GetObject"), theObject("s3:GetObjectAttributes")...)
	case "GetObjectTagging":
		return versioned("s3:GetObjectTagging", "s3:GetObjectVersionTagging")
	case "PutObjectTagging":
		return versioned("s3:PutObjectTagging", "s3:PutObjectVersionTagging")
	case "DeleteObjectTagging":
		return versioned("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging")
	case "DeleteObject":
		return append(versioned("s3:DeleteObject", "s3:DeleteObjectVersion"), r.comparison()...)
	case "ListParts":
		return theObject("s3:ListMultipartUploadParts")
	case "AbortMultipartUpload":
		return theObject("s3:AbortMultipartUpload")
	case "PutObject", "CreateMultipartUpload", "CopyObject", "UploadPartCopy":
		list := append(theObject("s3:PutObject"), r.comparison()...)
		if r.header.Get("X-Amz-Tagging") != "" && !r.copiesTags() {
			list = append(list, theObject("s3:PutObjectTagging")...)
		}
		if r.header.Get("X-Amz-Acl") != "" {
			list = append(list, theObject("s3:PutObjectAcl")...)
		}
		if r.copies() {
			list = append(list, r.source.read("s3:GetObject", "s3:GetObjectVersion").ofSource())
		}
		return list
	}
	return append(theObject("s3:PutObject"), r.comparison()...) // UploadPart, CompleteMultipartUpload
}

// comparison is the permission to learn the tag that the current version has,
// which a write or a deletion takes that names one
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, conditional-deletes.html).
func (r request) comparison() []need {
	if tag := r.header.Get("If-Match"); tag == "" || tag == "*" {
		return nil
	}
	return []need{{action: "s3:GetObject", bucket: r.bucket, key: r.key}}
}

// read is the permission to read the object, or a version of it.
func (o object) read(plain, version string) need {
	if o.versionID != "" {
		return need{action: version, bucket: o.bucket, key: o.key}
	}
	return need{action: plain, bucket: o.bucket, key: o.key}
}

// ofSource is the same need of a copy's source.
func (n need) ofSource() need {
	n.source = true
	return n
}

// authorizer decides about one request of one caller.
type authorizer struct {
	service *Service
	request request
	caller  iam.Caller
	point   *Point // by which the request came; nil if by the bucket's name
}

// all demands every permission. A bucket that does not exist is an error of
// its own, as on AWS.
func (a authorizer) all(needs []need) error {
	for _, n := range needs {
		if err := a.one(n); err != nil {
			return err
		}
	}
	return nil
}

func (a authorizer) one(n need) error {
	q := iam.Request{Caller: a.caller, Action: n.action, Resource: "*", Context: a.conditionKeys()}
	if n.bucket != "" {
		b, ok := a.service.findBucket(n.bucket)
		switch {
		case ok:
			q.Resource, q.ResourcePolicy, q.ResourceAccount = b.arn, b.policyDocument(), a.service.owner(n.bucket)
		case n.action == "s3:CreateBucket":
			q.Resource = a.service.arn(n.bucket)
		default:
			return errNoSuchBucket(n.bucket)
		}
		if n.key != "" {
			q.Resource += "/" + n.key
		}
	}
	err := a.byPoint(n, &q)
	if err == nil {
		err = iam.Authorize(q)
	}
	var denied *iam.DeniedError
	if errors.As(err, &denied) {
		return errAccessDenied(fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %q because %s",
			denied.Caller, denied.Action, denied.Resource, denied.Reason))
	}
	return err
}

// mayList says whether the caller may learn that a key does not exist.
func (a authorizer) mayList(bucket string) bool {
	return a.one(need{action: "s3:ListBucket", bucket: bucket}) == nil
}

// conditionKeys returns what a policy's conditions can ask about the request
// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html).
// The sandbox stands for HTTPS endpoints.
func (a authorizer) conditionKeys() map[string]string {
	keys := map[string]string{"aws:SecureTransport": "true"}
	for _, name := range []string{"prefix", "delimiter", "max-keys"} {
		if a.request.query.Has(name) {
			keys["s3:"+name] = a.request.query.Get(name)
		}
	}
	if v := a.request.query.Get("versionId"); v != "" {
		keys["s3:VersionId"] = v
	}
	for _, name := range []string{
		"If-Match", "If-None-Match", "X-Amz-Acl", "X-Amz-Copy-Source", "X-Amz-Metadata-Directive",
		"X-Amz-Server-Side-Encryption", "X-Amz-Storage-Class", "X-Amz-Content-Sha256",
	} {
		if v := a.request.header.Get(name); v != "" {
			keys["s3:"+strings.ToLower(name)] = v
		}
	}
	return keys
}
