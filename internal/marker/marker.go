// Package marker deletes replicas by hiding them: it puts a delete marker over what
// a key shows, on the condition that it still shows that.
//
// It guarantees that no byte is destroyed. It never names a version, so that S3 adds
// a marker to a bucket that is versioned, and it has no permission for more. The
// caller has to know that the bucket is: in one that is not, and in one whose
// versioning is suspended, the same request destroys.
package marker

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/copier"
)

// S3 is the part of *s3.Client that Put uses.
type S3 interface {
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// Put hides a key at the target if its current object has the ETag, and returns the
// marker's version. made is false, without an error, if the key shows something else
// now, or nothing. A request is sent once only: what is tried again begins with
// another look. The error is an *copier.Error.
func Put(ctx context.Context, client S3, target copier.Target, source copier.Object, etag string) (versionID string, made bool, err error) {
	const op = "delete the replica of"
	if etag == "" {
		return "", false, copier.ErrorOf(op, source, target, copier.Lasting(errors.New("without an ETag something else might be deleted")))
	}
	out, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: &target.Bucket, Key: &source.Key, IfMatch: aws.String(`"` + etag + `"`),
	}, func(o *s3.Options) {
		if target.Region != "" {
			o.Region = target.Region
		}
		o.Retryer = aws.NopRetryer{}
	})
	switch {
	case err == nil:
		return aws.ToString(out.VersionId), true, nil
	case changed(err):
		return "", false, nil
	}
	failed := copier.ErrorOf(op, source, target, err)
	if failed.Class == copier.Denied {
		failed.Hint = "check s3:DeleteObject and s3:GetObject at the target, and what bucket policies deny; " +
			"s3fanout doctor finds what is missing"
	}
	return "", false, failed
}

// changed reports whether S3 has deleted nothing because the key shows something
// else, or nothing, or somebody else is writing it
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html).
func changed(err error) bool {
	switch code := errorcode.Of(err); code {
	case "PreconditionFailed", "NoSuchKey", "NotFound":
		return true
	default:
		return errorcode.Conflict(code)
	}
}
