package s3

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// level is what a request's path names.
type level int

const (
	onService level = iota
	onBucket
	onObject
)

// operation is an operation of the S3 API that the sandbox has.
type operation struct {
	name    string
	serve   func(*exchange) error
	method  string
	level   level
	marker  string   // query parameter that distinguishes it, or "copy" for x-amz-copy-source
	query   []string // further query parameters that it takes
	headers []string // x-amz- headers that it takes; a trailing * stands for any ending
}

const copyMarker = "x-amz-copy-source"

// unlocked is a header that means nothing to objects without a lock, which all
// are here.
const unlocked = "x-amz-bypass-governance-retention"

// operations returns every operation; of those with the same method and level
// the first whose marker is in the request is meant. Their parameters are
// those of https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html
// without what needs a feature that the sandbox does not have. Each request asks for
// them, and nobody changes them.
var operations = sync.OnceValue(func() []operation {
	var (
		list     = []string{"prefix", "delimiter", "encoding-type", "max-keys"}
		upload   = []string{"x-amz-checksum-*", "x-amz-sdk-checksum-algorithm", "x-amz-trailer", "x-amz-decoded-content-length"}
		metadata = []string{
			"x-amz-acl", "x-amz-meta-*", "x-amz-server-side-encryption", "x-amz-storage-class", "x-amz-tagging",
			"x-amz-website-redirect-location",
		}
		source   = []string{"x-amz-copy-source", "x-amz-copy-source-if-*", "x-amz-source-expected-bucket-owner"}
		checksum = []string{"x-amz-checksum-algorithm"}
		digest   = []string{"x-amz-checksum-*", "x-amz-sdk-checksum-algorithm"}
		reading  = []string{
			"versionId", "partNumber", "response-cache-control", "response-content-disposition", "response-content-encoding",
			"response-content-language", "response-content-type", "response-expires",
		}
		mode    = []string{"x-amz-checksum-mode"}
		version = []string{"versionId"}
	)
	get, head, put, post, del := http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete
	return []operation{
		{name: "ListBuckets", serve: (*exchange).listBuckets, method: get, level: onService,
			query: []string{"max-buckets", "continuation-token", "prefix"}},

		{
			name:    "PutBucketNotificationConfiguration",
			serve:   (*exchange).putNotifications,
			method:  put,
			level:   onBucket,
			marker:  "notification",
			headers: append(digest, "x-amz-skip-destination-validation"),
		},
		{
			name:    "PutBucketEncryption",
			serve:   (*exchange).putEncryption,
			method:  put,
			level:   onBucket,
			marker:  "encryption",
			headers: digest,
		},
		{name: "PutBucketPolicy", serve: (*exchange).putPolicy, method: put, level: onBucket, marker: "policy",
			headers: append(digest, "x-amz-confirm-remove-self-bucket-access")},
		{
			name:    "PutBucketRequestPayment",
			serve:   (*exchange).putRequestPayment,
			method:  put,
			level:   onBucket,
			marker:  "requestPayment",
			headers: digest,
		},
		{
			name:    "PutBucketVersioning",
			serve:   (*exchange).putVersioning,
			method:  put,
			level:   onBucket,
			marker:  "versioning",
			headers: digest,
		},
		{name: "CreateBucket", serve: (*exchange).createBucket, method: put, level: onBucket,
			headers: []string{"x-amz-acl", "x-amz-bucket-object-lock-enabled", "x-amz-object-ownership"}},
		{name: "DeleteBucketEncryption", serve: (*exchange).deleteEncryption, method: del, level: onBucket, marker: "encryption"},
		{name: "DeleteBucketPolicy", serve: (*exchange).deletePolicy, method: del, level: onBucket, marker: "policy"},
		{name: "DeleteBucket", serve: (*exchange).deleteBucket, method: del, level: onBucket},
		{name: "DeleteObjects", serve: (*exchange).deleteObjects, method: post, level: onBucket, marker: "delete",
			headers: append(digest, unlocked)},
		{name: "GetBucketEncryption", serve: (*exchange).getConfiguration, method: get, level: onBucket, marker: "encryption"},
		{name: "GetBucketLifecycleConfiguration", serve: (*exchange).getConfiguration, method: get, level: onBucket, marker: "lifecycle"},
		{name: "GetBucketLocation", serve: (*exchange).getLocation, method: get, level: onBucket, marker: "location"},
		{
			name:   "GetBucketNotificationConfiguration",
			serve:  (*exchange).getConfiguration,
			method: get,
			level:  onBucket,
			marker: "notification",
		},
		{
			name:   "GetBucketOwnershipControls",
			serve:  (*exchange).getConfiguration,
			method: get,
			level:  onBucket,
			marker: "ownershipControls",
		},
		{name: "GetBucketPolicy", serve: (*exchange).getPolicy, method: get, level: onBucket, marker: "policy"},
		{name: "GetBucketRequestPayment", serve: (*exchange).getRequestPayment, method: get, level: onBucket, marker: "requestPayment"},
		{name: "GetObjectLockConfiguration", serve: (*exchange).getObjectLock, method: get, level: onBucket, marker: "object-lock"},
		{name: "GetBucketVersioning", serve: (*exchange).getVersioning, method: get, level: onBucket, marker: "versioning"},
		{name: "GetPublicAccessBlock", serve: (*exchange).getConfiguration, method: get, level: onBucket, marker: "publicAccessBlock"},
		{name: "ListMultipartUploads", serve: (*exchange).listUploads, method: get, level: onBucket, marker: "uploads",
			query: []string{"prefix", "delimiter", "encoding-type", "max-uploads", "key-marker", "upload-id-marker"}},
		{name: "ListObjectVersions", serve: (*exchange).listVersions, method: get, level: onBucket, marker: "versions",
			query: append(list, "key-marker", "version-id-marker")},
		{name: "ListObjectsV2", serve: (*exchange).listObjectsV2, method: get, level: onBucket, marker: "list-type",
			query: append(list, "continuation-token", "fetch-owner", "start-after")},
		{name: "ListObjects", serve: (*exchange).listObjects, method: get, level: onBucket, query: append(list, "marker")},
		{name: "HeadBucket", serve: (*exchange).headBucket, method: head, level: onBucket},

		{name: "GetObjectAttributes", serve: (*exchange).getAttributes, method: get, level: onObject, marker: "attributes", query: version,
			headers: []string{"x-amz-object-attributes", "x-amz-max-parts", "x-amz-part-number-marker"}},
		{name: "GetObjectTagging", serve: (*exchange).getTagging, method: get, level: onObject, marker: "tagging", query: version},
		{name: "ListParts", serve: (*exchange).listParts, method: get, level: onObject, marker: "uploadId",
			query: []string{"max-parts", "part-number-marker"}},
		{name: "GetObject", serve: (*exchange).getObject, method: get, level: onObject, query: reading, headers: mode},
		{name: "HeadObject", serve: (*exchange).getObject, method: head, level: onObject, query: reading, headers: mode},

		{name: "PutObjectTagging", serve: (*exchange).putTagging, method: put, level: onObject, marker: "tagging", query: version,
			headers: digest},
		{name: "UploadPartCopy", serve: (*exchange).copyPart, method: put, level: onObject, marker: "uploadId",
			query: []string{"partNumber", copyMarker}, headers: append(source, "x-amz-copy-source-range")},
		{name: "UploadPart", serve: (*exchange).uploadPart, method: put, level: onObject, marker: "uploadId", query: []string{"partNumber"},
			headers: upload},
		{name: "CopyObject", serve: (*exchange).copyObject, method: put, level: onObject, marker: copyMarker,
			headers: slices.Concat(source, metadata, checksum,
				[]string{"x-amz-metadata-directive", "x-amz-tagging-directive", "x-amz-object-annotation-directive"})},
		{name: "PutObject", serve: (*exchange).putObject, method: put, level: onObject, headers: slices.Concat(upload, metadata)},

		{name: "CreateMultipartUpload", serve: (*exchange).createUpload, method: post, level: onObject, marker: "uploads",
			headers: slices.Concat(metadata, checksum, []string{"x-amz-checksum-type"})},
		{name: "CompleteMultipartUpload", serve: (*exchange).completeUpload, method: post, level: onObject, marker: "uploadId",
			headers: []string{"x-amz-checksum-*", "x-amz-mp-object-size"}},

		{name: "DeleteObjectTagging", serve: (*exchange).deleteTagging, method: del, level: onObject, marker: "tagging", query: version},
		{name: "AbortMultipartUpload", serve: (*exchange).abortUpload, method: del, level: onObject, marker: "uploadId"},
		{name: "DeleteObject", serve: (*exchange).deleteObject, method: del, level: onObject, query: version, headers: []string{unlocked}},
	}
})

