package s3

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestModified(t *testing.T) {
	file := time.Unix(1, 0)
	if got := modified("null", &file); got != &file {
		t.Errorf("of the null version: %v, want the file's time", got)
	}
	if got := modified("01ARZ3NDEKTSV4RRFFQ69G5FAV", &file); !got.Equal(time.Unix(1469922850, 0)) { // the example of ULID's specification
		t.Errorf("of a version: %v, want its own time", got)
	}
}

// age gives every file below the directory a time of long ago.
func age(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A version's time is when it was made, whatever happens to its file.
func TestVersionsKeepTheirTimes(t *testing.T) {
	w := newWorld(t)
	ctx, c, b, k := t.Context(), w.client(here), aws.String(hereBucket), aws.String("k")
	first := w.put(t, here, hereBucket, "k", "one").VersionId
	second := w.put(t, here, hereBucket, "k", "two").VersionId
	deleted, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k})
	if err != nil {
		t.Fatal(err)
	}
	age(t, w.service.config.Dir)
	want := func(version *string) time.Time { return *modified(*version, nil) }
	if since := time.Since(want(first)); since < 0 || since > time.Minute {
		t.Errorf("the first version was made %v ago, want a moment", since)
	}
	list, err := c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]time.Time{}
	for _, v := range list.Versions {
		got[*v.VersionId] = *v.LastModified
	}
	for _, m := range list.DeleteMarkers {
		got[*m.VersionId] = *m.LastModified
	}
	for _, version := range []*string{first, second, deleted.VersionId} {
		if !got[*version].Equal(want(version)) {
			t.Errorf("version %s: %v, want %v", *version, got[*version], want(version))
		}
	}
	head, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: b, Key: k, VersionId: first})
	if err != nil || !head.LastModified.Equal(want(first)) {
		t.Errorf("HeadObject of the first version: %+v, %v; want %v", head, err, want(first))
	}
	// Without the marker the second version is current again.
	if _, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k, VersionId: deleted.VersionId}); err != nil {
		t.Fatal(err)
	}
	objects, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: b})
	if err != nil || len(objects.Contents) != 1 || !objects.Contents[0].LastModified.Equal(want(second)) {
		t.Errorf("ListObjectsV2: %+v, %v; want %v", objects, err, want(second))
	}
	body, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: k})
	if err != nil {
		t.Fatal(err)
	}
	_ = body.Body.Close()
	if !body.LastModified.Equal(want(second)) {
		t.Errorf("GetObject: %v, want %v", body.LastModified, want(second))
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
	if err != nil || len(uploads.Uploads) != 1 || *uploads.Uploads[0].Initiator.ID != caller.ARN || *uploads.Uploads[0].Owner.ID != canonicalID(account) {
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
	if err != nil || len(markers.DeleteMarkers) != 1 || *markers.DeleteMarkers[0].Key != "gone+%2B" || *markers.Versions[0].Key != "gone+%2B" {
		t.Errorf("delete markers: %+v, %v; want gone+%%2B", markers, err)
	}
	plain, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: b, Delimiter: aws.String("/")})
	if err != nil || plain.EncodingType != "" || len(plain.CommonPrefixes) != 1 || *plain.CommonPrefixes[0].Prefix != "d +/" {
		t.Errorf("without encoding: %+v, %v; want the prefix as it is", plain, err)
	}
}
