package store

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Rows are sequences of numbers and texts. What lists need is at a row's beginning:
// they read no further.

type encoder []byte

func (e *encoder) byte(b byte)     { *e = append(*e, b) }
func (e *encoder) number(n uint64) { *e = binary.AppendUvarint(*e, n) }
func (e *encoder) size(n int64)    { *e = binary.AppendVarint(*e, n) }
func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	*e = append(*e, s...)
}

func (e *encoder) texts(m map[string]string) {
	e.number(uint64(len(m)))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		e.text(name)
		e.text(m[name])
	}
}

func (e *encoder) attributes(a Attributes) {
	e.texts(a.Headers)
	e.texts(a.Metadata)
	e.number(uint64(len(a.Tags)))
	for _, t := range a.Tags {
		e.text(t.Key)
		e.text(t.Value)
	}
}

// decoder reads what an encoder wrote. After something that none wrote it
// returns zeros, and has an error.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) err() error {
	if d.bad {
		return fmt.Errorf("%w: a row cannot be read", ErrDamaged)
	}
	return nil
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) number() uint64 {
	n, used := binary.Uvarint(d.rest)
	if used <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[used:]
	return n
}

func (d *decoder) size() int64 {
	n, used := binary.Varint(d.rest)
	if used <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[used:]
	return n
}

// count reads how many entries follow, each of a byte at least.
func (d *decoder) count() int {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return 0
	}
	return int(n) //nolint:gosec // as large as a slice at most
}

// text returns a copy: rows are memory of the database.
func (d *decoder) text() string {
	n := d.count()
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) texts() map[string]string {
	n := d.count()
	if n == 0 {
		return nil
	}
	m := make(map[string]string, n)
	for range n {
		name := d.text()
		m[name] = d.text()
	}
	return m
}

func (d *decoder) attributes(class string) Attributes {
	a := Attributes{StorageClass: class, Headers: d.texts(), Metadata: d.texts()}
	if n := d.count(); n > 0 {
		a.Tags = make([]Tag, n)
		for i := range a.Tags {
			a.Tags[i] = Tag{Key: d.text(), Value: d.text()}
		}
	}
	return a
}

// version is a version's row.
type version struct {
	order    uint64 // where it is among the versions of its key; in the row's name
	sequence uint64 // when it became visible
	at       int64  // when it was started, in seconds
	marker   bool
	null     bool
	id       string // not in the row: it follows from order
	blob     uint64
	size     int64
	parts    int
	etag     string
	checksum Checksum
	Attributes
}

const (
	flagMarker = 1 << iota
	flagNull
)

func (v *version) encode() []byte {
	var e encoder = make([]byte, 0, 256)
	flags := byte(0)
	if v.marker {
		flags |= flagMarker
	}
	if v.null {
		flags |= flagNull
	}
	e.byte(flags)
	e.number(v.sequence)
	e.size(v.at)
	if v.marker {
		return e
	}
	e.number(v.blob)
	e.size(v.size)
	e.number(uint64(v.parts)) //nolint:gosec // not negative
	e.text(v.etag)
	e.text(string(v.checksum.Algorithm))
	e.text(string(v.checksum.Type))
	e.text(v.checksum.Value)
	e.text(v.StorageClass)
	e.attributes(v.Attributes)
	return e
}

// isMarker and isNull look at a row without reading it.
func isMarker(row []byte) bool { return len(row) > 0 && row[0]&flagMarker != 0 }
func isNull(row []byte) bool   { return len(row) > 0 && row[0]&flagNull != 0 }

func decodeVersion(order uint64, row []byte, attributes bool) (*version, error) {
	d := decoder{rest: row}
	flags := d.byte()
	v := &version{order: order, marker: flags&flagMarker != 0, null: flags&flagNull != 0}
	v.sequence, v.at = d.number(), d.size()
	if v.marker {
		return v, d.err()
	}
	v.blob, v.size = d.number(), d.size()
	v.parts = int(d.number()) //nolint:gosec // encoded from an int
	v.etag = d.text()
	v.checksum = Checksum{Algorithm: Algorithm(d.text()), Type: ChecksumType(d.text()), Value: d.text()}
	class := d.text()
	if attributes {
		v.Attributes = d.attributes(class)
	} else {
		v.StorageClass = class
	}
	return v, d.err()
}

// public returns what the store's users see of it.
func (v *version) public(key string, latest bool) *Version {
	return &Version{
		Key: key, VersionID: v.id, Latest: latest, DeleteMarker: v.marker, LastModified: time.Unix(v.at, 0).UTC(),
		ETag: v.etag, Size: v.size, Checksum: v.checksum, Parts: v.parts, Sequencer: sequencer(v.sequence), Attributes: v.Attributes,
	}
}

// sequencer words a number as S3 does. All have one length.
func sequencer(n uint64) string { return strings.ToUpper(fmt.Sprintf("%018x", n)) }

// upload is an upload's row.
type upload struct {
	order        uint64
	at           int64
	disturbed    bool // the key's current version was deleted since
	initiator    string
	algorithm    Algorithm
	checksumType ChecksumType
	Attributes
}

func (u *upload) encode() []byte {
	var e encoder
	e.number(u.order)
	e.size(u.at)
	disturbed := byte(0)
	if u.disturbed {
		disturbed = 1
	}
	e.byte(disturbed)
	e.text(u.initiator)
	e.text(string(u.algorithm))
	e.text(string(u.checksumType))
	e.text(u.StorageClass)
	e.attributes(u.Attributes)
	return e
}

func decodeUpload(row []byte) (*upload, error) {
	d := decoder{rest: row}
	u := &upload{order: d.number(), at: d.size(), disturbed: d.byte() != 0, initiator: d.text()}
	u.algorithm, u.checksumType = Algorithm(d.text()), ChecksumType(d.text())
	u.Attributes = d.attributes(d.text())
	return u, d.err()
}

func (u *upload) public(key, uploadID string) Upload {
	return Upload{
		Key: key, UploadID: uploadID, Initiated: time.Unix(u.at, 0).UTC(), Initiator: u.initiator,
		Algorithm: u.algorithm, ChecksumType: u.checksumType, Attributes: u.Attributes,
	}
}

// partAlgorithm is the checksum that each part has, S3's own if the upload
// names none.
func (u *upload) partAlgorithm() Algorithm {
	if u.algorithm == "" {
		return CRC64NVME
	}
	return u.algorithm
}

// part is a part's row.
type part struct {
	blob     uint64
	size     int64
	at       int64
	md5      string // base64
	checksum string // base64, of the upload's partAlgorithm
}

func (p *part) encode() []byte {
	var e encoder
	e.number(p.blob)
	e.size(p.size)
	e.size(p.at)
	e.text(p.md5)
	e.text(p.checksum)
	return e
}

func decodePart(row []byte) (*part, error) {
	d := decoder{rest: row}
	p := &part{blob: d.number(), size: d.size(), at: d.size(), md5: d.text(), checksum: d.text()}
	return p, d.err()
}
