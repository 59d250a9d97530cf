package store

import (
	"context"
	"errors"
	"fmt"
)

// errSourceChanged is a source that is not any more what was found first.
var errSourceChanged = errors.New("the source has changed")

// sourceRange is what a part copy found.
type sourceRange struct {
	version *version
	extents []extent
	length  int64
}

// CopyPart makes a part that references a range of the source's bytes. They
// are read once for the part's checksums, unless those are known; ctx ends
// that. sourceVersionID is the version that was read.
func (s *Store) CopyPart(ctx context.Context, c CopyPart) (done Part, sourceVersionID string, err error) {
	if err := checkNumber(c.Number); err != nil {
		return done, "", err
	}
	u, err := s.FindUpload(c.Bucket, c.Key, c.UploadID)
	if err != nil {
		return done, "", err
	}
	for {
		done, sourceVersionID, err = s.copyPart(ctx, c, (&upload{algorithm: u.Algorithm}).partAlgorithm())
		if !errors.Is(err, errSourceChanged) {
			return done, sourceVersionID, err
		}
	}
}

func (s *Store) copyPart(ctx context.Context, c CopyPart, algorithm Algorithm) (done Part, sourceVersionID string, err error) {
	found, sum, err := s.readSource(ctx, c, algorithm)
	if err != nil {
		return done, "", err
	}
	err = s.write(func(t *txn) error {
		b, u, err := t.upload(c.Bucket, c.Key, c.UploadID)
		if err != nil {
			return err
		}
		source, _, err := t.findObject(c.SourceBucket, c.SourceKey, c.SourceVersionID)
		if err != nil {
			return err
		}
		if source.order != found.version.order || source.blob != found.version.blob {
			return errSourceChanged
		}
		p := &part{size: found.length, at: t.now().Add(t.off(b.region)).Unix(), md5: sum[MD5], checksum: sum[algorithm]}
		if found.length == source.size {
			p.blob, err = source.blob, t.hold(source.blob)
		} else {
			p.blob = fileID(t.next()) // of extents alone, without a file
			err = t.addManifest(p.blob, &manifest{sums: sum, extents: found.extents})
		}
		if err != nil {
			return err
		}
		done, sourceVersionID = p.public(u, c.Number), source.id
		return t.placePart(u, c.Number, p)
	})
	return done, sourceVersionID, err
}

// readSource finds the range, and its checksums.
func (s *Store) readSource(ctx context.Context, c CopyPart, algorithm Algorithm) (found sourceRange, known sums, err error) {
	var bytes content
	if found, known, err = s.findSource(c, algorithm, &bytes); err != nil || known.has(MD5, algorithm) {
		return found, known, err
	}
	defer func() { _ = bytes.Close() }() // only read
	if known, err = bytes.sums(ctx, MD5, algorithm); err == nil {
		s.memo.put(extentsKey(found.extents), known)
	}
	return found, known, err
}

// findSource finds the range, and opens its bytes if they have to be read.
func (s *Store) findSource(c CopyPart, algorithm Algorithm, bytes *content) (found sourceRange, known sums, err error) {
	s.files.finding.RLock()
	defer s.files.finding.RUnlock()
	err = s.read(func(t *txn) error {
		v, latest, err := t.findObject(c.SourceBucket, c.SourceKey, c.SourceVersionID)
		if err != nil {
			return err
		}
		offset, length, err := c.Plan(v.public(c.SourceKey, latest))
		if err != nil {
			return err
		}
		if offset < 0 || length < 0 || offset+length > v.size {
			return fmt.Errorf("copy %d bytes at %d of an object of %d bytes: out of range", length, offset, v.size)
		}
		if length > maxSize {
			return ErrTooLarge
		}
		m, err := t.manifest(v.blob, v.size)
		if err != nil {
			return err
		}
		found = sourceRange{v, cut(m.extents, offset, length), length}
		if known = t.memo.get(extentsKey(found.extents)); length == v.size && !known.has(MD5, algorithm) {
			if known, err = t.knownOf(v); err != nil {
				return err
			}
		}
		if known.has(MD5, algorithm) {
			return nil
		}
		return t.open(bytes, found.extents)
	})
	return found, known, err
}
