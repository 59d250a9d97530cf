package store

import (
	"strings"
	"testing"
)

// Which of several writes is current, and what rivals of conditional writes
// lead to. What AWS says about it is in the package's comment.

func TestWriteThatWasStartedLastIsCurrent(t *testing.T) {
	for _, v := range []Versioning{Unversioned, Enabled, Suspended} {
		s := newStore(t, v)
		slow := stage(t, s, "started first")
		quick := put(t, s, "k", "started last")
		w, err := s.PutObject(Put{Bucket: here, Key: "k"}, slow)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, s, "k", ""); got != "started last" {
			t.Errorf("state %d: the current version is what was %s", v, got)
		}
		if w.Sequencer <= quick.Sequencer {
			t.Errorf("state %d: sequencer %s of what became visible later is not larger than %s", v, w.Sequencer, quick.Sequencer)
		}
		page, err := s.ListVersions(here, ListVersions{MaxKeys: 10})
		want := map[Versioning]int{Unversioned: 1, Enabled: 2, Suspended: 1}[v]
		if err != nil || len(page.Versions) != want || page.Versions[0].ETag != quick.ETag || !page.Versions[0].Latest {
			t.Errorf("state %d: %+v (%v)", v, page.Versions, err)
		}
	}
}

func TestUploadIsOrderedAndDatedByItsBeginning(t *testing.T) {
	s := newStore(t, Enabled)
	u, parts := beginUpload(t, s, "k", "in parts")
	put(t, s, "k", "later")
	w, err := s.CompleteUpload(Complete{Bucket: here, Key: "k", UploadID: u.UploadID, Parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "k", ""); got != "later" {
		t.Errorf("current is %q", got)
	}
	if got := read(t, s, "k", w.VersionID); got != "in parts" || !w.LastModified.Equal(u.Initiated) {
		t.Errorf("the version is %q, modified at %s, want %s", got, w.LastModified, u.Initiated)
	}
	marker, err := s.DeleteObject(Delete{Bucket: here, Key: "k2"})
	if err != nil || !marker.Made {
		t.Fatalf("%+v (%v), want a marker of a key that was never there", marker, err)
	}
}

func beginUpload(t *testing.T, s *Store, key, body string) (Upload, []CompletePart) {
	t.Helper()
	u, err := s.CreateUpload(CreateUpload{Bucket: here, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.PutPart(here, key, u.UploadID, 1, stage(t, s, body, CRC64NVME))
	if err != nil {
		t.Fatal(err)
	}
	return u, []CompletePart{{Number: 1, ETag: p.ETag}}
}

// rivals returns what can happen to a key between the beginning and the end of
// a write.
func rivals(t *testing.T, s *Store) map[string]func() {
	return map[string]func(){
		"none":         func() {},
		"another":      func() { put(t, s, "k", "another") },
		"the same":     func() { put(t, s, "k", "there") },
		"a deletion":   func() { deleteKey(t, s, "") },
		"both":         func() { deleteKey(t, s, ""); put(t, s, "k", "another") },
		"both at last": func() { put(t, s, "k", "another"); deleteKey(t, s, "") },
	}
}

func deleteKey(t *testing.T, s *Store, versionID string) {
	t.Helper()
	if _, err := s.DeleteObject(Delete{Bucket: here, Key: "k", VersionID: versionID}); err != nil {
		t.Fatal(err)
	}
}

func TestRivalsOfConditionalWrites(t *testing.T) {
	absent, match := Condition{IfNoneMatch: true}, Condition{IfMatch: md5Hex("there")}
	for name, c := range map[string]struct {
		rival               string
		there               bool
		condition           Condition
		wantPut, wantUpload error
	}{
		"if none":                  {"none", false, absent, nil, nil},
		"if none, there":           {"none", true, absent, ErrPrecondition, ErrPrecondition},
		"if none, written":         {"another", false, absent, ErrPrecondition, ErrPrecondition},
		"if none, deleted":         {"a deletion", true, absent, ErrConflict, ErrConflict},
		"if none, came and went":   {"both at last", false, absent, ErrConflict, ErrConflict},
		"if match":                 {"none", true, match, nil, nil},
		"if match, absent":         {"none", false, match, ErrNoSuchKey, ErrNoSuchKey},
		"if match, written":        {"another", true, match, ErrPrecondition, ErrPrecondition},
		"if match, written alike":  {"the same", true, match, ErrConflict, ErrPrecondition},
		"if match, deleted":        {"a deletion", true, match, ErrNoSuchKey, ErrNoSuchKey},
		"if match, written anew":   {"both", true, match, ErrPrecondition, ErrPrecondition},
		"if match, came and went":  {"both at last", true, match, ErrNoSuchKey, ErrNoSuchKey},
		"none at all, written":     {"another", true, Condition{}, nil, nil},
		"none at all, and deleted": {"a deletion", true, Condition{}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []Versioning{Unversioned, Enabled, Suspended} {
				for _, inParts := range []bool{false, true} {
					s := newStore(t, v)
					if c.there {
						put(t, s, "k", "there")
					}
					want := c.wantPut
					var err error
					if inParts {
						want = c.wantUpload
						u, parts := beginUpload(t, s, "k", "mine")
						rivals(t, s)[c.rival]()
						complete := Complete{Bucket: here, Key: "k", UploadID: u.UploadID, Parts: parts, Condition: c.condition}
						if _, err = s.CompleteUpload(complete); err != nil {
							complete.Condition = Condition{}
							if _, err := s.CompleteUpload(complete); err != nil {
								t.Errorf("the upload is not as it was: %v", err)
							}
						}
					} else {
						b := stage(t, s, "mine")
						rivals(t, s)[c.rival]()
						_, err = s.PutObject(Put{Bucket: here, Key: "k", Condition: c.condition}, b)
					}
					if wantError(t, err, want); err != nil && want == nil || t.Failed() {
						t.Fatalf("state %d, in parts %t", v, inParts)
					}
				}
			}
		})
	}
}

func TestConditionalDelete(t *testing.T) {
	s := newStore(t, Enabled)
	try := func(key, ifMatch string) error {
		_, err := s.DeleteObject(Delete{Bucket: here, Key: key, Condition: Condition{IfMatch: ifMatch}})
		return err
	}
	w := put(t, s, "k", "v")
	wantError(t, try("k", md5Hex("other")), ErrPrecondition)
	wantError(t, try("none", w.ETag), ErrNoSuchKey)
	wantError(t, try("none", "*"), ErrNoSuchKey)
	if err := try("k", w.ETag); err != nil {
		t.Error(err)
	}
	wantError(t, try("k", "*"), ErrPrecondition) // a marker
	wantError(t, try("k", w.ETag), ErrPrecondition)
	put(t, s, "k", "v")
	if err := try("k", "*"); err != nil {
		t.Error(err)
	}
	started := s.Begin()
	put(t, s, "k", "v")
	_, err := s.DeleteObject(Delete{Bucket: here, Key: "k", Condition: Condition{IfMatch: w.ETag}, Started: started})
	wantError(t, err, ErrConflict)
	if got := read(t, s, "k", ""); got != "v" {
		t.Errorf("read %q", got)
	}
}

func TestDeleteMarkers(t *testing.T) {
	s := newStore(t, Enabled)
	first := put(t, s, "k", "first")
	done, err := s.DeleteObject(Delete{Bucket: here, Key: "k"})
	if err != nil || !done.Made || !done.DeleteMarker || done.Removed || done.Sequencer <= first.Sequencer {
		t.Fatalf("%+v (%v)", done, err)
	}
	var marker *MarkerError
	_, err = s.HeadObject(here, "k", "")
	if wantError(t, err, ErrNoSuchKey); !asMarker(err, &marker) || marker.Named || marker.VersionID != done.VersionID {
		t.Errorf("%+v", marker)
	}
	_, err = s.HeadObject(here, "k", done.VersionID)
	if wantError(t, err, ErrDeleteMarker); !asMarker(err, &marker) || !marker.Named || marker.LastModified.IsZero() {
		t.Errorf("%+v", marker)
	}
	_, err = tryCopy(t, s, "k", "copy", Condition{})
	wantError(t, err, ErrNoSuchKey)
	_, err = s.PutTags(here, "k", done.VersionID, nil)
	wantError(t, err, ErrDeleteMarker)
	if got := read(t, s, "k", first.VersionID); got != "first" {
		t.Errorf("read %q", got)
	}
	wantError(t, s.DeleteBucket(here), ErrBucketNotEmpty)
	undo, err := s.DeleteObject(Delete{Bucket: here, Key: "k", VersionID: done.VersionID})
	if err != nil || !undo.DeleteMarker || !undo.Removed || undo.Made || undo.VersionID != done.VersionID {
		t.Errorf("%+v (%v)", undo, err)
	}
	if got := read(t, s, "k", ""); got != "first" {
		t.Errorf("read %q", got)
	}
	deleteKey(t, s, first.VersionID)
	again, err := s.DeleteObject(Delete{Bucket: here, Key: "k", VersionID: first.VersionID})
	if err != nil || again.Removed {
		t.Errorf("%+v (%v), want a deletion of what is not there to succeed", again, err)
	}
	if err := s.DeleteBucket(here); err != nil {
		t.Error(err)
	}
}

func TestVersionIDs(t *testing.T) {
	s := newStore(t, Enabled)
	w := put(t, s, "k", "v")
	if len(w.VersionID) != 32 {
		t.Errorf("version ID %q has %d characters, S3's have 32", w.VersionID, len(w.VersionID))
	}
	put(t, s, "other", "v")
	for id, want := range map[string]error{
		"x": ErrInvalidVersionID, strings.Repeat("A", 32): ErrInvalidVersionID, NullVersion: ErrNoSuchVersion,
		s.ids.version(1 << 50): ErrNoSuchVersion,
	} {
		_, err := s.HeadObject(here, "k", id)
		wantError(t, err, want)
	}
	_, err := s.HeadObject(here, "other", w.VersionID)
	wantError(t, err, ErrNoSuchVersion)
	if err := s.SetVersioning(here, Suspended); err != nil {
		t.Fatal(err)
	}
	null := put(t, s, "k", "null")
	v, err := s.HeadObject(here, "k", NullVersion)
	if err != nil || v.VersionID != NullVersion || null.VersionID != NullVersion || !v.Latest {
		t.Errorf("%+v (%v)", v, err)
	}
	if err := s.SetVersioning(here, Unversioned); err == nil {
		t.Error("versioning was switched off")
	}
}
