package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithytime "github.com/aws/smithy-go/time"
)

// scratch is the prefix of what the checks make. They work in one Region, and
// what they make is copied to the others like anything else.
const scratch = "checks/"

// answered is how S3 answered: the status and the code of an error.
func answered(err error) string {
	if err == nil {
		return "200"
	}
	if c := code(err); c != "" {
		return fmt.Sprintf("%d %s", status(err), c)
	}
	return err.Error()
}

func exactly(err error, want string) (string, bool, error) {
	got := answered(err)
	return got, got == want, nil
}

func askConditionalCopy(ctx context.Context, w *world) (string, bool, error) {
	region := w.regions[0]
	if _, err := w.put(ctx, region, scratch+"condition", text("there")); err != nil {
		return "", false, err
	}
	_, err := w.clients[region].s3.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: aws.String(w.bucket(region)), Key: aws.String(scratch + "condition"),
		CopySource: aws.String(w.bucket(region) + "/" + scratch + "condition"), IfNoneMatch: aws.String("*"),
		MetadataDirective: types.MetadataDirectiveReplace,
	})
	return exactly(err, "412 PreconditionFailed")
}

func askCopyIfMatchAbsent(ctx context.Context, w *world) (string, bool, error) {
	region := w.regions[0]
	if _, err := w.put(ctx, region, scratch+"source", text("source")); err != nil {
		return "", false, err
	}
	_, err := w.clients[region].s3.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: aws.String(w.bucket(region)), Key: aws.String(scratch + "absent"),
		CopySource: aws.String(w.bucket(region) + "/" + scratch + "source"), IfMatch: aws.String(`"d41d8cd98f00b204e9800998ecf8427e"`),
	})
	return exactly(err, "404 NoSuchKey")
}

// marker makes a key whose current version is a delete marker, and returns the
// marker's version.
func (w *world) marker(ctx context.Context, region, key string) (string, error) {
	if _, err := w.put(ctx, region, key, text("deleted")); err != nil {
		return "", err
	}
	// What arrives later would be a new version.
	if err := w.arrives(ctx, key); err != nil {
		return "", err
	}
	out, err := w.clients[region].s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(w.bucket(region)), Key: &key})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.VersionId), nil
}

func askCopyOfMarker(ctx context.Context, w *world) (string, bool, error) {
	region, key := w.regions[0], scratch+"marker-copied"
	id, err := w.marker(ctx, region, key)
	if err != nil {
		return "", false, err
	}
	_, err = w.clients[region].s3.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: aws.String(w.bucket(region)), Key: aws.String(scratch + "marker-copy"),
		CopySource: aws.String(w.bucket(region) + "/" + key + "?versionId=" + id),
	})
	return exactly(err, "400 InvalidRequest")
}

func askHeadOfMarker(ctx context.Context, w *world) (string, bool, error) {
	region, key := w.regions[0], scratch+"marker-seen"
	id, err := w.marker(ctx, region, key)
	if err != nil {
		return "", false, err
	}
	head := func(version *string, header string) (string, bool) {
		_, err := w.clients[region].s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(w.bucket(region)), Key: aws.String(key),
			VersionId: version})
		var response *awshttp.ResponseError
		if !errors.As(err, &response) {
			return answered(err), false
		}
		value := response.Response.Header.Get(header)
		if value == "" {
			value = "without"
		}
		return fmt.Sprintf("%d with %s %s", response.HTTPStatusCode(), header, value), value != "without"
	}
	plain, one := head(nil, "x-amz-delete-marker")
	byID, other := head(&id, "Last-Modified")
	right := one && other && plain[:3] == "404" && byID[:3] == "405"
	return plain + "; " + byID, right, nil
}

