package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"sync"
)

// memo remembers the checksums of bytes that had to be read for them. Bytes
// never change, so it is right for as long as they are there; zeros are
// everywhere the same. Its zero value is ready to use.
type memo struct {
	mu    sync.Mutex
	known map[string]sums
}

const memoSize = 4096

func blobKey(id uint64) string { return fmt.Sprintf("%x", id) }

// extentsKey names bytes by where they are. They can be in thousands of
// places, so it is a hash.
func extentsKey(extents []extent) string {
	h := sha256.New()
	for _, x := range extents {
		_, _ = fmt.Fprintf(h, "%x:%x+%x;", x.blob, x.offset, x.length) // never fails
	}
	return string(h.Sum(nil))
}

func (m *memo) get(key string) sums {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[key]
}

func (m *memo) put(key string, s sums) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= memoSize {
		m.known = map[string]sums{}
	}
	all := sums{} // others may hold what there is
	maps.Copy(all, m.known[key])
	maps.Copy(all, s)
	m.known[key] = all
}

// sumsOf returns the checksums of a blob that are known.
func (t *txn) sumsOf(id uint64) (sums, error) {
	all := sums{}
	if !isInline(id) {
		m, err := t.manifest(id, 0)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, m.sums)
	}
	maps.Copy(all, t.memo.get(blobKey(id)))
	return all, nil
}

// knownOf returns the checksums of a version's bytes that are known.
func (t *txn) knownOf(v *version) (sums, error) {
	all, err := t.sumsOf(v.blob)
	if err != nil {
		return nil, err
	}
	if v.parts == 0 {
		all[MD5] = md5Of(v.etag)
	}
	if v.checksum.Type == FullObject {
		all[v.checksum.Algorithm] = v.checksum.Value
	}
	return all, nil
}

// compute computes what a copy needs to know of its source, if that is still
// the same; else the copy finds out.
func (s *Store) compute(ctx context.Context, bucketName, key, versionID string, n *needed) error {
	var c content
	same := false
	err := s.readPinning(&c, func(t *txn) (*version, error) {
		v, _, err := t.findObject(bucketName, key, versionID)
		same = err == nil && v.blob == n.blob
		return v, err
	}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // only read
	if !same {
		return nil
	}
	all, err := c.sums(ctx, n.algorithms...)
	if err == nil {
		s.memo.put(blobKey(n.blob), all)
	}
	return err
}

// sums reads all bytes.
func (c *content) sums(ctx context.Context, algorithms ...Algorithm) (sums, error) {
	h, err := newHashes(algorithms...)
	if err != nil {
		return nil, err
	}
	buffer := blocks.Get().(*[]byte)
	defer blocks.Put(buffer)
	for at := int64(0); at < c.size; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b := (*buffer)[:min(int64(len(*buffer)), c.size-at)]
		if _, err := c.ReadAt(b, at); err != nil && err != io.EOF { //nolint:errorlint // ReadAt's own
			return nil, err
		}
		_, _ = h.Write(b) // never fails
		at += int64(len(b))
	}
	return h.sums(), nil
}
