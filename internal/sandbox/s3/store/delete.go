package store

import (
	"bytes"
	"errors"
	"fmt"
)

// DeleteObject deletes an object, which makes a delete marker in a bucket with
// versions, whether there is such an object or not; or it deletes a version
// for good. To delete what is not there succeeds
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html).
func (s *Store) DeleteObject(d Delete) (done Deleted, err error) {
	if err := checkKey(d.Key); err != nil {
		return done, err
	}
	err = s.write(func(t *txn) error {
		b, err := t.bucket(d.Bucket)
		if err != nil {
			return err
		}
		if err := t.decideDelete(b, d); err != nil {
			return err
		}
		if d.VersionID != "" {
			done, err = t.deleteNamed(b, d)
		} else {
			done, err = t.deleteObject(b, d)
		}
		return err
	})
	return done, err
}

// decideDelete evaluates a deletion's condition
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html).
func (t *txn) decideDelete(b *bucket, d Delete) error {
	if _, row := t.current(b, d.Key); d.Condition.IfMatch != "" && isMarker(row) {
		return &PreconditionError{Condition: "If-Match"}
	}
	return t.decide(b, d.Key, Condition{IfMatch: d.Condition.IfMatch}, d.Started, false)
}

// deleteNamed deletes a version for good.
func (t *txn) deleteNamed(b *bucket, d Delete) (Deleted, error) {
	done := Deleted{VersionID: d.VersionID}
	v, latest, err := t.find(b, d.Key, d.VersionID)
	if errors.Is(err, ErrNoSuchVersion) {
		return done, nil
	}
	if err != nil {
		return done, err
	}
	if err := t.deleteRow(b, d.Key, v); err != nil {
		return done, err
	}
	if latest {
		err = t.uncovered(b, d.Key)
	}
	done.DeleteMarker, done.Removed, done.Sequencer = v.marker, true, sequencer(t.next())
	return done, err
}

func (t *txn) deleteRow(b *bucket, key string, v *version) error {
	return t.deleteVersion(b, key, v.order, t.table(tableVersions).Get(versionRow(b.number, key, v.order)))
}

// deleteObject deletes what the key names now.
func (t *txn) deleteObject(b *bucket, d Delete) (Deleted, error) {
	if b.versioning == Unversioned {
		order, row := t.current(b, d.Key)
		if row == nil {
			return Deleted{}, nil
		}
		err := errors.Join(t.deleteVersion(b, d.Key, order, row), t.uncovered(b, d.Key))
		return Deleted{Removed: true, Sequencer: sequencer(t.next())}, err
	}
	marker := &version{marker: true}
	if _, err := t.insert(b, d.Key, marker, t.dated(b, t.or(d.Started))); err != nil {
		return Deleted{}, err
	}
	return Deleted{VersionID: marker.id, DeleteMarker: true, Made: true, Sequencer: sequencer(marker.sequence)}, t.uncovered(b, d.Key)
}

// uncovered notes for conditional writes that have been started that the key's
// current version was deleted.
func (t *txn) uncovered(b *bucket, key string) error {
	t.deletions.note(b.name, key, t.next())
	rows := keyRows(b.number, key)
	uploads := t.table(tableUploads)
	changed := map[string][]byte{}
	c := uploads.Cursor()
	for row, value := c.Seek(rows); bytes.HasPrefix(row, rows); row, value = c.Next() {
		u, err := decodeUpload(value)
		if err != nil {
			return t.damaged(err)
		}
		if !u.disturbed {
			u.disturbed = true
			changed[string(row)] = u.encode()
		}
	}
	for row, value := range changed {
		if err := uploads.Put([]byte(row), value); err != nil {
			return err
		}
	}
	return nil
}

// PutTags replaces the tags of a version, the current one if versionID is "",
// and returns the version. Its Sequencer is the tagging's.
func (s *Store) PutTags(bucketName, key, versionID string, tags []Tag) (tagged *Version, err error) {
	err = s.write(func(t *txn) error {
		v, latest, err := t.findObject(bucketName, key, versionID)
		if err != nil {
			return err
		}
		b, err := t.bucket(bucketName)
		if err != nil {
			return err
		}
		v.Tags = tags
		if err := t.table(tableVersions).Put(versionRow(b.number, key, v.order), v.encode()); err != nil {
			return fmt.Errorf("tag s3://%s/%s: %w", bucketName, key, err)
		}
		tagged = v.public(key, latest)
		tagged.Sequencer = sequencer(t.next())
		return nil
	})
	return tagged, err
}