// findOperation returns the operation that is meant. If there is none, the
// operation has only a name, which says what was asked for.
func findOperation(method string, at level, query url.Values, header http.Header) (operation, bool) {
	present := func(marker string) bool {
		return marker == "" || query.Has(marker) || (marker == copyMarker && header.Get(copyMarker) != "")
	}
	for _, op := range operations() {
		if op.method != method || op.level != at || !present(op.marker) {
			continue
		}
		if slices.Contains(op.query, copyMarker) && !present(copyMarker) {
			continue // an upload of a part is a copy only with a source
		}
		if unknown := op.unknownSubresource(query); unknown != "" {
			return operation{name: unnamed(method, at, unknown)}, false
		}
		return op, true
	}
	return operation{name: unnamed(method, at, operation{}.unknownSubresource(query))}, false
}

// unnamed describes an operation that the sandbox has no name for.
func unnamed(method string, at level, marker string) string {
	name := method + " " + map[level]string{onService: "Service", onBucket: "Bucket", onObject: "Object"}[at]
	if marker != "" {
		name += " ?" + marker
	}
	return name
}

// unknownSubresource returns a query parameter that has no value and that the
// operation does not take: such a one selects another operation.
func (o operation) unknownSubresource(query url.Values) string {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if query.Get(name) == "" && !o.takesQuery(name) {
			return name
		}
	}
	return ""
}

