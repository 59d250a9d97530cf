package s3

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestWithoutExtendedAttributes(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.noAttributes = true })
	ctx := t.Context()
	c := w.client(here)
	w.put(t, here, hereBucket, "k", "one", func(in *sdk.PutObjectInput) {
		in.Tagging, in.CacheControl, in.Metadata = aws.String("a=b"), aws.String("no-store"), map[string]string{"m": "1"}
	})
	if _, err := w.client(there).CopyObject(ctx, copyThere("k", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	w.put(t, here, hereBucket, "k", "two", func(in *sdk.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
	head, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if head.TagCount != nil || head.CacheControl != nil || len(head.Metadata) != 0 {
		t.Errorf("the new object has the old one's metadata: tags %v, cache control %v, metadata %v", head.TagCount, head.CacheControl, head.Metadata)
	}
	head, err = w.client(there).HeadObject(ctx, &sdk.HeadObjectInput{Bucket: aws.String(farBucket), Key: aws.String("k")})
	if err != nil || aws.ToInt32(head.TagCount) != 1 || head.Metadata["m"] != "1" || aws.ToString(head.CacheControl) != "no-store" {
		t.Errorf("the copy has %+v (%v)", head, err)
	}

	// An upload in parts takes nothing over either, and keeps its own.
	w.put(t, here, hereBucket, "k", "three", func(in *sdk.PutObjectInput) {
		in.Tagging, in.ContentLanguage = aws.String("a=b"), aws.String("de")
	})
	upload, err := c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: aws.String(hereBucket), Key: aws.String("k"), CacheControl: aws.String("private")})
	if err != nil {
		t.Fatal(err)
	}
	part, err := c.UploadPart(ctx, &sdk.UploadPartInput{Bucket: upload.Bucket, Key: upload.Key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("mp")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{
		Bucket: upload.Bucket, Key: upload.Key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}},
	}); err != nil {
		t.Fatal(err)
	}
	head, err = c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: upload.Bucket, Key: upload.Key})
	if err != nil || head.TagCount != nil || head.ContentLanguage != nil || aws.ToString(head.CacheControl) != "private" {
		t.Errorf("after the upload: tags %v, language %v, cache control %v (%v)", head.TagCount, head.ContentLanguage, head.CacheControl, err)
	}
}
