package store

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func asMarker(err error, m **MarkerError) bool { return errors.As(err, m) }

func TestAttributesAreKept(t *testing.T) {
	s := newStore(t, Enabled)
	a := Attributes{
		Headers:  map[string]string{"content-type": "text/plain", "x-amz-website-redirect-location": "/x"},
		Metadata: map[string]string{"a": strings.Repeat("é", 1000), "": "empty name"},
		Tags:     []Tag{{"z", ""}, {"a", strings.Repeat("t", 256)}}, StorageClass: "GLACIER",
	}
	b := stage(t, s, "v", CRC32)
	w, err := s.PutObject(Put{Bucket: here, Key: "k", Attributes: a, Algorithm: CRC32}, b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.PutObject(Put{Bucket: here, Key: "k"}, b)
	wantError(t, err, errPutTwice)
	copied, err := tryCopy(t, s, "k", "copy", Condition{IfNoneMatch: true})
	if err != nil || copied.SourceVersionID != w.VersionID || copied.Checksum != w.Checksum {
		t.Fatalf("%+v (%v)", copied, err)
	}
	for _, key := range []string{"k", "copy"} {
		v, err := s.HeadObject(here, key, "")
		if err != nil || !maps.Equal(v.Attributes.Headers, a.Headers) || !maps.Equal(v.Attributes.Metadata, a.Metadata) ||
			!slices.Equal(v.Attributes.Tags, a.Tags) || v.Attributes.StorageClass != "GLACIER" || v.Checksum.Value != sumOf(CRC32, "v") {
			t.Errorf("%s is %+v (%v)", key, v, err)
		}
	}
	tagged, err := s.PutTags(here, "k", w.VersionID, []Tag{{"new", "tag"}})
	if err != nil || tagged.Sequencer <= w.Sequencer || tagged.VersionID != w.VersionID {
		t.Errorf("%+v (%v)", tagged, err)
	}
	v, err := s.HeadObject(here, "k", "")
	if err != nil || !slices.Equal(v.Attributes.Tags, []Tag{{"new", "tag"}}) || v.Sequencer != w.Sequencer {
		t.Errorf("%+v (%v)", v, err)
	}
}

func TestPlanThatRefusesEndsTheCopy(t *testing.T) {
	s := newStore(t, Enabled)
	put(t, s, "k", "v")
	refused := errors.New("refused")
	plan := func(v *Version) (Plan, error) {
		if v.Key != "k" || v.ETag != md5Hex("v") {
			t.Errorf("the plan was shown %+v", v)
		}
		return Plan{}, refused
	}
	_, err := s.CopyObject(t.Context(), Copy{SourceBucket: here, SourceKey: "k", Bucket: here, Key: "copy", Plan: plan})
	wantError(t, err, refused)
	_, err = s.HeadObject(here, "copy", "")
	wantError(t, err, ErrNoSuchKey)
}

func TestPlanThatPanicsLocksNothing(t *testing.T) {
	s := newStore(t, Unversioned)
	put(t, s, "k", strings.Repeat("in a file", inlineSize))
	u, _ := beginUpload(t, s, "upload", "part")
	for _, try := range []func(){
		func() {
			_, _ = s.CopyObject(t.Context(), Copy{
				SourceBucket: here, SourceKey: "k", Bucket: here, Key: "copy",
				Plan: func(*Version) (Plan, error) { panic("plan") },
			})
		},
		func() {
			_, _, _ = s.CopyPart(t.Context(), CopyPart{
				SourceBucket: here, SourceKey: "k", Bucket: here, Key: "upload", UploadID: u.UploadID, Number: 1,
				Plan: func(*Version) (int64, int64, error) { panic("plan") },
			})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			try()
		}()
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.DeleteObject(Delete{Bucket: here, Key: "k"}) // which removes a file
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a deletion waits for a lock that nobody lets go of")
	}
}

func TestBuckets(t *testing.T) {
	s := open(t, t.TempDir())
	made, err := s.CreateBucket(Bucket{Name: here, Region: "eu-north-1", Config: map[string][]byte{"policy": []byte("{}")}})
	if err != nil || made.Region != "eu-north-1" || string(made.Config["policy"]) != "{}" {
		t.Fatalf("%+v (%v)", made, err)
	}
	there, err := s.CreateBucket(Bucket{Name: here, Region: "elsewhere"})
	if wantError(t, err, ErrBucketExists); there.Region != "eu-north-1" {
		t.Errorf("%+v is said to be there", there)
	}
	put(t, s, "k", "v")
	if err := s.SetConfig(here, map[string][]byte{"policy": nil, "tags": []byte("t"), "empty": {}}); err != nil {
		t.Fatal(err)
	}
	b, err := s.Bucket(here)
	if err != nil || b.Generation == made.Generation || len(b.Config) != 2 || string(b.Config["tags"]) != "t" || b.Config["empty"] == nil {
		t.Errorf("%+v (%v)", b, err)
	}
	wantError(t, s.DeleteBucket(here), ErrBucketNotEmpty)
	deleteKey(t, s, "")
	u, _ := beginUpload(t, s, "k", strings.Repeat("x", inlineSize+1))
	makeBucket(t, s, "another", Enabled)
	if err := s.DeleteBucket(here); err != nil {
		t.Fatal(err)
	}
	makeBucket(t, s, here, Enabled)
	_, err = s.FindUpload(here, "k", u.UploadID)
	wantError(t, err, ErrNoSuchUpload)
	if b, err := s.Bucket(here); err != nil || len(b.Config) != 0 {
		t.Errorf("a new bucket has the configuration of an old one: %+v (%v)", b, err)
	}
	all, err := s.Buckets()
	if err != nil || len(all) != 2 || all[0].Name != "another" || all[1].Name != here {
		t.Errorf("%+v (%v)", all, err)
	}
	for _, err := range []error{
		s.DeleteBucket("none"), s.SetConfig("none", nil), s.SetVersioning("none", Enabled), s.Check("none", "k", Condition{}),
		s.AbortUpload("none", "k", "u"),
	} {
		wantError(t, err, ErrNoSuchBucket)
	}
}

func TestCheck(t *testing.T) {
	s := newStore(t, Enabled)
	w := put(t, s, "k", "v")
	wantError(t, s.Check(here, "k", Condition{IfNoneMatch: true}), ErrPrecondition)
	wantError(t, s.Check(here, "none", Condition{IfMatch: w.ETag}), ErrNoSuchKey)
	for _, c := range []Condition{{}, {IfMatch: w.ETag}, {IfMatch: "*"}} {
		if err := s.Check(here, "k", c); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenObjectOutlivesItsVersion(t *testing.T) {
	s := newStore(t, Unversioned)
	for _, body := range []string{"small", strings.Repeat("large", inlineSize)} {
		put(t, s, "k", body)
		o, err := s.OpenObject(here, "k", "")
		if err != nil {
			t.Fatal(err)
		}
		deleteKey(t, s, "")
		got, err := io.ReadAll(o.Range(0, int64(len(body))))
		if err != nil || string(got) != body {
			t.Errorf("other bytes were read (%v)", err)
		}
		for range 2 {
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		}
		if problems, err := s.audit(nil); err != nil || len(problems) > 0 {
			t.Errorf("%v (%v)", problems, err)
		}
	}
}

// cutOff is a body whose connection breaks.
type cutOff struct{ r io.Reader }

func (c cutOff) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestBodyThatBreaksOffIsNotStaged(t *testing.T) {
	s := newStore(t, Enabled)
	for _, size := range []int{0, 10, inlineSize + 1, 2*blockSize + 1} {
		_, err := s.Stage(cutOff{strings.NewReader(strings.Repeat("x", size))})
		wantError(t, err, io.ErrUnexpectedEOF)
	}
	if problems := s.auditFiles(nil); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestConditionIsAtomic(t *testing.T) {
	s := newStore(t, Enabled)
	put(t, s, "source", "v")
	for round := range 20 {
		key := fmt.Sprintf("k%d", round)
		var won, lost atomic.Int64
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				switch _, err := tryCopy(t, s, "source", key, Condition{IfNoneMatch: true}); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, ErrPrecondition):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 31 {
			t.Fatalf("%d won and %d lost", won.Load(), lost.Load())
		}
	}
}

// Readers, writers and deleters of the same few keys: what is read is whole,
// and in the end nothing is left over.
func TestReadsAreWholeWhileKeysChange(t *testing.T) {
	s := newStore(t, Unversioned)
	stop := time.Now().Add(300 * time.Millisecond)
	var all sync.WaitGroup
	run := func(f func(key string) error) {
		all.Go(func() {
			for i := 0; time.Now().Before(stop); i++ {
				if err := f(fmt.Sprintf("k%d", i%3)); err != nil && !errors.Is(err, ErrNoSuchKey) {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range 3 {
		run(func(key string) error {
			b, err := s.Stage(strings.NewReader(strings.Repeat(fmt.Sprint(n), inlineSize+1+n)))
			if err != nil {
				return err
			}
			_, err = s.PutObject(Put{Bucket: here, Key: key}, b)
			return errors.Join(err, b.Close())
		})
		run(func(key string) error {
			o, err := s.OpenObject(here, key, "")
			if err != nil {
				return err
			}
			got, err := io.ReadAll(o.Range(0, o.Version().Size))
			if md5Hex(string(got)) != o.Version().ETag {
				t.Errorf("read %d bytes that are not the version's", len(got))
			}
			return errors.Join(err, o.Close())
		})
	}
	run(func(key string) error {
		_, err := s.DeleteObject(Delete{Bucket: here, Key: key})
		return err
	})
	run(func(key string) error {
		_, err := tryCopy(t, s, key, key+" copy", Condition{})
		return err
	})
	run(func(string) error {
		_, err := s.ListObjects(here, List{MaxKeys: 2})
		return err
	})
	all.Wait()
	if problems, err := s.audit(nil); err != nil || len(problems) > 0 {
		t.Errorf("%v (%v)", problems, err)
	}
}
