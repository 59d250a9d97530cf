package store

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

const (
	here = "here"
	gone = "gone"
)

// open opens a store that is closed at the end of the test.
func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newStore returns a store with a bucket.
func newStore(t testing.TB, v Versioning) *Store {
	t.Helper()
	s := open(t, t.TempDir())
	makeBucket(t, s, here, v)
	return s
}

func makeBucket(t testing.TB, s *Store, name string, v Versioning) {
	t.Helper()
	if _, err := s.CreateBucket(Bucket{Name: name, Region: "eu-north-1", Versioning: v}); err != nil {
		t.Fatal(err)
	}
}

func stage(t testing.TB, s *Store, body string, algorithms ...Algorithm) *Blob {
	t.Helper()
	b, err := s.Stage(strings.NewReader(body), algorithms...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func put(t testing.TB, s *Store, key, body string) Written {
	t.Helper()
	w, err := tryPut(t, s, key, body, Condition{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func tryPut(t testing.TB, s *Store, key, body string, c Condition) (Written, error) {
	t.Helper()
	return s.PutObject(Put{Bucket: here, Key: key, Condition: c}, stage(t, s, body))
}

func tryCopy(t testing.TB, s *Store, from, to string, c Condition) (Copied, error) {
	t.Helper()
	return s.CopyObject(t.Context(), Copy{SourceBucket: here, SourceKey: from, Bucket: here, Key: to, Condition: c, Plan: asIs})
}

// asIs copies what the source has.
func asIs(source *Version) (Plan, error) {
	return Plan{source.Attributes, source.Checksum.Algorithm}, nil
}

func read(t testing.TB, s *Store, key, versionID string) string {
	t.Helper()
	o, err := s.OpenObject(here, key, versionID)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}()
	b, err := io.ReadAll(o.Range(0, o.Version().Size))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("the error is %v, want %v", err, want)
	}
}

// md5Hex is the ETag of a body.
func md5Hex(body string) string { return etag(sumOf(MD5, body)) }

func TestAnyKey(t *testing.T) {
	s := newStore(t, Enabled)
	keys := []string{
		"a", "a/b", "a//b", "a/", "/", "//", ".", "..", "./a", "a/../b", " ", "a\x00b", "a\x00", "\x00", "a\x01", "ä", "\U0001F600",
		strings.Repeat("k", 1024), strings.Repeat("/", 1024), "a+b", "a%20b", "\n",
	}
	for _, key := range keys {
		put(t, s, key, "first of "+key)
		w := put(t, s, key, "second of "+key)
		if got := read(t, s, key, ""); got != "second of "+key {
			t.Errorf("%q: read %q", key, got)
		}
		if got := read(t, s, key, w.VersionID); got != "second of "+key {
			t.Errorf("%q: version: read %q", key, got)
		}
	}
	page, err := s.ListObjects(here, List{MaxKeys: 1000})
	if err != nil || len(page.Objects) != len(keys) {
		t.Fatalf("listed %d of %d keys (%v)", len(page.Objects), len(keys), err)
	}
	for i := 1; i < len(page.Objects); i++ {
		if page.Objects[i-1].Key >= page.Objects[i].Key {
			t.Errorf("%q is listed before %q", page.Objects[i-1].Key, page.Objects[i].Key)
		}
	}
	for key, want := range map[string]error{strings.Repeat("k", 1025): ErrKeyTooLong, "": ErrInvalidKey, "\xff": ErrInvalidKey} {
		_, err := tryPut(t, s, key, "", Condition{})
		wantError(t, err, want)
	}
}

func TestSizes(t *testing.T) {
	s := newStore(t, Unversioned)
	for _, size := range []int{0, 1, inlineSize, inlineSize + 1, blockSize, blockSize + 1, 3*blockSize + 5} {
		for name, body := range map[string][]byte{
			"zeros": make([]byte, size), "bytes": bytes.Repeat([]byte("ab\x00d"), size/4+1)[:size],
			"mixed": append(make([]byte, size/2), bytes.Repeat([]byte{1}, size-size/2)...),
		} {
			w := put(t, s, name, string(body))
			if w.ETag != md5Hex(string(body)) || w.Size != int64(size) {
				t.Errorf("%d %s: wrote %+v", size, name, w)
			}
			if read(t, s, name, "") != string(body) {
				t.Errorf("%d %s: other bytes were read", size, name)
			}
			o, err := s.OpenObject(here, name, "")
			if err != nil {
				t.Fatal(err)
			}
			part, err := io.ReadAll(o.Range(int64(size/3), int64(size/2)))
			if err != nil || string(part) != string(body[size/3:size/3+size/2]) {
				t.Errorf("%d %s: other bytes of a range were read (%v)", size, name, err)
			}
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestLastModifiedIsInWholeSeconds(t *testing.T) {
	now := time.Date(2026, 11, 29, 6, 0, 0, 999_999_999, time.UTC)
	s, err := Open(t.TempDir(), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	makeBucket(t, s, here, Enabled)
	if w := put(t, s, "k", "x"); !w.LastModified.Equal(now.Truncate(time.Second)) {
		t.Errorf("modified at %s", w.LastModified)
	}
}
