package store

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
)

// maxSize is the largest body, copy or part
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const maxSize = 5 << 30

// blockSize is what is read and written at once. A block of zeros is not
// written.
const blockSize = 256 << 10

// Blob is a body that has been staged. It belongs to one request; its methods
// must not be called concurrently.
type Blob struct {
	store   *Store
	started Started
	id      uint64
	data    []byte // of an inline one
	file    bool   // it has a file
	extents []extent
	size    int64
	sums    sums
	put     bool
	closed  bool
}

// Size is how many bytes the body has.
func (b *Blob) Size() int64 { return b.size }

// Sum returns the body's checksum in base64, "" if it was not staged with the
// algorithm. MD5 is always there.
func (b *Blob) Sum(a Algorithm) string { return b.sums[a] }

// Close removes the body unless it was put. It may be called twice.
func (b *Blob) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	b.store.deletions.end(b.started)
	if b.put || !b.file {
		return nil
	}
	return os.Remove(b.store.files.path(b.id)) //nolint:gosec // a number, below the store's directory
}

// add makes the blob the store's, with one reference.
func (b *Blob) add(t *txn) error {
	if isInline(b.id) {
		return t.addInline(b.id, b.data)
	}
	return t.addManifest(b.id, &manifest{sums: b.sums, extents: b.extents})
}

// blocks are buffers of blockSize.
var blocks = sync.Pool{New: func() any { b := make([]byte, blockSize); return &b }}

// Stage reads a body to its end and keeps it, for one PutObject or part, with
// MD5 and the checksums of these algorithms. A Blob must be Closed, after it
// was put as well. An error of the reader is returned as it is, and nothing is
// kept; ErrTooLarge after 5 GiB.
func (s *Store) Stage(r io.Reader, algorithms ...Algorithm) (_ *Blob, err error) {
	h, err := newHashes(algorithms...)
	if err != nil {
		return nil, err
	}
	b := &Blob{store: s, started: s.Begin()}
	s.deletions.begin(b.started)
	defer func() {
		if err != nil {
			err = errors.Join(s.worded(err), b.Close())
		}
	}()
	buffer := blocks.Get().(*[]byte)
	defer blocks.Put(buffer)
	n, last, err := fill(r, *buffer)
	if err != nil {
		return nil, err
	}
	_, _ = h.Write((*buffer)[:n]) // never fails
	if n <= inlineSize {
		b.id, b.data, b.size = inlineID(s.next()), bytes.Clone((*buffer)[:n]), int64(n)
	} else {
		b.id = fileID(s.next())
		if err := b.write(r, h, *buffer, n, last); err != nil {
			return nil, err
		}
	}
	b.sums = h.sums()
	return b, nil
}

// fill reads until the buffer is full or, as last says, the body has ended.
func fill(r io.Reader, buffer []byte) (n int, last bool, err error) {
	for n < len(buffer) {
		read, err := r.Read(buffer[n:])
		n += read
		if err == io.EOF { // what wraps it is another error: a body that was cut off
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// write writes the body, of which n bytes have been read, to a file.
func (b *Blob) write(r io.Reader, h *hashes, buffer []byte, n int, last bool) (err error) {
	var f *os.File
	defer func() {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	offset := int64(0) // in the file, which has no zeros
	for {
		if b.size += int64(n); b.size > maxSize {
			return ErrTooLarge
		}
		x := extent{length: int64(n)}
		if n > 0 && !allZero(buffer[:n]) {
			if f == nil {
				if f, err = b.store.files.create(b.id); err != nil {
					return err
				}
				b.file = true
			}
			if _, err := f.Write(buffer[:n]); err != nil {
				return err
			}
			x.blob, x.offset = b.id, offset
			offset += int64(n)
		}
		b.extents = appendExtents(b.extents, x)
		if last {
			return nil
		}
		if n, last, err = fill(r, buffer); err != nil {
			return err
		}
		_, _ = h.Write(buffer[:n]) // never fails
	}
}

// allZero says whether all bytes are zero: the first is, and each is as the
// one before.
func allZero(b []byte) bool { return b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1]) }
