//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package sandbox

import "os"

// lock cannot keep other processes out here; that is for whoever starts them.
func lock(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return f.Close, nil
}
