package s3

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const mib = 1 << 20

// upload is a multipart copy that a test makes step by step.
type upload struct {
	t      testing.TB
	client *sdk.Client
	bucket string
	key    string
	id     string
	parts  []types.CompletedPart
}

// begin starts an upload in the other Region's bucket, with the checksum that
// the function asks for.
func (w *world) begin(t testing.TB, key string, change ...func(*sdk.CreateMultipartUploadInput)) *upload {
	t.Helper()
	in := &sdk.CreateMultipartUploadInput{
		Bucket: aws.String(farBucket), Key: &key,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
	}
	for _, c := range change {
		c(in)
	}
	c := w.client(there)
	out, err := c.CreateMultipartUpload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return &upload{t: t, client: c, bucket: farBucket, key: key, id: *out.UploadId}
}

// copyPart copies a range, all of the source if it is empty.
func (u *upload) copyPart(source *string, bytes string, change ...func(*sdk.UploadPartCopyInput)) (*sdk.UploadPartCopyOutput, error) {
	in := &sdk.UploadPartCopyInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: &u.id, PartNumber: aws.Int32(int32(len(u.parts) + 1)), CopySource: source,
	}
	if bytes != "" {
		in.CopySourceRange = aws.String("bytes=" + bytes)
	}
	for _, c := range change {
		c(in)
	}
	out, err := u.client.UploadPartCopy(u.t.Context(), in)
	if err == nil {
		u.parts = append(u.parts, completed(int(*in.PartNumber), out))
	}
	return out, err
}

func completed(number int, out *sdk.UploadPartCopyOutput) types.CompletedPart {
	r := out.CopyPartResult
	return types.CompletedPart{
		PartNumber: aws.Int32(int32(number)), ETag: r.ETag, ChecksumCRC64NVME: r.ChecksumCRC64NVME, ChecksumCRC32: r.ChecksumCRC32,
	}
}

func (u *upload) mustCopy(source *string, bytes string) *sdk.UploadPartCopyOutput {
	u.t.Helper()
	out, err := u.copyPart(source, bytes)
	if err != nil {
		u.t.Fatal(err)
	}
	return out
}

func (u *upload) complete(change ...func(*sdk.CompleteMultipartUploadInput)) (*sdk.CompleteMultipartUploadOutput, error) {
	in := &sdk.CompleteMultipartUploadInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: &u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	}
	for _, c := range change {
		c(in)
	}
	return u.client.CompleteMultipartUpload(u.t.Context(), in)
}

func (w *world) head(t testing.TB, region, bucket, key string) *sdk.HeadObjectOutput {
	t.Helper()
	out, err := w.client(region).HeadObject(t.Context(), &sdk.HeadObjectInput{
		Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		t.Fatalf("head %s: %v", key, err)
	}
	return out
}
