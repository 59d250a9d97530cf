package s3

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// copyThere is the copy that a replica set makes.
func copyThere(key, version string) *sdk.CopyObjectInput {
	return &sdk.CopyObjectInput{
		Bucket: aws.String(farBucket), Key: &key, CopySource: copySource(hereBucket, key, version), IfNoneMatch: aws.String("*"),
	}
}

func TestConditionalCopy(t *testing.T) {
	w := newWorld(t)
	v1 := w.put(t, here, hereBucket, "k", "one")
	w.put(t, here, hereBucket, "k", "two")
	c := w.client(there)

	out, err := c.CopyObject(t.Context(), copyThere("k", *v1.VersionId))
	if err != nil {
		t.Fatal(err)
	}
	if got := w.get(t, there, farBucket, "k"); got != "one" {
		t.Errorf("got %q, want the version that was named", got)
	}
	if aws.ToString(out.CopySourceVersionId) != *v1.VersionId || aws.ToString(out.VersionId) == "" {
		t.Errorf("got versions %q from %q, want a new one from %q",
			aws.ToString(out.VersionId), aws.ToString(out.CopySourceVersionId), *v1.VersionId)
	}
	if got, want := aws.ToString(out.CopyObjectResult.ETag), *v1.ETag; got != want {
		t.Errorf("got ETag %s, want %s", got, want)
	}

	_, err = c.CopyObject(t.Context(), copyThere("k", ""))
	wantCode(t, err, 412, "PreconditionFailed")
	if got := w.get(t, there, farBucket, "k"); got != "one" {
		t.Errorf("a refused copy left %q", got)
	}

	in := copyThere("k", "")
	in.IfNoneMatch = aws.String(`"etag"`)
	_, err = c.CopyObject(t.Context(), in)
	wantCode(t, err, 501, "NotImplemented")

	in = copyThere("k", "")
	in.IfNoneMatch, in.IfMatch = nil, aws.String(`"0123"`)
	_, err = c.CopyObject(t.Context(), in)
	wantCode(t, err, 412, "PreconditionFailed")
	in.IfMatch = v1.ETag
	if _, err = c.CopyObject(t.Context(), in); err != nil {
		t.Errorf("If-Match with the current ETag: %v", err)
	}

	if _, err = c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(farBucket), Key: aws.String("k")}); err != nil {
		t.Fatal(err)
	}
	in.Key = aws.String("k")
	_, err = c.CopyObject(t.Context(), in)
	wantCode(t, err, 404, "NoSuchKey")
	if _, err = c.CopyObject(t.Context(), copyThere("k", "")); err != nil {
		t.Errorf("a delete marker counts as an object: %v", err)
	}
	if got := w.get(t, there, farBucket, "k"); got != "two" {
		t.Errorf("got %q, want two", got)
	}
}

// The answer names the condition, by which it is told from a failed condition
// on the source.
func TestFailedConditionIsNamed(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "x")
	w.put(t, there, farBucket, "k", "x")
	var answer []byte
	c := sdk.New(w.client(there).Options(), func(o *sdk.Options) {
		o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			res, err := http.DefaultClient.Do(r)
			if err == nil {
				answer, err = io.ReadAll(res.Body)
				res.Body = io.NopCloser(bytes.NewReader(answer))
			}
			return res, err
		})
	})
	_, err := c.CopyObject(t.Context(), copyThere("k", ""))
	wantCode(t, err, 412, "PreconditionFailed")
	if want := "<Condition>If-None-Match</Condition>"; !strings.Contains(string(answer), want) {
		t.Errorf("answer %s has no %s", answer, want)
	}
	in := copyThere("k", "")
	in.Key, in.CopySourceIfNoneMatch = aws.String("new"), aws.String("*")
	_, err = c.CopyObject(t.Context(), in)
	wantCode(t, err, 412, "PreconditionFailed")
	if want := "<Condition>x-amz-copy-source-If-None-Match</Condition>"; !strings.Contains(string(answer), want) {
		t.Errorf("answer %s has no %s", answer, want)
	}
	in.CopySourceIfNoneMatch, in.CopySourceIfMatch = nil, aws.String(`"0123"`)
	_, err = c.CopyObject(t.Context(), in)
	wantCode(t, err, 412, "PreconditionFailed")
	if want := "<Condition>x-amz-copy-source-If-Match</Condition>"; !strings.Contains(string(answer), want) {
		t.Errorf("answer %s has no %s", answer, want)
	}
}

