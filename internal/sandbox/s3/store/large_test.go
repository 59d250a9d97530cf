package store

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// An object of half a terabyte: parts of 5 GiB of zeros, copied in ranges, put
// together and copied again.
func TestHugeObject(t *testing.T) {
	s := newStore(t, Enabled)
	const block, partBytes, parts = 64 << 20, int64(5 << 30), 100
	zero, err := s.Stage(io.LimitReader(zeroReader{}, block), CRC64NVME)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := zero.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := s.PutObject(Put{Bucket: here, Key: "block", Algorithm: CRC64NVME}, zero); err != nil {
		t.Fatal(err)
	}
	// 5 GiB of 80 blocks, so that no checksum is of more than one block.
	fiveGiB := assemble(t, s, "five", int(partBytes/block), func(*Version) (int64, int64, error) { return 0, block, nil }, "block")
	if fiveGiB.Size != partBytes {
		t.Fatalf("%+v", fiveGiB)
	}
	// spares 10 s of MD5
	s.memo.put(extentsKey([]extent{{length: partBytes}}), sums{MD5: sumOf(MD5, ""), CRC64NVME: fiveGiB.Checksum.Value})
	huge := assemble(t, s, "huge", parts, func(*Version) (int64, int64, error) { return 0, partBytes, nil }, "five")
	if huge.Size != parts*partBytes || huge.Parts != parts || !strings.HasSuffix(huge.ETag, "-100") {
		t.Fatalf("%+v", huge)
	}
	o, err := s.OpenObject(here, "huge", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}()
	if list := o.PartList(); len(list) != parts || list[99].Offset != 99*partBytes || list[99].Size != partBytes || list[99].Number != 100 {
		t.Errorf("%d parts", len(list))
	}
	tail, err := io.ReadAll(o.Range(huge.Size-3, 3))
	if err != nil || string(tail) != "\x00\x00\x00" {
		t.Errorf("the end is %q (%v)", tail, err)
	}
	_, err = tryCopy(t, s, "huge", "copy", Condition{})
	wantError(t, err, ErrTooLarge)
	if problems, err := s.audit(nil); err != nil || len(problems) > 0 {
		t.Errorf("%v (%v)", problems, err)
	}
}

