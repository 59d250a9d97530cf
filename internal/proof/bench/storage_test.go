package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"testing"
)

func TestStorageServersAreCopiedOn(t *testing.T) {
	for kind, keeps := range map[string]bool{"storage": true, "instant": false} {
		stdin, end := io.Pipe()
		out, stdout := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- serveUntilEOF(t.Context(), kind, t.TempDir(), stdin, stdout) }()
		var about served
		if err := json.NewDecoder(out).Decode(&about); err != nil {
			t.Fatal(err)
		}
		got, err := about.measure(t.Context(), keeps, os.Getpid(), 64)
		if err != nil || got["rate"] <= 0 {
			t.Errorf("%s: measured %v (%v)", kind, got, err)
		}
		if keeps { // each copy makes a key, so doing it again is refused
			if _, err := about.measure(t.Context(), keeps, os.Getpid(), 64); err == nil {
				t.Error("the same copies were taken twice, so the first ones made no objects")
			}
		}
		if err := end.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := serveUntilEOF(t.Context(), "none", t.TempDir(), bytes.NewReader(nil), io.Discard); err == nil {
		t.Error("an unknown server was started")
	}
}
