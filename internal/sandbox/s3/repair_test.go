package s3

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend/meta"
)

// reopen ends the S3, changes what is in its directory, and starts it again.
func (w *world) reopen(t *testing.T, change func()) {
	t.Helper()
	if err := w.service.Close(); err != nil {
		t.Fatal(err)
	}
	change()
	w.open(t)
}

// file is where a Region's object is.
func (w *world) file(bucket string, names ...string) string {
	return filepath.Join(append([]string{w.config.Dir, "objects", bucket}, names...)...)
}

// repaired is the key that a kill is about.
const repaired = "a/k"

// version is where a version of it is that is not current.
func (w *world) version(id string) string {
	return filepath.Join(w.service.store.versionDir(hereBucket, repaired), id)
}

// imitate copies a file or a directory with all its metadata.
func imitate(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		copied := to + strings.TrimPrefix(name, from)
		if d.IsDir() {
			err = os.Mkdir(copied, 0o700)
		} else if body, failed := os.ReadFile(name); failed == nil {
			err = os.WriteFile(copied, body, 0o600)
		}
		if err != nil {
			return err
		}
		return imitateAttributes(name, copied)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func imitateAttributes(from, to string) error {
	var x meta.XattrMeta
	names, err := x.ListAttributes(from, "")
	for _, name := range names {
		value, failed := x.RetrieveAttribute(nil, from, "", name)
		err = errors.Join(err, failed, x.StoreAttribute(nil, to, "", name, value))
	}
	return err
}

// history lists the versions of a key, newest first: "body", or "-" for a
// delete marker.
func (w *world) history(t *testing.T, key string) string {
	t.Helper()
	out, err := w.client(here).ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: aws.String(hereBucket)})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range out.DeleteMarkers {
		if *m.IsLatest && *m.Key == key {
			list = append(list, "-")
		}
	}
	for _, v := range out.Versions {
		if *v.Key != key {
			list = append(list, "?"+*v.Key)
			continue
		}
		got, err := w.client(here).GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(hereBucket), Key: &key, VersionId: v.VersionId})
		if err != nil {
			t.Fatal(err)
		}
		body := make([]byte, *v.Size)
		_, _ = got.Body.Read(body) // a few bytes: all or the wrong ones
		_ = got.Body.Close()
		list = append(list, string(body))
	}
	return strings.Join(list, " ")
}

// put uploads the next part.
func (u *upload) put(body string) {
	u.t.Helper()
	number := aws.Int32(int32(len(u.parts) + 1))
	out, err := u.client.UploadPart(u.t.Context(), &sdk.UploadPartInput{
		Bucket: &u.bucket, Key: &u.key, UploadId: &u.id, PartNumber: number, Body: strings.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
	})
	if err != nil {
		u.t.Fatal(err)
	}
	u.parts = append(u.parts, types.CompletedPart{PartNumber: number, ETag: out.ETag, ChecksumCRC64NVME: out.ChecksumCRC64NVME})
}

// What was stored is there after the server has been started again: versions
// with all they have, delete markers, and uploads, which can be completed.
func TestReopen(t *testing.T) {
	w := newWorld(t)
	first := w.put(t, here, hereBucket, "a/k", "one", func(in *sdk.PutObjectInput) {
		in.Tagging, in.Metadata, in.CacheControl = aws.String("x=y"), map[string]string{"m": "1"}, aws.String("no-store")
	})
	w.put(t, here, hereBucket, "a/k", "two")
	w.put(t, here, hereBucket, "gone", "three")
	if _, err := w.client(here).DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("gone")}); err != nil {
		t.Fatal(err)
	}
	u := w.begin(t, "upload")
	u.put("part")
	before := w.messages(t)
	w.reopen(t, func() {})
	w.messages(t) // the bucket's test event
	if got := w.history(t, "a/k"); got != "two one ?gone" {
		t.Errorf("versions %q, want both", got)
	}
	head, err := w.client(here).HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("a/k"), VersionId: first.VersionId})
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
	if w.service.engine.repaired != (repairs{}) {
		t.Errorf("repaired %+v, want nothing", w.service.engine.repaired)
	}
}

