package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// Further functions' programs are found in directories beside the command; the
// replicator's, which has a flag, is not one of them.
func TestProgramsBesideTheCommand(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"bootstrap", "s3fanout", "reconcile/bootstrap", "notes/README", "odd/bootstrap/x"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	got, err := programsIn(dir)
	want := map[string]string{"reconcile": filepath.Join(dir, "reconcile", "bootstrap")}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := programsIn(filepath.Join(dir, "missing")); err == nil {
		t.Error("a directory that is not there is read")
	}
}

// An installed command has the functions in ../lib/s3fanout, also if a link
// leads to it; one that was built has them beside it.
func TestProgramsOfACommand(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
	for _, path := range []string{
		"usr/bin/s3fanout", "usr/lib/s3fanout/" + functionName(), "bin/s3fanout", "bin/" + functionName(), "alone/bin/s3fanout",
	} {
		if err := os.MkdirAll(filepath.Dir(at(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(path), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(at("usr/bin/s3fanout"), at("linked")); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]string{
		"usr/bin/s3fanout": "usr/lib/s3fanout", "linked": "usr/lib/s3fanout", "bin/s3fanout": "bin", "alone/bin/s3fanout": "alone/bin",
	} {
		if got := programsOf(at(command)); got != at(want) {
			t.Errorf("%s: got %s, want %s", command, got, at(want))
		}
	}
}
