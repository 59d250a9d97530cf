package store

import (
	"testing"

	"pgregory.net/rapid"
)

// A row that was damaged is an error, and never a panic or a large allocation.
func TestDamagedRowsAreErrors(t *testing.T) {
	whole := (&version{sequence: 1, id: "v", blob: 2, size: 3, etag: "e", Attributes: Attributes{
		Headers: map[string]string{"content-type": "x"}, Tags: []Tag{{"a", "b"}},
	}}).encode()
	for n := range whole {
		if _, err := decodeVersion(1, whole[:n], true); err == nil {
			t.Errorf("%d of %d bytes were taken for a row", n, len(whole))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOf(rapid.Byte()).Draw(t, "row")
		if m, err := decodeManifest(row); err == nil && len(m.extents)+len(m.parts) > len(row) {
			t.Fatalf("%d bytes made %d extents", len(row), len(m.extents))
		}
		_, _ = decodeVersion(1, row, true)
		_, _ = decodeUpload(row)
		_, _ = decodePart(row)
		_, _ = decodeBucket("b", row)
	})
}

func TestRowsAreInTheOrderOfKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringOf(rapid.RuneFrom([]rune{0, 1, 'a', '/', 'é', 0x10FFFF}))
		a, b := key.Draw(t, "a"), key.Draw(t, "b")
		i, j := rapid.Uint64().Draw(t, "i"), rapid.Uint64().Draw(t, "j")
		less := string(versionRow(7, a, i)) < string(versionRow(7, b, j))
		if want := a < b || a == b && i > j; less != want { // the newer one first
			t.Fatalf("the row of %q, %d is before that of %q, %d: %t", a, i, b, j, less)
		}
		if got, order := splitVersionRow(versionRow(7, a, i)); got != a || order != i {
			t.Fatalf("%q, %d came back as %q, %d", a, i, got, order)
		}
		if got, id := splitUploadRow(uploadRow(7, a, b+"x")); got != a || id != b+"x" {
			t.Fatalf("%q, %q came back as %q, %q", a, b+"x", got, id)
		}
		behind := string(afterKey(7, a))
		if string(versionRow(7, a, 0)) >= behind || behind >= string(versionRow(7, a+"\x00", 1<<63)) {
			t.Fatalf("the end of %q is not between its rows and the next ones", a)
		}
	})
}

func TestIDs(t *testing.T) {
	s := newStore(t, Enabled)
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		if got, ok := s.ids.order(s.ids.version(a)); !ok || got != a {
			t.Fatalf("%d came back as %d, %t", a, got, ok)
		}
		if _, ok := s.ids.order(rapid.String().Draw(t, "id")); ok {
			t.Fatal("a text was taken for a version ID")
		}
		key := rapid.String().Draw(t, "key")
		x, errX := s.ids.upload(a, key)
		y, errY := s.ids.upload(b, "another")
		if errX != nil || errY != nil || a < b && x >= y {
			t.Fatalf("%q of %d is not before %q of %d (%v, %v)", x, a, y, b, errX, errY)
		}
		if !s.ids.isUpload(x, key) || key != "another" && s.ids.isUpload(y, key) || s.ids.isUpload(rapid.String().Draw(t, "id"), key) {
			t.Fatalf("%q of %q, or what is none, was mistaken", x, key)
		}
	})
}
