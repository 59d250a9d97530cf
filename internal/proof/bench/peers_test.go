package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestKnowsEndpoint(t *testing.T) {
	for version, want := range map[string]bool{
		"1.28.9": false, "1.29.0": true, "1.45.11": true, "2.9.19": false, "2.12.7": false, "2.13.0": true, "3.0.0": true, "": false,
		"new": false,
	} {
		if got := knowsEndpoint(version); got != want {
			t.Errorf("%q: got %t, want %t", version, got, want)
		}
	}
}

// What is measured is a copy of the command, as peers are copies of what was linked.
func TestCommandIsMeasuredAsInstalled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	linked := filepath.Join(t.TempDir(), "s3fanout")
	if err := os.WriteFile(linked, []byte("#!/bin/sh\necho copied\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	path, remove, err := asInstalled(linked)
	if err != nil || path == linked {
		t.Fatalf("%s, %v; want a copy", path, err)
	}
	if used, err := runCommand(t.Context(), nil, path); err != nil || used.output != "copied\n" {
		t.Errorf("%q, %v", used.output, err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after the contest: %v, want no copy", err)
	}
	if _, _, err := asInstalled(linked + "-missing"); err == nil {
		t.Error("no error for a program that is missing")
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("%v, %v left", left, err)
	}
}
