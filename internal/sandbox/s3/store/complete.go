package store

import (
	"errors"
	"fmt"
	"time"
)

// minPart is the smallest part that is not the last one
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const minPart = 5 << 20

// PartError says which part of a request is wrong.
type PartError struct {
	Number int
	ETag   string // as the request has it
	Size   int64  // 0 if there is no such part
	Err    error
}

// Error says what is wrong with it.
func (e *PartError) Error() string { return fmt.Sprintf("part %d: %v", e.Number, e.Err) }

// Unwrap returns ErrInvalidPart or ErrPartTooSmall.
func (e *PartError) Unwrap() error { return e.Err }

// CompleteUpload makes the object and ends the upload, in one write. If it
// fails, the upload is as it was. A rival write since the upload was created
// fails every condition, and a rival deletion is ErrConflict or ErrNoSuchKey
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
func (s *Store) CompleteUpload(c Complete) (w Written, err error) {
	err = s.write(func(t *txn) error {
		b, u, err := t.upload(c.Bucket, c.Key, c.UploadID)
		if err != nil {
			return err
		}
		started := Started{u.order, time.Unix(u.at, 0)}
		if err := t.decideComplete(b, c, started, u.disturbed); err != nil {
			return err
		}
		whole, err := t.assemble(u, c)
		if err != nil {
			return err
		}
		v := &version{
			blob: fileID(t.next()), // of extents alone, without a file
			size: whole.size, parts: len(whole.parts), etag: whole.etag, checksum: whole.checksum, Attributes: u.Attributes,
		}
		if err := t.addManifest(v.blob, &whole.manifest); err != nil {
			return err
		}
		placed, err := t.insert(b, c.Key, v, started)
		if err == nil && !placed {
			err = t.release(v.blob)
		}
		w = v.written(b)
		return errors.Join(err, t.endUpload(b, u, c.Key, c.UploadID))
	})
	return w, err
}

// decideComplete words a rival write as a failed condition.
func (t *txn) decideComplete(b *bucket, c Complete, started Started, deleted bool) error {
	err := t.decide(b, c.Key, c.Condition, started, deleted)
	if errors.Is(err, ErrConflict) && c.Condition.IfMatch != "" {
		return &PreconditionError{Condition: "If-Match"}
	}
	return err
}

// assembled is what an upload's parts make.
type assembled struct {
	manifest
	size     int64
	etag     string
	checksum Checksum
}

// assemble puts the parts that the request names together.
func (t *txn) assemble(u *upload, c Complete) (*assembled, error) {
	if len(c.Parts) == 0 {
		return nil, fmt.Errorf("%w: none is named", ErrInvalidPart)
	}
	parts, err := t.namedParts(u, c.Parts)
	if err != nil {
		return nil, err
	}
	whole := &assembled{}
	var md5s []string
	var checksums []sizedSum
	for i, p := range parts {
		m, err := t.manifest(p.blob, p.size)
		if err != nil {
			return nil, err
		}
		shown := ObjectPart{Number: c.Parts[i].Number, Offset: whole.size, Size: p.size}
		if u.algorithm != "" {
			shown.Checksum = p.checksum
		}
		whole.extents, whole.parts = appendExtents(whole.extents, m.extents...), append(whole.parts, shown)
		whole.size += p.size
		md5s, checksums = append(md5s, p.md5), append(checksums, sizedSum{p.size, p.checksum})
	}
	last := c.Parts[len(c.Parts)-1].Number
	switch {
	case u.algorithm != "" && last != len(c.Parts):
		return nil, ErrPartNumbers
	case c.Size != nil && *c.Size != whole.size:
		return nil, ErrWrongSize
	}
	checksumType := u.checksumType
	if u.algorithm == "" {
		checksumType = FullObject
	}
	if whole.checksum, err = combine(u.partAlgorithm(), checksumType, checksums); err != nil {
		return nil, err
	}
	if c.Checksum.Value != "" && (c.Checksum.Algorithm != whole.checksum.Algorithm || c.Checksum.Value != whole.checksum.Value) {
		return nil, ErrWrongChecksum
	}
	whole.etag = compositeETag(md5s)
	whole.sums = sums{}
	if len(md5s) == 1 {
		whole.sums[MD5], whole.sums[u.partAlgorithm()] = md5s[0], checksums[0].sum
	}
	return whole, nil
}

// namedParts returns the parts that the request names, in its order.
func (t *txn) namedParts(u *upload, named []CompletePart) ([]*part, error) {
	for i := 1; i < len(named); i++ {
		if named[i].Number <= named[i-1].Number {
			return nil, ErrInvalidPartOrder
		}
	}
	parts := make([]*part, len(named))
	wrong := func(i int, size int64, err error) error {
		return &PartError{Number: named[i].Number, ETag: named[i].ETag, Size: size, Err: err}
	}
	for i, n := range named {
		var row []byte
		if n.Number >= 1 && n.Number <= maxParts {
			row = t.table(tableParts).Get(partRow(u.order, n.Number))
		}
		if row == nil {
			return nil, wrong(i, 0, ErrInvalidPart)
		}
		p, err := decodePart(row)
		if err != nil {
			return nil, t.damaged(err)
		}
		if etag(p.md5) != n.ETag || n.Checksum != "" && n.Checksum != p.checksum {
			return nil, wrong(i, p.size, ErrInvalidPart)
		}
		parts[i] = p
	}
	for i, p := range parts[:len(parts)-1] {
		if p.size < minPart {
			return nil, wrong(i, p.size, ErrPartTooSmall)
		}
	}
	return parts, nil
}

// ListUploads lists a page of uploads.
func (s *Store) ListUploads(bucketName string, l ListUploads) (page UploadPage, err error) {
	err = s.read(func(t *txn) error {
		b, err := t.bucket(bucketName)
		if err != nil {
			return err
		}
		w := walk{cursor: t.table(tableUploads).Cursor(), bucket: b.number, prefix: l.Prefix, delimiter: l.Delimiter}
		from := w.start(l.KeyMarker)
		if l.UploadIDMarker != "" && l.KeyMarker != "" {
			if !t.ids.isUpload(l.UploadIDMarker, l.KeyMarker) {
				return fmt.Errorf("%w: %q", ErrInvalidUploadID, l.UploadIDMarker)
			}
			from = append(uploadRow(b.number, l.KeyMarker, l.UploadIDMarker), 0)
		}
		for row, value := w.seek(from); row != nil; {
			key, id := splitUploadRow(row)
			if len(page.Uploads)+len(page.Prefixes) >= l.MaxUploads {
				page.Truncated = l.MaxUploads > 0
				break
			}
			page.NextKey, page.NextUploadID = key, id
			if group := w.group(key); group != "" {
				page.Prefixes = append(page.Prefixes, group)
				page.NextKey, page.NextUploadID = group, ""
				row, value = w.seek(w.behind(group))
				continue
			}
			u, err := decodeUpload(value)
			if err != nil {
				return t.damaged(err)
			}
			page.Uploads = append(page.Uploads, u.public(key, id))
			row, value = w.next()
		}
		if !page.Truncated {
			page.NextKey, page.NextUploadID = "", ""
		}
		return nil
	})
	return page, err
}
