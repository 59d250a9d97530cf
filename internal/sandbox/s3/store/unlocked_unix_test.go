//go:build unix

package store

import (
	"os"
	"syscall"
	"testing"
)

// wantUnlocked checks that nobody holds a lock on a file, if it is there.
func wantUnlocked(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Errorf("what was refused is still locked: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
