package copier

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// OpenUpload is an unfinished multipart upload.
type OpenUpload struct {
	Key, UploadID string
	// Initiated is when it was begun, by S3's clock. Parts that are copied do
	// not change it.
	Initiated time.Time
}

// ListUploads is the part of *s3.Client that OpenUploads uses.
type ListUploads interface {
	ListMultipartUploads(context.Context, *s3.ListMultipartUploadsInput, ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error)
}

// OpenUploads lists the unfinished uploads to the target that sessions of the
// role began, of keys with the prefix, in S3's order. One of them under way says
// that its key is being copied; one may also be what a killed process left
// behind. A request is a LIST of up to 1,000 uploads and needs
// s3:ListBucketMultipartUploads. The error, S3's own, ends the list
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html).
func OpenUploads(ctx context.Context, client ListUploads, target Target, prefix, roleARN string) iter.Seq2[OpenUpload, error] {
	return func(yield func(OpenUpload, error) bool) {
		in := &s3.ListMultipartUploadsInput{Bucket: &target.Bucket, Prefix: optional(prefix), EncodingType: types.EncodingTypeUrl}
		for {
			out, err := client.ListMultipartUploads(ctx, in, inRegion(target.Region))
			if err != nil {
				yield(OpenUpload{}, err)
				return
			}
			for _, u := range out.Uploads {
				if u.Initiator == nil || !begunBy(roleARN, deref(u.Initiator.ID)) {
					continue
				}
				key, err := url.QueryUnescape(deref(u.Key))
				if err != nil {
					yield(OpenUpload{}, fmt.Errorf("list uploads to s3://%s: key %q: %w", target.Bucket, deref(u.Key), err))
					return
				}
				if !yield(OpenUpload{Key: key, UploadID: deref(u.UploadId), Initiated: aws.ToTime(u.Initiated)}, nil) {
					return
				}
			}
			if !aws.ToBool(out.IsTruncated) || deref(out.NextKeyMarker) == "" {
				return
			}
			marker, err := url.QueryUnescape(*out.NextKeyMarker)
			if err != nil {
				yield(OpenUpload{}, fmt.Errorf("list uploads to s3://%s: marker %q: %w", target.Bucket, *out.NextKeyMarker, err))
				return
			}
			in.KeyMarker, in.UploadIdMarker = &marker, out.NextUploadIdMarker
		}
	}
}

// foreignUpload is an upload to resume that the role did not begin.
type foreignUpload struct{ id, by string }

func (e *foreignUpload) Error() string {
	by := e.by
	if by == "" {
		by = "nobody that S3 names"
	}
	return fmt.Sprintf("upload %s was begun by %s, not by this function's role, and is left as it is: whoever asked to resume it forged that; delete the dead letter, and see who may write to the queue or invoke the function", e.id, by)
}

// begunBy reports whether an upload's initiator, as S3 names it, is a session of
// the role. For users AWS promises an ARN; for sessions its pages do not say, and
// it is the session's or the role's
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Initiator.html). What is
// no ARN, such as the account's canonical ID, proves nothing.
func begunBy(roleARN, initiator string) bool {
	role, err := arn.Parse(roleARN)
	if err != nil || role.Service != "iam" {
		return false
	}
	if initiator == roleARN {
		return true
	}
	// A role's path is not in its sessions' ARNs.
	name := role.Resource[strings.LastIndexByte(role.Resource, '/')+1:]
	role.Service, role.Resource = "sts", "assumed-role/"+name+"/"
	session, ok := strings.CutPrefix(initiator, role.String())
	return ok && session != "" && !strings.Contains(session, "/")
}
