package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// blockSize is what is read and written at once. A block of zeros is left out
// of a file, so that large test objects cost no space on disk.
const blockSize = 256 << 10

// writeSparse writes what it reads to f, from its start, and leaves zeros out.
func writeSparse(f *os.File, r io.Reader) (int64, error) {
	block := make([]byte, blockSize)
	var at int64
	for {
		n, err := io.ReadFull(r, block)
		if n > 0 && !allZero(block[:n]) {
			if _, err := f.WriteAt(block[:n], at); err != nil {
				return at, err
			}
		}
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return at, f.Truncate(at)
		case err != nil:
			return at, err
		}
	}
}

// allZero says whether all bytes are zero: the first is, and each is as the
// one before.
func allZero(b []byte) bool { return b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1]) }

// appendSparse appends a part to an object without writing the part's holes.
// It may be repeated: an error leaves the object as long as it was.
func appendSparse(part, object *os.File) (idempotent bool, err error) {
	info, err := part.Stat()
	if err != nil {
		return true, err
	}
	begin, err := object.Seek(0, io.SeekEnd)
	if err != nil {
		return true, err
	}
	if err = appendData(part, info.Size(), object, begin); err != nil {
		return true, errors.Join(err, object.Truncate(begin))
	}
	return true, nil
}

func appendData(part *os.File, size int64, object *os.File, begin int64) error {
	if err := object.Truncate(begin + size); err != nil {
		return err
	}
	for at := int64(0); at < size; {
		data, hole, err := nextData(part, at, size)
		if err != nil {
			return err
		}
		if _, err := part.Seek(data, io.SeekStart); err != nil {
			return err
		}
		if _, err := object.Seek(begin+data, io.SeekStart); err != nil {
			return err
		}
		if n, err := io.CopyN(object, part, hole-data); err != nil { // in the kernel, between files
			return fmt.Errorf("copy %d bytes of a part at %d: %w after %d", hole-data, data, err, n)
		}
		at = hole
	}
	_, err := object.Seek(begin+size, io.SeekStart)
	return err
}

// zeroSums remembers the checksums of zeros, which take long to compute and
// are always the same. Its zero value is ready to use, also concurrently.
type zeroSums struct {
	mu    sync.Mutex
	known map[zeros]sums
}

// zeros is so many bytes of nothing, with a checksum.
type zeros struct {
	size      int64
	algorithm string
}

// sums are a part's ETag and the checksum that its upload asks for.
type sums struct {
	etag     string
	checksum string
}

func (z *zeroSums) get(of zeros) (sums, bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	s, ok := z.known[of]
	return s, ok
}

func (z *zeroSums) put(of zeros, s sums) {
	z.mu.Lock()
	defer z.mu.Unlock()
	const enough = 1 << 10 // sizes differ little in practice
	if z.known == nil || len(z.known) >= enough {
		z.known = map[zeros]sums{}
	}
	z.known[of] = s
}