func TestConditionalPutAndComplete(t *testing.T) {
	w := newWorld(t)
	c := w.client(here)
	put := func(cond *string) error {
		_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader("x"), IfNoneMatch: cond,
		})
		return err
	}
	if err := put(aws.String("*")); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(aws.String("*")), 412, "PreconditionFailed")

	uploaded := func() *sdk.CompleteMultipartUploadInput {
		t.Helper()
		upload := startUpload(t, c, "k")
		part, err := c.UploadPart(t.Context(), &sdk.UploadPartInput{
			Bucket: upload.Bucket, Key: upload.Key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("mp"),
		})
		if err != nil {
			t.Fatal(err)
		}
		return &sdk.CompleteMultipartUploadInput{
			Bucket: upload.Bucket, Key: upload.Key, UploadId: upload.UploadId, IfNoneMatch: aws.String("*"),
			MultipartUpload: &types.CompletedMultipartUpload{
				Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1), ChecksumCRC32: part.ChecksumCRC32}},
			},
		}
	}
	complete := uploaded()
	_, err := c.CompleteMultipartUpload(t.Context(), complete)
	wantCode(t, err, 412, "PreconditionFailed")
	if _, err = c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: complete.Bucket, Key: complete.Key}); err != nil {
		t.Fatal(err)
	}
	// The deletion came after the upload was begun: it has to be made anew.
	_, err = c.CompleteMultipartUpload(t.Context(), complete)
	wantCode(t, err, 409, "ConditionalRequestConflict")
	complete = uploaded()
	w.messages(t)
	if _, err = c.CompleteMultipartUpload(t.Context(), complete); err != nil {
		t.Fatalf("over a delete marker: %v", err)
	}
	if got := w.get(t, here, hereBucket, "k"); got != "mp" {
		t.Errorf("got %q, want mp", got)
	}
	record := onlyRecord(t, w)
	if record.EventName != "ObjectCreated:CompleteMultipartUpload" || *record.S3.Object.Size != 2 ||
		!strings.HasSuffix(record.S3.Object.ETag, "-1") {
		t.Errorf("event %+v does not describe the upload", record)
	}
}

