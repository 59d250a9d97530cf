package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A blob is bytes that versions and parts refer to. It is a row with the
// bytes, or a list of extents, some in the blob's own file and others in those
// of other blobs, to which it refers. What nothing refers to is deleted in the
// same transaction.

// extent is a run of bytes in a file or an inline blob, or of zeros.
type extent struct {
	blob   uint64 // 0 for zeros
	offset int64
	length int64
}

// manifest is what a blob is made of, unless it is inline.
type manifest struct {
	sums    sums // those that are known of the whole
	extents []extent
	parts   []ObjectPart
}

func readID(row []byte) uint64 { return binary.BigEndian.Uint64(row) }

func (m *manifest) encode() []byte {
	var e encoder
	e.number(uint64(len(m.sums)))
	for a, sum := range m.sums {
		e.text(string(a))
		e.text(sum)
	}
	e.number(uint64(len(m.extents)))
	for _, x := range m.extents {
		e.number(x.blob)
		e.size(x.offset)
		e.size(x.length)
	}
	e.number(uint64(len(m.parts)))
	for _, p := range m.parts {
		e.number(uint64(p.Number)) //nolint:gosec // not negative
		e.size(p.Size)
		e.text(p.Checksum)
	}
	return e
}

func decodeManifest(row []byte) (*manifest, error) {
	d := decoder{rest: row}
	m := &manifest{}
	if n := d.count(); n > 0 {
		m.sums = make(sums, n)
		for range n {
			a := Algorithm(d.text())
			m.sums[a] = d.text()
		}
	}
	m.extents = make([]extent, d.count())
	for i := range m.extents {
		m.extents[i] = extent{d.number(), d.size(), d.size()}
	}
	m.parts = make([]ObjectPart, d.count())
	offset := int64(0)
	for i := range m.parts {
		number := int(d.number()) //nolint:gosec // encoded from an int
		m.parts[i] = ObjectPart{Number: number, Offset: offset, Size: d.size(), Checksum: d.text()}
		offset += m.parts[i].Size
	}
	return m, d.err()
}

// appendExtents adds extents, each to the last one if it continues it.
func appendExtents(to []extent, more ...extent) []extent {
	for _, x := range more {
		if x.length == 0 {
			continue
		}
		if last := len(to) - 1; last >= 0 && to[last].blob == x.blob && (x.blob == 0 || to[last].offset+to[last].length == x.offset) {
			to[last].length += x.length
			continue
		}
		to = append(to, x)
	}
	return to
}

// cut returns the extents of a range, which has to lie in them.
func cut(extents []extent, offset, length int64) []extent {
	var out []extent
	for _, x := range extents {
		if length == 0 {
			break
		}
		if offset >= x.length {
			offset -= x.length
			continue
		}
		n := min(x.length-offset, length)
		piece := extent{blob: x.blob, length: n}
		if x.blob != 0 {
			piece.offset = x.offset + offset
		}
		out = appendExtents(out, piece)
		offset, length = 0, length-n
	}
	return out
}

// blobsOf returns the blobs that extents are in, each once.
func blobsOf(extents []extent) []uint64 {
	var ids []uint64
	for _, x := range extents {
		if x.blob != 0 && (len(ids) == 0 || ids[len(ids)-1] != x.blob) {
			ids = append(ids, x.blob)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// manifest returns what a blob of the size is made of.
func (t *txn) manifest(id uint64, size int64) (*manifest, error) {
	if isInline(id) {
		return &manifest{extents: appendExtents(nil, extent{id, 0, size})}, nil
	}
	row := t.table(tableBlobs).Get(idRow(id))
	if row == nil {
		return nil, t.lost(id)
	}
	return decodeManifest(row)
}

func (t *txn) lost(id uint64) error { return t.damaged(fmt.Errorf("blob %x is missing", id)) }

// addInline makes a blob of bytes, to which one reference is held.
func (t *txn) addInline(id uint64, data []byte) error {
	return errors.Join(t.table(tableBlobs).Put(idRow(id), data), t.table(tableRefs).Put(idRow(id), refs(1)))
}

// addManifest makes a blob of extents, to which one reference is held.
func (t *txn) addManifest(id uint64, m *manifest) error {
	for _, other := range blobsOf(m.extents) {
		if other == id {
			continue
		}
		if err := t.hold(other); err != nil {
			return err
		}
	}
	return errors.Join(t.table(tableBlobs).Put(idRow(id), m.encode()), t.table(tableRefs).Put(idRow(id), refs(1)))
}

func refs(n uint64) []byte { return binary.AppendUvarint(make([]byte, 0, 4), n) }

func (t *txn) references(id uint64) (uint64, error) {
	n, used := binary.Uvarint(t.table(tableRefs).Get(idRow(id)))
	if used <= 0 || n == 0 || n == math.MaxUint64 {
		return 0, t.lost(id)
	}
	return n, nil
}

// hold adds a reference to a blob.
func (t *txn) hold(id uint64) error {
	n, err := t.references(id)
	if err != nil {
		return err
	}
	return t.table(tableRefs).Put(idRow(id), refs(n+1))
}

// release takes a reference away, and the blob with the last one.
func (t *txn) release(id uint64) error {
	n, err := t.references(id)
	if err != nil {
		return err
	}
	if n > 1 {
		return t.table(tableRefs).Put(idRow(id), refs(n-1))
	}
	if !isInline(id) {
		if err := t.releaseExtents(id); err != nil {
			return err
		}
	}
	return errors.Join(t.table(tableRefs).Delete(idRow(id)), t.table(tableBlobs).Delete(idRow(id)))
}

// releaseExtents lets go of what a blob is made of.
func (t *txn) releaseExtents(id uint64) error {
	m, err := t.manifest(id, 0)
	if err != nil {
		return err
	}
	for _, other := range blobsOf(m.extents) {
		if other != id {
			if err := t.release(other); err != nil {
				return err
			}
			continue
		}
		t.doomed = append(t.doomed, id)
		if err := t.table(tableDoomed).Put(idRow(id), nil); err != nil {
			return err
		}
	}
	return nil
}