func (o operation) takesQuery(name string) bool {
	if name == o.marker || slices.Contains(o.query, name) || name == "x-id" { // x-id repeats the operation's name
		return true
	}
	return slices.Contains(presigned(), strings.ToLower(name))
}

// presigned returns the query parameters of a presigned URL, in lower case
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
func presigned() []string {
	return []string{
		"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
		"x-amz-security-token", "x-amz-content-sha256", "x-amz-region-set",
	}
}

func (o operation) takesHeader(name string) bool {
	common := []string{
		"x-amz-content-sha256", "x-amz-date", "x-amz-expected-bucket-owner", "x-amz-region-set",
		"x-amz-request-payer", "x-amz-security-token", "x-amz-user-agent",
	}
	return slices.ContainsFunc(slices.Concat(common, o.headers), func(known string) bool {
		prefix, open := strings.CutSuffix(known, "*")
		return name == known || (open && strings.HasPrefix(name, prefix))
	})
}

// check refuses parameters that the operation does not have here.
func (o operation) check(query url.Values, header http.Header) error {
	for name := range query {
		if !o.takesQuery(name) {
			return errNotImplemented("the parameter %s of %s", name, o.name)
		}
	}
	for name := range header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !o.takesHeader(lower) {
			return errNotImplemented("the header %s of %s", lower, o.name)
		}
	}
	return checkValues(o.name, header)
}

// checkValues refuses what would need a feature that the sandbox does not have.
func checkValues(operation string, header http.Header) error {
	supported := []struct {
		header string
		values []string
	}{
		{"x-amz-server-side-encryption", []string{"AES256"}},
		{"x-amz-object-annotation-directive", []string{"COPY", "EXCLUDE"}}, // objects here have none
		{"x-amz-object-ownership", []string{"BucketOwnerEnforced"}},        // there are no ACLs
		{"x-amz-bucket-object-lock-enabled", []string{"false"}},
	}
	ownerships := []string{"", "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}
	if o := header.Get("x-amz-object-ownership"); !slices.Contains(ownerships, o) {
		return errInvalidParameter("x-amz-object-ownership", o, "Invalid x-amz-object-ownership header: "+o)
	}
	for _, s := range supported {
		if v := header.Get(s.header); v != "" && !slices.Contains(s.values, v) {
			return errNotImplemented("the value %q for the header %s of %s", v, s.header, operation)
		}
	}
	if class := header.Get("x-amz-storage-class"); class != "" && !slices.Contains(storageClasses(), class) {
		return badRequest("InvalidStorageClass", "The storage class you specified is not valid")
	}
	// Buckets have ACLs disabled, which is the default and lets these two pass
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html).
	switch acl := header.Get("x-amz-acl"); acl {
	case "", "bucket-owner-full-control", "private":
	case "public-read", "public-read-write", "aws-exec-read", "authenticated-read", "bucket-owner-read", "log-delivery-write":
		return badRequest("AccessControlListNotSupported", "The bucket does not allow ACLs")
	default:
		return errInvalidParameter("x-amz-acl", acl, "")
	}
	return nil
}