// A server that is killed leaves these, between two steps of what it does.
func TestRepair(t *testing.T) {
	tests := []struct {
		name  string
		leave func(t *testing.T, w *world, first, second *sdk.PutObjectOutput)
		want  repairs
	}{
		{"nothing", func(*testing.T, *world, *sdk.PutObjectOutput, *sdk.PutObjectOutput) {}, repairs{}},
		{"an object about to replace another", func(t *testing.T, w *world, _, _ *sdk.PutObjectOutput) {
			imitate(t, w.file(hereBucket, repaired), w.file(hereBucket, "a", ".k.sgwtmp.1763747474000000000"))
		}, repairs{Files: 1}},
		{"a version kept, of an object that was not replaced", func(t *testing.T, w *world, _, second *sdk.PutObjectOutput) {
			imitate(t, w.file(hereBucket, repaired), w.version(*second.VersionId))
		}, repairs{Twins: 1}},
		{"the same, kept twice", func(t *testing.T, w *world, first, second *sdk.PutObjectOutput) {
			imitate(t, w.file(hereBucket, repaired), w.version(*second.VersionId))
			imitate(t, w.file(hereBucket, repaired), w.version("."+*first.VersionId+".sgwtmp.17"))
		}, repairs{Files: 1, Twins: 1}},
		{"half a delete marker", func(t *testing.T, w *world, _, second *sdk.PutObjectOutput) {
			imitate(t, w.file(hereBucket, repaired), w.version(*second.VersionId))
			if err := (meta.XattrMeta{}).StoreAttribute(nil, w.file(hereBucket), repaired, deleteMarkerAttribute, nil); err != nil {
				t.Fatal(err)
			}
		}, repairs{Twins: 1, Markers: 1}},
		{"a body that came without end", func(t *testing.T, w *world, _, _ *sdk.PutObjectOutput) {
			imitate(t, w.file(hereBucket, repaired), w.file(hereBucket, ".sgwtmp", "0123.4"))
		}, repairs{Files: 1}},
		{"a try whether there are attributes", func(t *testing.T, w *world, _, _ *sdk.PutObjectOutput) {
			if err := os.WriteFile(filepath.Join(w.config.Dir, "objects", ".probe1"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, repairs{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			first, second := w.put(t, here, hereBucket, repaired, "one"), w.put(t, here, hereBucket, repaired, "two")
			w.reopen(t, func() { tt.leave(t, w, first, second) })
			if got := w.service.engine.repaired; got != tt.want {
				t.Errorf("repaired %+v, want %+v", got, tt.want)
			}
			if got := w.history(t, repaired); got != "two one" {
				t.Errorf("versions %q, want both, once", got)
			}
			if got := w.get(t, here, hereBucket, repaired); got != "two" {
				t.Errorf("got %q", got)
			}
			w.reopen(t, func() {})
			if w.service.engine.repaired != (repairs{}) {
				t.Errorf("again repaired %+v", w.service.engine.repaired)
			}
		})
	}
}

// An upload whose completion was cut short is complete if its object is there,
// and else it goes on.
func TestRepairUploads(t *testing.T) {
	w := newWorld(t)
	const done, overwritten = "done", "done and overwritten"
	open, finished, earlier := w.begin(t, "open"), w.begin(t, done), w.begin(t, overwritten)
	for _, u := range []*upload{open, finished, earlier} {
		u.put(u.key)
	}
	kept := t.TempDir()
	place := func(u *upload) string {
		return w.file(farBucket, uploadPath(u.key, u.id))
	}
	for _, u := range []*upload{finished, earlier} {
		imitate(t, filepath.Dir(place(u)), filepath.Join(kept, u.key))
		if _, err := u.complete(); err != nil {
			t.Fatal(err)
		}
	}
	w.put(t, there, farBucket, overwritten, "since")
	w.reopen(t, func() {
		for _, u := range []*upload{finished, earlier} {
			imitate(t, filepath.Join(kept, u.key), filepath.Dir(place(u)))
		}
		for _, u := range []*upload{open, finished, earlier} {
			if err := os.Rename(place(u), place(u)+".0123-1.inprogress"); err != nil {
				t.Fatal(err)
			}
		}
		// Two that had only begun, one of them with its key, and parts that did not
		// get their places.
		for _, name := range []string{
			filepath.Join(filepath.Dir(place(open)), "8c0d1c2e-0000-0000-0000-000000000000"),
			w.file(farBucket, ".sgwtmp", "multipart", fmt.Sprintf("%064d", 0), "8c0d1c2e-0000-0000-0000-000000000001"),
		} {
			if err := os.MkdirAll(name, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		imitate(t, w.file(farBucket, done), filepath.Join(filepath.Dir(place(open)), ".copy-1"))
		imitate(t, w.file(farBucket, done), filepath.Join(place(open)+".0123-1.inprogress", ".1.sgwtmp.5"))
	})
	if got, want := w.service.engine.repaired, (repairs{Files: 2, Reset: 1, Cleared: 4}); got != want {
		t.Errorf("repaired %+v, want %+v", got, want)
	}
	list, err := w.client(there).ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{Bucket: aws.String(farBucket)})
	if err != nil || len(list.Uploads) != 1 || *list.Uploads[0].UploadId != open.id {
		t.Errorf("uploads %+v (%v), want the one that is not complete", list.Uploads, err)
	}
	_, err = finished.complete()
	wantCode(t, err, http.StatusNotFound, "NoSuchUpload")
	if _, err := open.complete(); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"open": "open", done: done, overwritten: "since"} {
		if got := w.get(t, there, farBucket, key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if left, err := os.ReadDir(w.file(farBucket, ".sgwtmp", "multipart")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// A bucket that was being made is made.
func TestRepairBucket(t *testing.T) {
	for _, lost := range [][]string{{"acl", "ownership", "versioning"}, {"ownership", "versioning"}, {"versioning"}} {
		w := newWorld(t)
		w.reopen(t, func() {
			for _, name := range lost {
				if err := (meta.XattrMeta{}).DeleteAttribute(w.file(hereBucket), "", name); err != nil {
					t.Fatal(err)
				}
			}
		})
		if out := w.put(t, here, hereBucket, "k", "body"); out.VersionId == nil {
			t.Errorf("without %v: the object has no version", lost)
		}
	}
}

// A directory is refused whose buckets have versions that they should not have,
// or whose objects' metadata a kill may have torn.
func TestReopenRefuses(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "body")
	w.reopen(t, func() {})
	other := newEmpty(t, w)
	if err := other.CreateBucket(t.Context(), here, BucketConfig{Name: hereBucket}); err == nil || !strings.Contains(err.Error(), "it was there with versions") {
		t.Errorf("got %v, want that there are versions", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	c := w.config
	c.noAttributes = true
	if s, err := Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "keeps no extended attributes") {
		t.Errorf("got %v, %v, want that attributes are missing", s, err)
	}
	w.open(t) // the world closes it
}

// newEmpty starts the S3 of a world again without its buckets.
func newEmpty(t *testing.T, w *world) *Service {
	t.Helper()
	if err := w.service.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), w.config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
