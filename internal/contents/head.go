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
)

// S3 is the part of *s3.Client that Head uses.
type S3 interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// Head asks about a key's current version, with its checksums where the caller
// may know them, and says how many requests that took. The error is S3's.
func Head(ctx context.Context, client S3, bucket, key string) (out *s3.HeadObjectOutput, requests int, err error) {
	in := &s3.HeadObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled}
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

// Of are the figures in an answer to HeadObject.
func Of(out *s3.HeadObjectOutput) Figures {
	f := Figures{Size: aws.ToInt64(out.ContentLength), ETag: TrimETag(aws.ToString(out.ETag)), Opaque: out.SSECustomerAlgorithm != nil}
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
			kind := FullObject
			if out.ChecksumType == types.ChecksumTypeComposite || strings.Contains(*c.value, "-") {
				kind = Composite
			}
			f.Checksums = append(f.Checksums, Checksum{string(c.algorithm), kind, *c.value})
		}
	}
	return f
}

// TrimETag takes the quotation marks off an ETag.
func TrimETag(etag string) string { return strings.Trim(etag, `"`) }
