//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sandbox

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// lock takes a file for this process alone, until it is released or the process
// ends, however that happens. The file stays: were it removed, somebody could
// hold a lock on what is no longer there.
func lock(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	// A process that is being started holds the locks of the one that starts it
	// until it runs its own program.
	patience := time.After(time.Second)
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return f.Close, nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return nil, errors.Join(&os.PathError{Op: "lock", Path: path, Err: err}, f.Close())
		}
		select {
		case <-patience:
			return nil, errors.Join(errInUse, f.Close())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
