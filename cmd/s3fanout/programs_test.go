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
