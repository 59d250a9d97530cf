package s3

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// steady is a clock that a minute passes on between any two looks at it.
func steady(c *Config) {
	var mu sync.Mutex
	at := time.Date(2026, 11, 20, 10, 0, 0, 987654321, time.UTC)
	c.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Minute)
		return at
	}
}

// A version's time is when it was begun, in whole seconds, whatever happens to
// the key, and wherever it is told.
func TestVersionsKeepTheirTimes(t *testing.T) {
	w := newWorld(t, steady)
	ctx, c, b, k := t.Context(), w.client(here), aws.String(hereBucket), aws.String("k")
	want := map[string]time.Time{}
	note := func(version *string) {
		t.Helper()
		head, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: b, Key: k, VersionId: version})
		if err != nil {
			t.Fatal(err)
		}
		for _, earlier := range want {
			if !head.LastModified.After(earlier) || head.LastModified.Nanosecond() != 0 {
				t.Errorf("a version of %v, after one of %v: want a later one, in whole seconds", head.LastModified, earlier)
			}
		}
		want[*version] = *head.LastModified
	}
	first := w.put(t, here, hereBucket, "k", "one").VersionId
	note(first)
	second := w.put(t, here, hereBucket, "k", "two").VersionId
	note(second)
	deleted, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k})
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: b})
	if err != nil || len(list.Versions) != 2 || len(list.DeleteMarkers) != 1 || !list.DeleteMarkers[0].LastModified.After(want[*second]) {
		t.Fatalf("listed %+v (%v), want two versions below a later marker", list, err)
	}
	for _, v := range list.Versions {
		if !v.LastModified.Equal(want[*v.VersionId]) {
			t.Errorf("version %s: %v, want %v", *v.VersionId, v.LastModified, want[*v.VersionId])
		}
	}
	// Without the marker the second version is current again.
	if _, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k, VersionId: deleted.VersionId}); err != nil {
		t.Fatal(err)
	}
	objects, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: b})
	if err != nil || len(objects.Contents) != 1 || !objects.Contents[0].LastModified.Equal(want[*second]) {
		t.Errorf("ListObjectsV2: %+v, %v; want %v", objects, err, want[*second])
	}
	body, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: k})
	if err != nil {
		t.Fatal(err)
	}
	_ = body.Body.Close()
	if !body.LastModified.Equal(want[*second]) {
		t.Errorf("GetObject: %v, want %v", body.LastModified, want[*second])
	}
}

