package store

import (
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
)

// A process that is being started has, for a moment, whatever the one that
// starts it has open, and so its locks. That is not another who uses the store.
func TestOpenWhileProcessesAreStarted(t *testing.T) {
	program, err := exec.LookPath("true")
	if err != nil {
		t.Skip(err)
	}
	var done atomic.Bool
	var starters sync.WaitGroup
	for range 4 {
		starters.Go(func() {
			for !done.Load() {
				if err := exec.Command(program).Run(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	dir := t.TempDir()
	for range 150 {
		s, err := Open(dir, Options{})
		if err != nil {
			t.Error(err)
			break
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	done.Store(true)
	starters.Wait()
}
