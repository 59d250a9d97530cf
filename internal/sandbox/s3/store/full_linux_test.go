package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/s3/smalldisk"
)

func TestFullDisk(t *testing.T) { smalldisk.Run(t, "TestInsideFullDisk") }

func TestInsideFullDisk(t *testing.T) {
	dir := smalldisk.Mount(t, 1)
	ballast := filepath.Join(dir, "ballast")
	write(t, strings.Repeat("x", 256<<10), ballast)
	s, err := Open(filepath.Join(dir, "store"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	makeBucket(t, s, here, Enabled)
	fillDisk(t, s, "small", strings.Repeat("s", 1000))
	fillDisk(t, s, "large", strings.Repeat("l", inlineSize+1))
	_, err = s.Stage(strings.NewReader(strings.Repeat("never", 1<<20)))
	isFullError(t, err)
	if err := s.Close(); err != nil {
		t.Errorf("a store on a full disk cannot be closed: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s = open(t, filepath.Join(dir, "store"))
	put(t, s, "small", "again")
	if problems, err := s.audit(nil); err != nil || len(problems) > 0 {
		t.Errorf("the store is not sound: %v (%v)", problems, err)
	}
}

// fillDisk writes until the disk is full, and reads what was answered.
func fillDisk(t *testing.T, s *Store, key, body string) {
	t.Helper()
	var ids []string
	for {
		b, err := s.Stage(strings.NewReader(body))
		var w Written
		if err == nil {
			w, err = s.PutObject(Put{Bucket: here, Key: key}, b)
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			isFullError(t, err)
			break
		}
		if ids = append(ids, w.VersionID); len(ids) > 2000 {
			t.Fatal("the disk does not become full")
		}
	}
	for _, id := range ids {
		if got := read(t, s, key, id); got != body {
			t.Errorf("%s: other bytes were read", id)
		}
	}
	if problems, err := s.audit(nil); err != nil || len(problems) > 0 {
		t.Errorf("the store is not sound: %v (%v)", problems, err)
	}
}

func isFullError(t *testing.T, err error) {
	t.Helper()
	wantError(t, err, ErrNoSpace)
	if err != nil && (!strings.Contains(err.Error(), "free some and try again") || strings.Contains(err.Error(), "\n")) {
		t.Errorf("the error is not one line that says what to do: %q", err)
	}
}
