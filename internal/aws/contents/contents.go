// Package contents asks S3 for what package policy compares: the figures and the
// tags of a key's current version, without reading the object.
package contents

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"s3fanout/internal/policy"
)

// S3 is the part of *s3.Client that Head uses.
type S3 interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// Head asks about a version of a key, the current one if it has no ID, with its
// checksums where the caller may know them, and says how many requests that took. The
// error is S3's.
func Head(ctx context.Context, client S3, bucket, key, versionID string) (out *s3.HeadObjectOutput, requests int, err error) {
	in := &s3.HeadObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled}
	if versionID != "" {
		in.VersionId = &versionID
	}
	out, err = client.HeadObject(ctx, in)
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusForbidden {
		return out, 1, err
	}
	// The checksums of an object under a KMS key take kms:Decrypt, the rest does
	// not (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
	in.ChecksumMode = ""
	out, err = client.HeadObject(ctx, in)
	return out, 2, err
}

// StateOf is what an answer to HeadObject says of a key: out where err is nil. An
// error that is not S3's 404 says nothing, and the state is unknown then. S3 says
// in the 404 whether a delete marker hides the key
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html).
func StateOf(out *s3.HeadObjectOutput, err error) policy.State {
	var response *smithyhttp.ResponseError
	switch {
	case err == nil:
		return policy.State{
			Presence: policy.Present, VersionID: aws.ToString(out.VersionId), Figures: Of(out), Modified: aws.ToTime(out.LastModified),
		}
	case !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusNotFound:
		return policy.State{}
	case response.Response.Header.Get("X-Amz-Delete-Marker") == "true":
		return policy.State{Presence: policy.Deleted}
	}
	return policy.State{Presence: policy.Absent}
}

// Of are the figures in an answer to HeadObject.
func Of(out *s3.HeadObjectOutput) policy.Figures {
	f := policy.Figures{
		Size:   aws.ToInt64(out.ContentLength),
		ETag:   TrimETag(aws.ToString(out.ETag)),
		Opaque: out.SSECustomerAlgorithm != nil,
	}
	switch out.ServerSideEncryption {
	case "", types.ServerSideEncryptionAes256:
	default:
		f.Opaque = true
	}
	for _, c := range []struct {
		algorithm types.ChecksumAlgorithm
		value     *string
	}{
		{types.ChecksumAlgorithmCrc64nvme, out.ChecksumCRC64NVME}, {types.ChecksumAlgorithmSha512, out.ChecksumSHA512},
		{types.ChecksumAlgorithmSha256, out.ChecksumSHA256}, {types.ChecksumAlgorithmSha1, out.ChecksumSHA1},
		{types.ChecksumAlgorithmCrc32c, out.ChecksumCRC32C}, {types.ChecksumAlgorithmCrc32, out.ChecksumCRC32},
		{types.ChecksumAlgorithmMd5, out.ChecksumMD5}, {types.ChecksumAlgorithmXxhash128, out.ChecksumXXHASH128},
		{types.ChecksumAlgorithmXxhash3, out.ChecksumXXHASH3}, {types.ChecksumAlgorithmXxhash64, out.ChecksumXXHASH64},
	} {
		if c.value != nil {
			// A composite checksum ends with the number of parts, as no base64 does.
			kind := policy.FullObject
			if out.ChecksumType == types.ChecksumTypeComposite || strings.Contains(*c.value, "-") {
				kind = policy.Composite
			}
			f.Checksums = append(f.Checksums, policy.Checksum{Algorithm: string(c.algorithm), Type: kind, Value: *c.value})
		}
	}
	return f
}

// TrimETag takes the quotation marks off an ETag.
func TrimETag(etag string) string { return strings.Trim(etag, `"`) }
