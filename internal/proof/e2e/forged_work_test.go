package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/function/event"
)

// A continuation says nothing that the function believes without asking. A
// source that is none is refused; an upload that is not the key's is not gone on
// with: the copy begins anew, and the other's upload stays as it is.
func TestForgedContinuations(t *testing.T) {
	t.Parallel()
	s, genuine := apart(t)
	s.leavesUploads = true // a user's
	client := s3.NewFromConfig(s.administrator().in(here))
	upload, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String(s.bucket(here)), Key: aws.String("a user's"),
	})
	if err != nil {
		t.Fatal(err)
	}
	head, err := s3.NewFromConfig(s.administrator().in(there)).HeadObject(t.Context(), &s3.HeadObjectInput{
		Bucket: aws.String(genuine.bucket), Key: aws.String(genuine.key),
	})
	if err != nil {
		t.Fatal(err)
	}
	sameKey, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String(s.bucket(here)), Key: aws.String(genuine.key),
	})
	if err != nil {
		t.Fatal(err)
	}
	before := s.contents()
	for _, c := range []struct {
		what  string
		forge func(*event.Continuation)
		want  string // in the error; "": the genuine object is copied
	}{
		{"a source outside of the set", func(c *event.Continuation) { c.Source.Bucket = outsideBucket }, "has no such bucket"},
		{"a source in another Region", func(c *event.Continuation) { c.Source.Region = here },
			"the replica set has the bucket in eu-west-1"},
		{"the function's own bucket", func(c *event.Continuation) { c.Source.Bucket = s.bucket(here) }, "the function's own bucket"},
		{"a user's open upload of the same key", func(c *event.Continuation) { c.UploadID = *sameKey.UploadId },
			"not by this function's role"},
		{"a user's open upload, of a source that is gone", func(c *event.Continuation) {
			c.UploadID, c.Source.VersionID = *sameKey.UploadId, "gone"
		}, "not by this function's role"},
		{"an upload that is none", func(c *event.Continuation) { c.UploadID = "none" }, ""},
		{"an upload of another key", func(c *event.Continuation) { c.UploadID = *upload.UploadId }, ""},
		{"an upload with more parameters", func(c *event.Continuation) { c.UploadID += "&partNumber=1\r\nx-amz-acl: public-read" }, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			forged := event.Continuation{
				Source: event.Record{
					Region: genuine.region, Bucket: genuine.bucket, Key: genuine.key, VersionID: genuine.version,
					Size: *head.ContentLength, ETag: contents.TrimETag(*head.ETag),
				},
				UploadID: "upload", PartSize: 5 << 20,
			}
			c.forge(&forged)
			payload, err := event.EncodeContinuation(forged)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.invoke(here, payload); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("error %q, want %q in it", got, c.want)
			}
			if c.want == "" {
				s.wantIn(here, object{key: genuine.key, body: "genuine"})
				out, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{
					Bucket: aws.String(s.bucket(here)), Key: aws.String(genuine.key),
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{
					Bucket: aws.String(s.bucket(here)), Key: aws.String(genuine.key), VersionId: out.VersionId,
				}); err != nil {
					t.Fatal(err)
				}
			}
			if after := s.contents(); !slices.Equal(before, after) {
				t.Fatalf("the buckets had\n%s\nand now have\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
		})
	}
}

// Jobs are made by whom the account lets: their tasks are checked as events are.
func TestForgedBatchTasksAreRefused(t *testing.T) {
	t.Parallel()
	s, genuine := apart(t)
	before := s.contents()
	for _, c := range []struct {
		what      string
		arguments map[string]string
		forge     func(*batchTask)
		want      string
	}{
		{"a bucket outside of the set", nil, func(b *batchTask) { b.Bucket, b.VersionID = outsideBucket, nil }, "has no such bucket"},
		{"the function's own bucket", nil, func(b *batchTask) { b.Bucket, b.Key, b.VersionID = s.bucket(here), "own", nil },
			"the function's own"},
		{"no bucket", nil, func(b *batchTask) { b.Bucket = "" }, "s3Bucket is missing"},
		{"a Region outside of the set", map[string]string{"targetRegion": "eu-central-1"}, func(b *batchTask) { b.Bucket = s.bucket(here) },
			"has no Region"},
		{"another function for a Region", map[string]string{"targetRegion": "eu-west-1:123456789012:function:other"},
			func(b *batchTask) { b.Bucket = s.bucket(here) }, "has no Region"},
		{"a source that is passed on", map[string]string{"targetRegion": "ap-northeast-1"}, func(*batchTask) {},
			"create the job in the bucket's Region"},
	} {
		t.Run(c.what, func(t *testing.T) {
			forged := batchTask{Key: genuine.key, VersionID: &genuine.version, Bucket: genuine.bucket}
			c.forge(&forged)
			if code, text := s.batch(here, c.arguments, forged); code != "PermanentFailure" || !strings.Contains(text, c.want) {
				t.Errorf("got %s %q, want a permanent failure with %q", code, text, c.want)
			}
			if after := s.contents(); !slices.Equal(before, after) {
				t.Fatalf("the buckets had\n%s\nand now have\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
		})
	}
}
