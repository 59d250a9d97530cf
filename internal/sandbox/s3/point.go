package s3

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"s3fanout/internal/sandbox/iam"
)

// Point is a Multi-Region Access Point by which a request came, and the bucket that
// the request goes to.
type Point struct {
	ARN       string
	AccountID string
	Policy    *iam.Document // nil: it has none
	Bucket    string
}

func (p *Point) bucket() string {
	if p == nil {
		return ""
	}
	return p.Bucket
}

// ServeByPoint answers a request that came through an access point, as ServeAPI does one
// by a bucket's name. What access points do not take is refused.
func (s *Service) ServeByPoint(w http.ResponseWriter, r *http.Request, by Point, caller iam.Caller) {
	region, _ := s.RegionOf(by.Bucket)
	s.answer(w, r, region, caller, &by)
}

// byPointToo says whether access points take the operation
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MrapOperations.html).
// CopyObject is taken with the access point as the target alone.
func byPointToo(operation string) bool {
	return slices.Contains([]string{
		"AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject", "DeleteObjectTagging",
		"GetObject", "GetObjectTagging", "HeadBucket", "HeadObject", "ListMultipartUploads", "ListObjectsV2", "ListParts",
		"PutObject", "PutObjectTagging", "UploadPart",
	}, operation)
}

// UploadBucket returns the one of the buckets that has the upload which a request
// names, if it names one that there is. An upload goes on where it began.
func (s *Service) UploadBucket(r *http.Request, buckets []string) (string, bool) {
	id := r.URL.Query().Get("uploadId")
	key, err := url.PathUnescape(rawPath(r))
	if id == "" || err != nil {
		return "", false
	}
	for _, bucket := range buckets {
		if _, err := s.store.FindUpload(bucket, strings.TrimPrefix(key, "/"), id); err == nil {
			return bucket, true
		}
	}
	return "", false
}

// byPoint demands a permission of the access point, if the request came through one and
// the need is about its bucket, and has the bucket's policy know of it. Both have
// to let the caller
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointPermissions.html).
func (a authorizer) byPoint(n need, ofBucket *iam.Request) error {
	if a.point == nil || n.source || n.bucket != a.point.Bucket {
		return nil
	}
	ofBucket.Context["s3:DataAccessPointArn"] = a.point.ARN
	ofBucket.Context["s3:DataAccessPointAccount"] = a.point.AccountID
	q := iam.Request{
		Caller: a.caller, Action: n.action, Context: ofBucket.Context,
		Resource: a.point.ARN, ResourcePolicy: a.point.Policy, ResourceAccount: a.point.AccountID,
	}
	if n.key != "" {
		q.Resource += "/object/" + n.key
	}
	return iam.Authorize(q)
}