func startUpload(t *testing.T, c *sdk.Client, key string) *sdk.CreateMultipartUploadOutput {
	t.Helper()
	out, err := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{
		Bucket: aws.String(hereBucket), Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Of conditional copies, puts and deletes that race, exactly one creation
// wins each time the key is free.
func TestConditionIsAtomic(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "source")
	c := w.client(there)
	for round := range 5 {
		var won atomic.Int32
		var g sync.WaitGroup
		for i := range 16 {
			g.Go(func() {
				key := fmt.Sprintf("race-%d", round)
				var err error
				if i%2 == 0 {
					in := copyThere("k", "")
					in.Key = &key
					_, err = c.CopyObject(t.Context(), in)
				} else {
					_, err = c.PutObject(t.Context(), &sdk.PutObjectInput{
						Bucket: aws.String(farBucket), Key: &key, Body: strings.NewReader("put"), IfNoneMatch: aws.String("*"),
					})
				}
				if err == nil {
					won.Add(1)
				} else {
					wantCode(t, err, 412, "PreconditionFailed")
				}
			})
		}
		g.Wait()
		if won.Load() != 1 {
			t.Errorf("%d writes won, want 1", won.Load())
		}
	}
}

func TestCopyCarries(t *testing.T) {
	w := newWorld(t)
	expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	metadata := map[string]string{"one": "1", "two": "with space", "empty": ""}
	w.put(t, here, hereBucket, "k", "body", func(in *sdk.PutObjectInput) {
		in.ContentType, in.ContentEncoding, in.ContentLanguage = aws.String("text/x"), aws.String("br"), aws.String("de")
		in.ContentDisposition, in.CacheControl, in.Expires = aws.String("inline"), aws.String("no-store"), &expires
		in.Metadata, in.Tagging = metadata, aws.String("a=b&c%20d=e%2Bf")
		in.WebsiteRedirectLocation = aws.String("/elsewhere")
		in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
	})
	c := w.client(there)
	in := copyThere("k", "")
	in.AnnotationDirective = "EXCLUDE"
	if _, err := c.CopyObject(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	source, err := w.client(here).HeadObject(t.Context(), &sdk.HeadObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{
		Bucket: aws.String(farBucket), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]*string{
		"content type": {got.ContentType, source.ContentType}, "content encoding": {got.ContentEncoding, source.ContentEncoding},
		"content language":    {got.ContentLanguage, source.ContentLanguage},
		"content disposition": {got.ContentDisposition, source.ContentDisposition},
		"cache control":       {got.CacheControl, source.CacheControl}, "expires": {got.ExpiresString, source.ExpiresString},
		"sha256": {got.ChecksumSHA256, source.ChecksumSHA256},
	} {
		if aws.ToString(pair[0]) != aws.ToString(pair[1]) || aws.ToString(pair[1]) == "" {
			t.Errorf("%s: got %q, source has %q", name, aws.ToString(pair[0]), aws.ToString(pair[1]))
		}
	}
	if !maps.Equal(got.Metadata, metadata) {
		t.Errorf("metadata: got %v, want %v", got.Metadata, metadata)
	}
	if got.WebsiteRedirectLocation != nil {
		t.Error("the website redirect was copied, which S3 never does")
	}
	tags, err := c.GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{Bucket: aws.String(farBucket), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{}
	for _, tag := range tags.TagSet {
		set[*tag.Key] = *tag.Value
	}
	if want := map[string]string{"a": "b", "c d": "e+f"}; !maps.Equal(set, want) {
		t.Errorf("tags: got %v, want %v", set, want)
	}

	replace := copyThere("k", "")
	replace.Key = aws.String("replaced")
	replace.MetadataDirective, replace.TaggingDirective = types.MetadataDirectiveReplace, types.TaggingDirectiveReplace
	replace.Metadata, replace.ContentType = map[string]string{"new": "x"}, aws.String("text/new")
	if _, err := c.CopyObject(t.Context(), replace); err != nil {
		t.Fatal(err)
	}
	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(farBucket), Key: replace.Key})
	if err != nil {
		t.Fatal(err)
	}
	if head.TagCount != nil || !maps.Equal(head.Metadata, replace.Metadata) || aws.ToString(head.ContentType) != "text/new" ||
		head.CacheControl != nil {
		t.Errorf("replaced: got tags %v, metadata %v, type %v, cache control %v",
			head.TagCount, head.Metadata, *head.ContentType, head.CacheControl)
	}
}

func TestCopySourceErrors(t *testing.T) {
	w := newWorld(t)
	v1 := w.put(t, here, hereBucket, "k", "one")
	deleted, err := w.client(here).DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	c := w.client(there)
	_, err = c.CopyObject(t.Context(), copyThere("k", ""))
	wantCode(t, err, 404, "NoSuchKey")
	_, err = c.CopyObject(t.Context(), copyThere("never", ""))
	wantCode(t, err, 404, "NoSuchKey")
	_, err = c.CopyObject(t.Context(), copyThere("never", *v1.VersionId))
	wantCode(t, err, 404, "NoSuchVersion")
	_, err = c.CopyObject(t.Context(), copyThere("k", *deleted.VersionId))
	wantCode(t, err, 400, "InvalidRequest")
	_, err = c.CopyObject(t.Context(), copyThere("k", "not-a-version"))
	wantCode(t, err, 400, "InvalidArgument")
	gone := copyThere("k", "")
	gone.CopySource = aws.String("nowhere/k")
	_, err = c.CopyObject(t.Context(), gone)
	wantCode(t, err, 404, "NoSuchBucket")

	if _, err = c.CopyObject(t.Context(), copyThere("k", *v1.VersionId)); err != nil {
		t.Errorf("a version behind a delete marker: %v", err)
	}
	if _, err = w.client(here).DeleteObject(t.Context(), &sdk.DeleteObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), VersionId: v1.VersionId,
	}); err != nil {
		t.Fatal(err)
	}
	other := copyThere("k", *v1.VersionId)
	other.Key = aws.String("other")
	_, err = c.CopyObject(t.Context(), other)
	wantCode(t, err, 404, "NoSuchVersion")
	_, err = w.client(here).HeadObject(t.Context(), &sdk.HeadObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), VersionId: v1.VersionId,
	})
	wantCode(t, err, 404, "NotFound") // HEAD has no body to say more
}

