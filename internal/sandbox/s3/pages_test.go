package s3

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/s3response"
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
		for p := sdk.NewListObjectVersionsPaginator(c, &sdk.ListObjectVersionsInput{Bucket: b, MaxKeys: aws.Int32(size + 1)}); p.HasMorePages(); {
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
	for p := sdk.NewListMultipartUploadsPaginator(c, &sdk.ListMultipartUploadsInput{Bucket: b, MaxUploads: aws.Int32(2)}); p.HasMorePages(); {
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
	for p := sdk.NewListPartsPaginator(c, &sdk.ListPartsInput{Bucket: b, Key: up.Key, UploadId: up.UploadId, MaxParts: aws.Int32(2)}); p.HasMorePages(); {
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

func TestUploadsInGroups(t *testing.T) {
	all := []s3response.Upload{
		{Key: "a", UploadID: "1"}, {Key: "a", UploadID: "2"}, {Key: "d/x", UploadID: "1"}, {Key: "d/y", UploadID: "1"}, {Key: "e/", UploadID: "1"}, {Key: "f", UploadID: "1"},
	}
	for _, c := range []struct {
		name    string
		page    s3response.ListMultipartUploadsResult
		want    string
		key, id string // where the next page goes on; none if empty
	}{
		{name: "all at once", page: s3response.ListMultipartUploadsResult{MaxUploads: 10, Delimiter: "/"}, want: "a 1, a 2, f 1; d/, e/"},
		{name: "the first of a key", page: s3response.ListMultipartUploadsResult{MaxUploads: 1}, want: "a 1; ", key: "a", id: "1"},
		{name: "the next of the key", page: s3response.ListMultipartUploadsResult{MaxUploads: 2, KeyMarker: "a", UploadIDMarker: "1", Delimiter: "/"}, want: "a 2; d/", key: "d/"},
		{name: "after a group", page: s3response.ListMultipartUploadsResult{MaxUploads: 2, KeyMarker: "d/", Delimiter: "/"}, want: "f 1; e/"},
		{name: "after a key", page: s3response.ListMultipartUploadsResult{MaxUploads: 1, KeyMarker: "a"}, want: "d/x 1; ", key: "d/x", id: "1"},
		{name: "after an upload that is gone", page: s3response.ListMultipartUploadsResult{MaxUploads: 10, KeyMarker: "a", UploadIDMarker: "11"}, want: "a 2, d/x 1, d/y 1, e/ 1, f 1; "},
		{name: "none", page: s3response.ListMultipartUploadsResult{MaxUploads: 0}, want: "; "},
	} {
		fillUploads(&c.page, all)
		var uploads, groups []string
		for _, u := range c.page.Uploads {
			uploads = append(uploads, u.Key+" "+u.UploadID)
		}
		for _, g := range c.page.CommonPrefixes {
			groups = append(groups, g.Prefix)
		}
		got := strings.Join(uploads, ", ") + "; " + strings.Join(groups, ", ")
		if got != c.want || c.page.NextKeyMarker != c.key || c.page.NextUploadIDMarker != c.id || c.page.IsTruncated != (c.key != "") {
			t.Errorf("%s: %s, next %q %q, truncated %v; want %s, next %q %q", c.name, got, c.page.NextKeyMarker, c.page.NextUploadIDMarker, c.page.IsTruncated, c.want, c.key, c.id)
		}
	}
}