// uploadParts begins an upload with a checksum of the whole object and uploads
// two parts, without checksums of their own where the SDK lets it.
func (w *world) uploadParts(ctx context.Context, region, key string, bodies ...[]byte) (*s3.CompleteMultipartUploadInput, error) {
	c, bucket := w.clients[region].s3, aws.String(w.bucket(region))
	out, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
	})
	if err != nil {
		return nil, err
	}
	in := &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: &key, UploadId: out.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{}}
	for i, body := range bodies {
		number := aws.Int32(int32(i + 1))
		part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: &key, UploadId: out.UploadId, PartNumber: number,
			Body: bytes.NewReader(body)},
			func(o *s3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired })
		if err != nil {
			return in, err
		}
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{ETag: part.ETag, PartNumber: number})
	}
	return in, nil
}

func (w *world) abort(ctx context.Context, region string, in *s3.CompleteMultipartUploadInput) {
	if in != nil { // the teardown removes what is left, and says so
		_, _ = w.clients[region].s3.AbortMultipartUpload(context.WithoutCancel(ctx), &s3.AbortMultipartUploadInput{Bucket: in.Bucket,
			Key: in.Key, UploadId: in.UploadId})
	}
}

// crc64nvme is the checksum in S3's form
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
func crc64nvme(bodies ...[]byte) string {
	sum := crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5))
	for _, body := range bodies {
		_, _ = sum.Write(body) // never fails
	}
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, sum.Sum64()))
}

func twoParts() (first, second []byte) {
	return bytes.Repeat([]byte("suite"), 1<<20), []byte("the end")
}

func askFullObject(ctx context.Context, w *world) (string, bool, error) {
	region := w.regions[0]
	first, second := twoParts()
	in, err := w.uploadParts(ctx, region, scratch+"full", first, second)
	if err != nil {
		w.abort(ctx, region, in)
		return "the parts: " + answered(err), false, nil
	}
	in.ChecksumCRC64NVME, in.ChecksumType = aws.String(crc64nvme(first, second)), types.ChecksumTypeFullObject
	out, err := w.clients[region].s3.CompleteMultipartUpload(ctx, in)
	if err != nil {
		w.abort(ctx, region, in)
		return answered(err), false, nil
	}
	w.uploads++
	checksum := aws.ToString(out.ChecksumCRC64NVME)
	return "yes, with the checksum " + checksum, checksum == *in.ChecksumCRC64NVME, nil
}

func askBadDigest(ctx context.Context, w *world) (string, bool, error) {
	region := w.regions[0]
	first, second := twoParts()
	in, err := w.uploadParts(ctx, region, scratch+"bad", first, second)
	defer w.abort(ctx, region, in)
	if err != nil {
		return "the parts: " + answered(err), false, nil
	}
	in.ChecksumCRC64NVME, in.ChecksumType = aws.String(crc64nvme(first)), types.ChecksumTypeFullObject
	_, err = w.clients[region].s3.CompleteMultipartUpload(ctx, in)
	return exactly(err, "400 BadDigest")
}

func askMultipartTime(ctx context.Context, w *world) (string, bool, error) {
	const gap = 4 * time.Second
	region, key := w.regions[0], scratch+"time"
	began := time.Now()
	in, err := w.uploadParts(ctx, region, key, []byte("one part"))
	if err != nil {
		w.abort(ctx, region, in)
		return "the part: " + answered(err), false, nil
	}
	if smithytime.SleepWithContext(ctx, time.Until(began.Add(gap))) != nil {
		return "", false, context.Cause(ctx)
	}
	if _, err := w.clients[region].s3.CompleteMultipartUpload(ctx, in); err != nil {
		w.abort(ctx, region, in)
		return answered(err), false, nil
	}
	w.uploads++
	out, err := w.clients[region].s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key})
	if err != nil {
		return "", false, err
	}
	// The server's clock tells both times.
	age := answeredAt(out.ResultMetadata).Sub(aws.ToTime(out.LastModified))
	return fmt.Sprintf("it is %v old right after an upload that took %v", age, gap), age >= gap-time.Second, nil
}