// assemble makes an object of so many copied ranges.
func assemble(t *testing.T, s *Store, key string, parts int, plan func(*Version) (int64, int64, error), source string) Written {
	t.Helper()
	u, err := s.CreateUpload(CreateUpload{Bucket: here, Key: key, Algorithm: CRC64NVME})
	if err != nil {
		t.Fatal(err)
	}
	c := Complete{Bucket: here, Key: key, UploadID: u.UploadID}
	for n := 1; n <= parts; n++ {
		p, _, err := s.CopyPart(t.Context(), CopyPart{
			SourceBucket: here, SourceKey: source, Bucket: here, Key: key, UploadID: u.UploadID, Number: n, Plan: plan,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Parts = append(c.Parts, CompletePart{Number: n, ETag: p.ETag, Checksum: p.Checksum.Value})
	}
	w, err := s.CompleteUpload(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestThousandsOfParts(t *testing.T) {
	s := newStore(t, Enabled)
	zero, err := s.Stage(io.LimitReader(zeroReader{}, minPart), CRC64NVME)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutObject(Put{Bucket: here, Key: "block", Algorithm: CRC64NVME}, zero); err != nil {
		t.Fatal(err)
	}
	if err := zero.Close(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	w := assemble(t, s, "many", maxParts, func(*Version) (int64, int64, error) { return 0, minPart, nil }, "block")
	t.Logf("%d parts in %s", w.Parts, time.Since(begun))
	if w.Size != maxParts*minPart || w.Parts != maxParts {
		t.Errorf("%+v", w)
	}
	if problems, err := s.audit(nil); err != nil || len(problems) > 0 {
		t.Errorf("%v (%v)", problems, err)
	}
}

// A copy of an object in parts has the ETag of one that was written at once,
// for which its bytes are read.
func TestCopyOfAnObjectInParts(t *testing.T) {
	s := newStore(t, Enabled)
	body := strings.Repeat("p", inlineSize+1)
	u, err := s.CreateUpload(CreateUpload{Bucket: here, Key: "k", Algorithm: SHA256})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.PutPart(here, "k", u.UploadID, 1, stage(t, s, body, SHA256))
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.CompleteUpload(Complete{Bucket: here, Key: "k", UploadID: u.UploadID, Parts: []CompletePart{{1, p.ETag, p.Checksum.Value}}})
	if err != nil || w.Checksum.Type != Composite || !strings.HasSuffix(w.ETag, "-1") {
		t.Fatalf("%+v (%v)", w, err)
	}
	for _, a := range []Algorithm{"", SHA256, CRC32C} {
		c, err := s.CopyObject(t.Context(), Copy{
			SourceBucket: here, SourceKey: "k", Bucket: here, Key: "copy",
			Plan: func(*Version) (Plan, error) { return Plan{Algorithm: a}, nil },
		})
		want := Checksum{}
		if a != "" {
			want = Checksum{a, FullObject, sumOf(a, body)}
		}
		if err != nil || c.ETag != md5Hex(body) || c.Parts != 0 || c.Checksum != want {
			t.Errorf("%s: %+v (%v)", a, c, err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.CopyObject(cancelled, Copy{
		SourceBucket: here, SourceKey: "k", Bucket: here, Key: "copy",
		Plan: func(*Version) (Plan, error) { return Plan{Algorithm: SHA1}, nil },
	})
	wantError(t, err, context.Canceled)
}

func TestCompletionThatIsRefused(t *testing.T) {
	s := newStore(t, Enabled)
	u, err := s.CreateUpload(CreateUpload{Bucket: here, Key: "k", Algorithm: CRC64NVME})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.PutPart(here, "k", u.UploadID, 1, stage(t, s, "one", CRC64NVME))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutPart(here, "k", u.UploadID, 2, stage(t, s, "two", CRC64NVME)); err != nil {
		t.Fatal(err)
	}
	_, err = s.PutPart(here, "k", u.UploadID, 1, stage(t, s, "one", CRC32))
	wantError(t, err, ErrUnknownChecksum)
	for _, n := range []int{0, maxParts + 1} {
		_, err = s.PutPart(here, "k", u.UploadID, n, stage(t, s, "one", CRC64NVME))
		wantError(t, err, ErrInvalidPart)
	}
	one, two := CompletePart{1, p.ETag, ""}, CompletePart{2, md5Hex("two"), ""}
	four := int64(4)
	for name, c := range map[string]struct {
		complete Complete
		want     error
	}{
		"no part":          {Complete{}, ErrInvalidPart},
		"another ETag":     {Complete{Parts: []CompletePart{{1, md5Hex("other"), ""}}}, ErrInvalidPart},
		"another checksum": {Complete{Parts: []CompletePart{{1, p.ETag, sumOf(CRC64NVME, "other")}}}, ErrInvalidPart},
		"no such part":     {Complete{Parts: []CompletePart{one, {3, p.ETag, ""}}}, ErrInvalidPart},
		"too small":        {Complete{Parts: []CompletePart{one, two}}, ErrPartTooSmall},
		"wrong order":      {Complete{Parts: []CompletePart{two, one}}, ErrInvalidPartOrder},
		"twice":            {Complete{Parts: []CompletePart{one, one}}, ErrInvalidPartOrder},
		"a gap":            {Complete{Parts: []CompletePart{two}}, ErrPartNumbers},
		"another size":     {Complete{Parts: []CompletePart{one}, Size: &four}, ErrWrongSize},
		"another sum": {Complete{Parts: []CompletePart{one}, Checksum: Checksum{CRC64NVME, FullObject, "AAAAAAAAAAA="}},
			ErrWrongChecksum},
	} {
		c.complete.Bucket, c.complete.Key, c.complete.UploadID = here, "k", u.UploadID
		_, err := s.CompleteUpload(c.complete)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	var wrong *PartError
	_, err = s.CompleteUpload(Complete{Bucket: here, Key: "k", UploadID: u.UploadID, Parts: []CompletePart{one, two}})
	if !errors.As(err, &wrong) || wrong.Number != 1 || wrong.Size != 3 || wrong.ETag != p.ETag {
		t.Errorf("%+v", wrong)
	}
	w, err := s.CompleteUpload(Complete{Bucket: here, Key: "k", UploadID: u.UploadID, Parts: []CompletePart{one}})
	if err != nil || w.Checksum.Value != sumOf(CRC64NVME, "one") {
		t.Errorf("%+v (%v)", w, err)
	}
	_, err = s.CompleteUpload(Complete{Bucket: here, Key: "k", UploadID: u.UploadID, Parts: []CompletePart{one}})
	wantError(t, err, ErrNoSuchUpload)
}
