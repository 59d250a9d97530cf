package s3

import (
	"errors"
	"os"
	"syscall"
)

// The whence values of lseek(2) that find data and holes.
const (
	seekData = 3
	seekHole = 4
)

// nextData returns where data begins at or after an offset, and where it ends;
// both are the end if there is only a hole.
func nextData(f *os.File, at, end int64) (data, hole int64, err error) {
	data, err = f.Seek(at, seekData)
	switch {
	case errors.Is(err, syscall.ENXIO):
		return end, end, nil
	case errors.Is(err, syscall.EINVAL): // a file system that does not know
		return at, end, nil
	case err != nil:
		return 0, 0, err
	case data >= end:
		return end, end, nil
	}
	hole, err = f.Seek(data, seekHole)
	return data, min(hole, end), err
}
