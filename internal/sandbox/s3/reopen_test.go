package s3

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/s3/store"
)

// reopen ends the S3 and starts it again.
func (w *world) reopen(t *testing.T) {
	t.Helper()
	if err := w.service.Close(); err != nil {
		t.Fatal(err)
	}
	w.open(t)
}

// put uploads the next part.
func (u *upload) put(body string) {
	u.t.Helper()
	number := aws.Int32(int32(len(u.parts) + 1))
	out, err := u.client.UploadPart(u.t.Context(), &sdk.UploadPartInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: &u.id, PartNumber: number, Body: strings.NewReader(body),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
	})
	if err != nil {
		u.t.Fatal(err)
	}
	u.parts = append(u.parts, types.CompletedPart{PartNumber: number, ETag: out.ETag, ChecksumCRC64NVME: out.ChecksumCRC64NVME})
}

// What was stored is there after the service has been started again: versions
// with all they have, delete markers, and uploads, which can be completed.
func TestReopen(t *testing.T) {
	w := newWorld(t)
	first := w.put(t, here, hereBucket, "a/k", "one", func(in *sdk.PutObjectInput) {
		in.Tagging, in.Metadata, in.CacheControl = aws.String("x=y"), map[string]string{"m": "1"}, aws.String("no-store")
	})
	w.put(t, here, hereBucket, "a/k", "two")
	w.put(t, here, hereBucket, "gone", "three")
	if _, err := w.client(here).DeleteObject(t.Context(), &sdk.DeleteObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("gone"),
	}); err != nil {
		t.Fatal(err)
	}
	u := w.begin(t, "upload")
	u.put("part")
	before := w.messages(t)
	w.reopen(t)
	w.messages(t) // the bucket's test event
	if got := w.get(t, here, hereBucket, "a/k"); got != "two" {
		t.Errorf("got %q, want two", got)
	}
	head, err := w.client(here).HeadObject(t.Context(), &sdk.HeadObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("a/k"), VersionId: first.VersionId,
	})
	if err != nil || aws.ToInt32(head.TagCount) != 1 || head.Metadata["m"] != "1" || aws.ToString(head.CacheControl) != "no-store" {
		t.Errorf("the first version has %+v (%v)", head, err)
	}
	_, err = w.client(here).HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("gone")})
	if notFound(t, err).Get("x-amz-delete-marker") != "true" {
		t.Error("the delete marker is gone")
	}
	if _, err := u.complete(); err != nil {
		t.Fatal(err)
	}
	if got := w.get(t, there, farBucket, "upload"); got != "part" {
		t.Errorf("the upload is %q", got)
	}
	// A write since has its place after all that were before.
	w.put(t, here, hereBucket, "gone", "four")
	after := w.messages(t)
	if len(after) != 1 || recordOf(t, after[0]).S3.Object.Sequencer <= recordOf(t, before[len(before)-1]).S3.Object.Sequencer {
		t.Errorf("%d notifications, want one after all before", len(after))
	}
}

// A directory is refused that another service uses, whose buckets have versions
// that they should not have, or that an earlier release wrote.
func TestReopenRefuses(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "body")
	if _, err := Start(t.Context(), w.config); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second service: %v, want that the directory is in use", err)
	}
	if err := w.service.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := Start(t.Context(), w.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.CreateBucket(t.Context(), here, BucketConfig{Name: hereBucket}); err == nil ||
		!strings.Contains(err.Error(), "it was there with versions") {
		t.Errorf("got %v, want that there are versions", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	w.open(t) // the world closes it

	earlier := w.config
	earlier.Dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(earlier.Dir, "objects"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), earlier); !errors.Is(err, store.ErrEarlierEdition) {
		t.Errorf("an earlier release's directory: %v, want it refused", err)
	}
	if left, err := os.ReadDir(earlier.Dir); err != nil || len(left) != 1 {
		t.Errorf("%v (%v) is there, want what was before", left, err)
	}
}
