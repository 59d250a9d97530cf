package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// insert gives a version its place among those of its key and its ID. It says
// whether it was placed: a null version that was started before the one that
// is there is never seen. The version's blob must be held already; if it is
// not placed, it is the caller's to release.
func (t *txn) insert(b *bucket, key string, v *version, started Started) (placed bool, err error) {
	v.order, v.at, v.sequence = started.order, started.at.Unix(), t.next()
	v.null = b.versioning != Enabled
	v.id = NullVersion
	if !v.null {
		v.id = t.ids.version(v.order)
	} else if order, row := t.findNull(b, key); row != nil {
		if order > v.order {
			return false, nil
		}
		if err := t.deleteVersion(b, key, order, row); err != nil {
			return false, err
		}
	}
	return true, t.table(tableVersions).Put(versionRow(b.number, key, v.order), v.encode())
}

// findNull is null, without a look at every version where there is only one.
func (t *txn) findNull(b *bucket, key string) (order uint64, row []byte) {
	if b.versioning == Unversioned {
		return t.current(b, key)
	}
	return t.null(b, key)
}

// deleteVersion deletes a version's row, and its blob with the last reference.
func (t *txn) deleteVersion(b *bucket, key string, order uint64, row []byte) error {
	v, err := decodeVersion(order, row, false)
	if err != nil {
		return t.damaged(err)
	}
	if err := t.table(tableVersions).Delete(versionRow(b.number, key, order)); err != nil {
		return err
	}
	if v.marker {
		return nil
	}
	return t.release(v.blob)
}

func (v *version) written(b *bucket) Written {
	return Written{
		VersionID: v.id, Versioning: b.versioning, ETag: v.etag, Size: v.size, LastModified: time.Unix(v.at, 0).UTC(),
		Checksum: v.checksum, Parts: v.parts, Sequencer: sequencer(v.sequence),
	}
}

var errPutTwice = errors.New("a staged body can be put once")

// PutObject makes a version of a body that has been staged.
func (s *Store) PutObject(p Put, body *Blob) (w Written, err error) {
	if err := checkKey(p.Key); err != nil {
		return w, err
	}
	if !body.sums.has(p.Algorithm) {
		return w, fmt.Errorf("%w: the body was staged without %s", ErrUnknownChecksum, p.Algorithm)
	}
	if body.put {
		return w, errPutTwice
	}
	v := &version{blob: body.id, size: body.size, etag: etag(body.Sum(MD5)), Attributes: p.Attributes}
	if p.Algorithm != "" {
		v.checksum = Checksum{Algorithm: p.Algorithm, Type: FullObject, Value: body.Sum(p.Algorithm)}
	}
	placed := false
	err = s.write(func(t *txn) error {
		b, err := t.bucket(p.Bucket)
		if err != nil {
			return err
		}
		if err := t.decide(b, p.Key, p.Condition, body.started, s.deletions.since(body.started, p.Bucket, p.Key)); err != nil {
			return err
		}
		if placed, err = t.insert(b, p.Key, v, t.dated(b, body.started)); err != nil {
			return err
		}
		w = v.written(b)
		if !placed {
			return nil
		}
		return body.add(t)
	})
	body.put = body.put || err == nil && placed
	return w, err
}

// needed are checksums that have to be computed before a copy.
type needed struct {
	blob       uint64
	algorithms []Algorithm
}

func (n *needed) Error() string { return fmt.Sprintf("checksums of blob %x are not known", n.blob) }

// CopyObject makes a version that references the source's bytes. Its ETag is
// that of an object written at once, whatever the source's is
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html). ctx
// ends the reading of bytes for a checksum that the source does not have.
func (s *Store) CopyObject(ctx context.Context, c Copy) (done Copied, err error) {
	if err := checkKey(c.Key); err != nil {
		return done, err
	}
	for {
		err := s.write(func(t *txn) (err error) {
			done, err = t.copyObject(c)
			return err
		})
		var missing *needed
		if !errors.As(err, &missing) {
			return done, err
		}
		if err := s.compute(ctx, c.SourceBucket, c.SourceKey, c.SourceVersionID, missing); err != nil {
			return done, fmt.Errorf("compute checksums of s3://%s/%s: %w", c.SourceBucket, c.SourceKey, err)
		}
	}
}

func (t *txn) copyObject(c Copy) (Copied, error) {
	source, latest, err := t.findObject(c.SourceBucket, c.SourceKey, c.SourceVersionID)
	if err != nil {
		return Copied{}, err
	}
	plan, err := c.Plan(source.public(c.SourceKey, latest))
	if err != nil {
		return Copied{}, err
	}
	if source.size > maxSize {
		return Copied{}, ErrTooLarge
	}
	b, err := t.bucket(c.Bucket)
	if err != nil {
		return Copied{}, err
	}
	if err := t.decide(b, c.Key, c.Condition, c.Started, false); err != nil {
		return Copied{}, err
	}
	v := &version{blob: source.blob, size: source.size, Attributes: plan.Attributes}
	if err := t.sum(v, source, plan.Algorithm); err != nil {
		return Copied{}, err
	}
	if err := t.hold(v.blob); err != nil {
		return Copied{}, err
	}
	placed, err := t.insert(b, c.Key, v, t.dated(b, t.or(c.Started)))
	if err == nil && !placed {
		err = t.release(v.blob)
	}
	return Copied{Written: v.written(b), SourceVersionID: source.id}, err
}

// sum gives a copy its ETag and checksum, those of the source where they are
// of the whole object.
func (t *txn) sum(v, source *version, algorithm Algorithm) error {
	sum := source.checksum.Value
	if source.checksum.Type != FullObject || source.checksum.Algorithm != algorithm {
		sum = ""
	}
	if source.parts == 0 {
		v.etag = source.etag
	}
	if v.etag == "" || algorithm != "" && sum == "" {
		known, err := t.knownOf(source)
		if err != nil {
			return err
		}
		if !known.has(MD5, algorithm) {
			return &needed{source.blob, []Algorithm{MD5, algorithm}}
		}
		v.etag, sum = etag(known[MD5]), known[algorithm]
	}
	if algorithm != "" {
		v.checksum = Checksum{Algorithm: algorithm, Type: FullObject, Value: sum}
	}
	return nil
}
