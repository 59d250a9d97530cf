package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
	"time"
)

// current returns the row of the key's newest version, nil if it has none.
func (t *txn) current(b *bucket, key string) (order uint64, row []byte) {
	rows := keyRows(b.number, key)
	found, row := t.table(tableVersions).Cursor().Seek(rows)
	if !bytes.HasPrefix(found, rows) {
		return 0, nil
	}
	return ^binary.BigEndian.Uint64(found[len(rows):]), row
}

// null returns the row of the key's null version, nil if it has none. It looks
// at all versions of the key.
func (t *txn) null(b *bucket, key string) (order uint64, row []byte) {
	rows := keyRows(b.number, key)
	c := t.table(tableVersions).Cursor()
	for found, row := c.Seek(rows); bytes.HasPrefix(found, rows); found, row = c.Next() {
		if isNull(row) {
			return ^binary.BigEndian.Uint64(found[len(rows):]), row
		}
	}
	return 0, nil
}

// find returns a version or delete marker of a key: the current one if
// versionID is "". latest says whether it is the current one.
func (t *txn) find(b *bucket, key, versionID string) (v *version, latest bool, err error) {
	newest, row := t.current(b, key)
	order := newest
	switch versionID {
	case "":
		if row == nil {
			return nil, false, fmt.Errorf("%w: s3://%s/%s", ErrNoSuchKey, b.name, key)
		}
	case NullVersion:
		order, row = t.null(b, key)
	default:
		var ok bool
		if order, ok = t.ids.order(versionID); !ok {
			return nil, false, fmt.Errorf("%w: %q", ErrInvalidVersionID, versionID)
		}
		if row = t.table(tableVersions).Get(versionRow(b.number, key, order)); isNull(row) {
			row = nil // it is known as null only
		}
	}
	if row == nil {
		return nil, false, fmt.Errorf("%w: %s of s3://%s/%s", ErrNoSuchVersion, versionID, b.name, key)
	}
	v, err = t.decodeVersion(order, row, true)
	return v, order == newest, err
}

// decodeVersion reads a row, and names the version.
func (t *txn) decodeVersion(order uint64, row []byte, attributes bool) (*version, error) {
	v, err := decodeVersion(order, row, attributes)
	if err != nil {
		return nil, t.damaged(err)
	}
	v.id = NullVersion
	if !v.null {
		v.id = t.ids.version(order)
	}
	return v, nil
}

// findObject is find, with a *MarkerError for a delete marker.
func (t *txn) findObject(bucketName, key, versionID string) (*version, bool, error) {
	b, err := t.bucket(bucketName)
	if err != nil {
		return nil, false, err
	}
	v, latest, err := t.find(b, key, versionID)
	if err == nil && v.marker {
		err = &MarkerError{VersionID: v.id, LastModified: time.Unix(v.at, 0).UTC(), Named: versionID != ""}
	}
	return v, latest, err
}

// HeadObject describes a version, the current one if versionID is "". Where it
// is a delete marker the error is a *MarkerError.
func (s *Store) HeadObject(bucketName, key, versionID string) (found *Version, err error) {
	err = s.read(func(t *txn) error {
		v, latest, err := t.findObject(bucketName, key, versionID)
		if err == nil {
			found = v.public(key, latest)
		}
		return err
	})
	return found, err
}

// Object is an open version: its bytes stay readable until Close, whatever
// happens to the version. It may be used by several goroutines.
type Object struct {
	version *Version
	parts   []ObjectPart
	bytes   content
}

// OpenObject is HeadObject with the bytes.
func (s *Store) OpenObject(bucketName, key, versionID string) (*Object, error) {
	o := &Object{}
	err := s.readPinning(&o.bytes, func(t *txn) (*version, error) {
		v, latest, err := t.findObject(bucketName, key, versionID)
		if err != nil {
			return nil, err
		}
		o.version = v.public(key, latest)
		return v, nil
	}, &o.parts)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// readPinning opens the content of the version that f finds.
func (s *Store) readPinning(c *content, f func(*txn) (*version, error), parts *[]ObjectPart) error {
	s.files.finding.RLock()
	defer s.files.finding.RUnlock()
	return s.read(func(t *txn) error {
		v, err := f(t)
		if err != nil {
			return err
		}
		m, err := t.manifest(v.blob, v.size)
		if err != nil {
			return err
		}
		if parts != nil && len(m.parts) > 0 {
			*parts = m.parts
		}
		return t.open(c, m.extents)
	})
}

// open pins what extents are in. finding has to be held.
func (t *txn) open(c *content, extents []extent) error {
	c.files, c.extents, c.inline = &t.files, extents, map[uint64][]byte{}
	c.starts = make([]int64, len(extents))
	for i, x := range extents {
		c.starts[i] = c.size
		c.size += x.length
	}
	for _, id := range blobsOf(extents) {
		if !isInline(id) {
			c.pinned = append(c.pinned, id)
			continue
		}
		data := t.table(tableBlobs).Get(idRow(id))
		if data == nil {
			return t.lost(id)
		}
		c.inline[id] = bytes.Clone(data)
	}
	t.files.pin(c.pinned)
	return nil
}

// Version describes it.
func (o *Object) Version() *Version { return o.version }

// PartList tells of the parts that it was made of, in order; nil if of none.
func (o *Object) PartList() []ObjectPart { return o.parts }

// Range reads length bytes from an offset; both lie in the object.
func (o *Object) Range(offset, length int64) io.Reader {
	return io.NewSectionReader(&o.bytes, offset, length)
}

// Close lets go of the bytes. It may be called twice.
func (o *Object) Close() error { return o.bytes.Close() }

// content is bytes that stay readable until Close.
type content struct {
	files   *files
	extents []extent
	starts  []int64 // of each extent in the whole
	size    int64
	inline  map[uint64][]byte
	pinned  []uint64

	mu     sync.Mutex
	open   *os.File // the file that was read last
	openID uint64
}

// ReadAt reads what lies at an offset.
func (c *content) ReadAt(b []byte, offset int64) (n int, err error) {
	for n < len(b) {
		if offset >= c.size {
			return n, io.EOF
		}
		i := sort.Search(len(c.starts), func(i int) bool { return c.starts[i] > offset }) - 1
		x, within := c.extents[i], offset-c.starts[i]
		piece := b[n:min(int64(len(b)), int64(n)+x.length-within)]
		if err := c.readExtent(piece, x, within); err != nil {
			return n, err
		}
		n += len(piece)
		offset += int64(len(piece))
	}
	return n, nil
}

func (c *content) readExtent(b []byte, x extent, within int64) error {
	switch {
	case x.blob == 0:
		clear(b)
		return nil
	case isInline(x.blob):
		copy(b, c.inline[x.blob][x.offset+within:])
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil || c.openID != x.blob {
		f, err := os.Open(c.files.path(x.blob))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if c.open != nil {
			_ = c.open.Close() // only read
		}
		c.open, c.openID = f, x.blob
	}
	if _, err := c.open.ReadAt(b, x.offset+within); err != nil {
		return fmt.Errorf("%w: %s ends early: %w", ErrDamaged, c.open.Name(), err)
	}
	return nil
}

// Close lets go of the bytes. It may be called twice.
func (c *content) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.open != nil {
		err = c.open.Close()
		c.open = nil
	}
	if c.files != nil {
		c.files.unpin(c.pinned)
		c.files, c.pinned = nil, nil
	}
	return err
}