// An upload in parts has the time at which it was created, and loses to a
// write that was begun later, although it was completed last.
func TestUploadHasTheTimeOfItsBeginning(t *testing.T) {
	w := newWorld(t, steady)
	c, b, k := w.client(here), aws.String(hereBucket), aws.String("k")
	up := startUpload(t, c, "k")
	listed, err := c.ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{Bucket: b})
	if err != nil || len(listed.Uploads) != 1 {
		t.Fatal(listed, err)
	}
	part, err := c.UploadPart(t.Context(), &sdk.UploadPartInput{
		Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("parts"),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, here, hereBucket, "k", "since")
	out, err := c.CompleteMultipartUpload(t.Context(), &sdk.CompleteMultipartUploadInput{
		Bucket: b, Key: k, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{
			Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: b, Key: k, VersionId: out.VersionId})
	if err != nil || !head.LastModified.Equal(*listed.Uploads[0].Initiated) {
		t.Errorf("modified %v (%v), want %v, when the upload was created", head.LastModified, err, listed.Uploads[0].Initiated)
	}
	if got := w.get(t, here, hereBucket, "k"); got != "since" {
		t.Errorf("got %q, want the write that was begun last", got)
	}
}

func TestUploadsSayWhoBeganThem(t *testing.T) {
	w := newWorld(t)
	creds, caller := w.role(t, "uploader", statements([]grant{{"s3:PutObject", hereBucket + "/*"}}))
	up := startUpload(t, w.client(here, creds), "k")
	ctx, c, b := t.Context(), w.client(here), aws.String(hereBucket)
	parts, err := c.ListParts(ctx, &sdk.ListPartsInput{Bucket: b, Key: up.Key, UploadId: up.UploadId})
	if err != nil || *parts.Initiator.ID != caller.ARN || *parts.Owner.ID != canonicalID(account) {
		t.Errorf("ListParts: %+v, %v; want %s of %s", parts, err, caller.ARN, canonicalID(account))
	}
	uploads, err := c.ListMultipartUploads(ctx, &sdk.ListMultipartUploadsInput{Bucket: b})
	if err != nil || len(uploads.Uploads) != 1 || *uploads.Uploads[0].Initiator.ID != caller.ARN ||
		*uploads.Uploads[0].Owner.ID != canonicalID(account) {
		t.Errorf("ListMultipartUploads: %+v, %v; want one of %s", uploads, err, caller.ARN)
	}
}

func TestListsAreEncodedOnDemand(t *testing.T) {
	w := newWorld(t)
	ctx, c, b := t.Context(), w.client(here), aws.String(hereBucket)
	const key, encoded = "d +/ä\x01%.txt", "d+%2B/%C3%A4%01%25.txt"
	w.put(t, here, hereBucket, key, "x")
	w.put(t, here, hereBucket, "gone +", "x")
	if _, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("gone +")}); err != nil {
		t.Fatal(err)
	}
	startUpload(t, c, key)
	prefix := aws.String("d +")
	for name, list := range map[string]func() (keys []string, encoding types.EncodingType, saidPrefix *string, err error){
		"ListObjects": func() ([]string, types.EncodingType, *string, error) {
			out, err := c.ListObjects(ctx, &sdk.ListObjectsInput{Bucket: b, Prefix: prefix, EncodingType: "url"})
			if err != nil {
				return nil, "", nil, err
			}
			return []string{*out.Contents[0].Key}, out.EncodingType, out.Prefix, nil
		},
		"ListObjectsV2": func() ([]string, types.EncodingType, *string, error) {
			out, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: b, Prefix: prefix, EncodingType: "url"})
			if err != nil {
				return nil, "", nil, err
			}
			return []string{*out.Contents[0].Key}, out.EncodingType, out.Prefix, nil
		},
		"ListObjectVersions": func() ([]string, types.EncodingType, *string, error) {
			out, err := c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: b, Prefix: prefix, EncodingType: "url"})
			if err != nil {
				return nil, "", nil, err
			}
			return []string{*out.Versions[0].Key}, out.EncodingType, out.Prefix, nil
		},
		"ListMultipartUploads": func() ([]string, types.EncodingType, *string, error) {
			out, err := c.ListMultipartUploads(ctx, &sdk.ListMultipartUploadsInput{Bucket: b, Prefix: prefix, EncodingType: "url"})
			if err != nil {
				return nil, "", nil, err
			}
			return []string{*out.Uploads[0].Key}, out.EncodingType, out.Prefix, nil
		},
	} {
		keys, encoding, said, err := list()
		if err != nil || !slices.Equal(keys, []string{encoded}) || encoding != types.EncodingTypeUrl || aws.ToString(said) != "d+%2B" {
			t.Errorf("%s: %v %q, prefix %q, %v; want %s and url", name, keys, encoding, aws.ToString(said), err, encoded)
		}
	}
	markers, err := c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: b, Prefix: aws.String("gone"), EncodingType: "url"})
	if err != nil || len(markers.DeleteMarkers) != 1 || *markers.DeleteMarkers[0].Key != "gone+%2B" ||
		*markers.Versions[0].Key != "gone+%2B" {
		t.Errorf("delete markers: %+v, %v; want gone+%%2B", markers, err)
	}
	plain, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: b, Delimiter: aws.String("/")})
	if err != nil || plain.EncodingType != "" || len(plain.CommonPrefixes) != 1 || *plain.CommonPrefixes[0].Prefix != "d +/" {
		t.Errorf("without encoding: %+v, %v; want the prefix as it is", plain, err)
	}
}