func TestCopyOntoItself(t *testing.T) {
	w := newWorld(t)
	v1 := w.put(t, here, hereBucket, "k", "one")
	c := w.client(here)
	in := &sdk.CopyObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k"), CopySource: copySource(hereBucket, "k", "")}
	_, err := c.CopyObject(t.Context(), in)
	wantCode(t, err, 400, "InvalidRequest")
	in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"a": "b"}
	out, err := c.CopyObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if *out.VersionId == *v1.VersionId {
		t.Error("no new version was made")
	}
	old, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: in.Bucket, Key: in.Key, VersionId: v1.VersionId})
	if err != nil || len(old.Metadata) != 0 {
		t.Errorf("the old version has metadata %v (%v), want none", old, err)
	}
}

func TestMultipartCopy(t *testing.T) {
	w := newWorld(t)
	body := bytes.Repeat([]byte("0123456789"), 1<<20)
	v := w.put(t, here, hereBucket, "big", string(body))
	c := w.client(there)
	upload, err := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{
		Bucket: aws.String(farBucket), Key: aws.String("big"), Tagging: aws.String("a=b"), Metadata: map[string]string{"m": "n"},
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
	})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for i, r := range []string{"bytes=0-5242879", "bytes=5242880-10485759"} {
		out, err := c.UploadPartCopy(t.Context(), &sdk.UploadPartCopyInput{
			Bucket: upload.Bucket, Key: upload.Key, UploadId: upload.UploadId, PartNumber: aws.Int32(int32(i + 1)),
			CopySource: copySource(hereBucket, "big", *v.VersionId), CopySourceRange: &r,
		})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{
			PartNumber: aws.Int32(int32(i + 1)), ETag: out.CopyPartResult.ETag, ChecksumCRC64NVME: out.CopyPartResult.ChecksumCRC64NVME,
		})
	}
	out, err := c.CompleteMultipartUpload(t.Context(), &sdk.CompleteMultipartUploadInput{
		Bucket: upload.Bucket, Key: upload.Key, UploadId: upload.UploadId, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}, MpuObjectSize: aws.Int64(int64(len(body))),
		ChecksumType: types.ChecksumTypeFullObject,
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.ChecksumCRC64NVME == nil {
		t.Error("no checksum of the whole object")
	}
	if got := w.get(t, there, farBucket, "big"); got != string(body) {
		t.Errorf("got %d bytes, not the source's", len(got))
	}
	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: upload.Bucket, Key: upload.Key})
	if err != nil || head.Metadata["m"] != "n" || aws.ToInt32(head.TagCount) != 1 {
		t.Errorf("got %+v (%v), want metadata and a tag", head, err)
	}
}
