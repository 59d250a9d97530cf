package s3

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Lists that have a page's end come to their own end, with everything once.
func TestListsInPages(t *testing.T) {
	w := newWorld(t)
	ctx, c, b := t.Context(), w.client(here), aws.String(hereBucket)
	var versions, uploads []string
	for i := range 5 {
		key := fmt.Sprintf("k%d", i/2) // some twice
		versions = append(versions, key+" "+*w.put(t, here, hereBucket, key, "x").VersionId)
		up := startUpload(t, c, key)
		uploads = append(uploads, key+" "+*up.UploadId)
	}
	up := startUpload(t, c, "parts")
	uploads = append(uploads, "parts "+*up.UploadId)
	for n := range int32(5) {
		_, err := c.UploadPart(ctx, &sdk.UploadPartInput{Bucket: b, Key: up.Key, UploadId: up.UploadId, PartNumber: aws.Int32(n + 1)})
		if err != nil {
			t.Fatal(err)
		}
	}
	gone, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k1")})
	if err != nil {
		t.Fatal(err)
	}
	versions = append(versions, "k1 "+*gone.VersionId)
	slices.Sort(versions)
	for size := range int32(4) { // a page ends after a current version, an older one, a delete marker
		var got []string
		for p := sdk.NewListObjectVersionsPaginator(c, &sdk.ListObjectVersionsInput{
			Bucket: b, MaxKeys: aws.Int32(size + 1),
		}); p.HasMorePages(); {
			page, err := p.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(page.Versions) + len(page.DeleteMarkers); n > int(size)+1 {
				t.Errorf("%d in a page of at most %d", n, size+1)
			}
			for _, v := range page.Versions {
				got = append(got, *v.Key+" "+*v.VersionId)
			}
			for _, m := range page.DeleteMarkers {
				got = append(got, *m.Key+" "+*m.VersionId)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, versions) {
			t.Errorf("ListObjectVersions by %d = %v, want %v", size+1, got, versions)
		}
	}
	slices.Sort(uploads)
	var got []string
	for p := sdk.NewListMultipartUploadsPaginator(c, &sdk.ListMultipartUploadsInput{
		Bucket: b, MaxUploads: aws.Int32(2),
	}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Uploads {
			got = append(got, *u.Key+" "+*u.UploadId)
		}
	}
	if !slices.Equal(got, uploads) {
		t.Errorf("ListMultipartUploads = %v, want %v", got, uploads)
	}
	var parts []int32
	for p := sdk.NewListPartsPaginator(c, &sdk.ListPartsInput{
		Bucket: b, Key: up.Key, UploadId: up.UploadId, MaxParts: aws.Int32(2),
	}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range page.Parts {
			parts = append(parts, *part.PartNumber)
		}
	}
	if want := []int32{1, 2, 3, 4, 5}; !slices.Equal(parts, want) {
		t.Errorf("ListParts = %v, want %v", parts, want)
	}
}

// Uploads are listed in groups by a delimiter, and go on behind a key, an
// upload, one that is gone, or a group.
func TestUploadsInGroups(t *testing.T) {
	w := newWorld(t)
	ctx, c, b := t.Context(), w.client(here), aws.String(hereBucket)
	ids := map[string]*string{}
	for _, name := range []string{"a 1", "a 2", "d/x 1", "d/y 1", "e/ 1", "f 1"} {
		key, _, _ := strings.Cut(name, " ")
		ids[name] = startUpload(t, c, key).UploadId
	}
	name := func(u types.MultipartUpload) string {
		for name, id := range ids {
			if *id == *u.UploadId {
				return name
			}
		}
		return "?"
	}
	list := func(delimiter string, most int32, key string, upload *string) string {
		t.Helper()
		in := &sdk.ListMultipartUploadsInput{Bucket: b, MaxUploads: &most, UploadIdMarker: upload}
		if delimiter != "" {
			in.Delimiter = &delimiter
		}
		if key != "" {
			in.KeyMarker = &key
		}
		out, err := c.ListMultipartUploads(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, u := range out.Uploads {
			all = append(all, name(u))
		}
		for _, g := range out.CommonPrefixes {
			all = append(all, *g.Prefix)
		}
		if aws.ToBool(out.IsTruncated) {
			all = append(all, "then "+aws.ToString(out.NextKeyMarker))
		}
		return strings.Join(all, ", ")
	}
	for _, tt := range []struct {
		name, got, want string
	}{
		{"all at once", list("/", 10, "", nil), "a 1, a 2, f 1, d/, e/"},
		{"the first of a key", list("", 1, "", nil), "a 1, then a"},
		{"the next of the key", list("/", 2, "a", ids["a 1"]), "a 2, d/, then d/"},
		{"after a group", list("/", 2, "d/", nil), "f 1, e/"},
		{"after a key", list("", 1, "a", nil), "d/x 1, then d/x"},
		{"none", list("", 0, "", nil), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, tt.got, tt.want)
		}
	}
	if _, err := c.AbortMultipartUpload(ctx, &sdk.AbortMultipartUploadInput{
		Bucket: b, Key: aws.String("a"), UploadId: ids["a 1"],
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := list("", 10, "a", ids["a 1"]), "a 2, d/x 1, d/y 1, e/ 1, f 1"; got != want {
		t.Errorf("after an upload that is gone: %s, want %s", got, want)
	}
}

func TestUploadMarkerThatCannotBeOne(t *testing.T) {
	w := newWorld(t)
	mine, another := w.begin(t, "k"), w.begin(t, "l")
	for marker, code := range map[string]string{"nonsense": "InvalidArgument", another.id: "InvalidArgument", mine.id: ""} {
		_, err := w.client(there).ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{
			Bucket: aws.String(farBucket), KeyMarker: aws.String("k"), UploadIdMarker: &marker,
		})
		if code == "" && err != nil {
			t.Error(err)
		} else if code != "" {
			wantCode(t, err, 400, code)
		}
	}
}
