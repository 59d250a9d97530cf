package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// bucket is a bucket's row.
type bucket struct {
	number     uint32 // of its rows in other tables; never given out twice
	name       string
	versioning Versioning
	generation uint64
	created    int64
	region     string
}

func (b *bucket) encode() []byte {
	var e encoder
	e.number(uint64(b.number))
	e.number(uint64(b.versioning)) //nolint:gosec // one of three
	e.number(b.generation)
	e.size(b.created)
	e.text(b.region)
	return e
}

// bucket returns a bucket's row, or ErrNoSuchBucket.
func (t *txn) bucket(name string) (*bucket, error) {
	row := t.table(tableBuckets).Get([]byte(name))
	if row == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoSuchBucket, name)
	}
	return decodeBucket(name, row)
}

func decodeBucket(name string, row []byte) (*bucket, error) {
	d := decoder{rest: row}
	b := &bucket{
		name: name, number: uint32(d.number()), versioning: Versioning(d.number()), //nolint:gosec // encoded from such
		generation: d.number(), created: d.size(), region: d.text(),
	}
	return b, d.err()
}

func (t *txn) putBucket(b *bucket) error {
	b.generation = t.next()
	return t.table(tableBuckets).Put([]byte(b.name), b.encode())
}

// public returns what the store's users see of a bucket, with its configuration.
func (t *txn) public(b *bucket) Bucket {
	p := Bucket{
		Name: b.name, Region: b.region, Created: time.Unix(b.created, 0).UTC(),
		Versioning: b.versioning, Generation: b.generation, Config: map[string][]byte{},
	}
	rows := configRow(b.number, "")
	c := t.table(tableConfig).Cursor()
	for row, value := c.Seek(rows); bytes.HasPrefix(row, rows); row, value = c.Next() {
		p.Config[string(row[len(rows):])] = bytes.Clone(value)
	}
	return p
}

func configRow(bucket uint32, name string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, bucket), name...)
}

// CreateBucket makes a bucket with the configuration; ErrBucketExists, and the
// one there is, if its name is taken, in any Region.
func (s *Store) CreateBucket(b Bucket) (made Bucket, err error) {
	err = s.write(func(t *txn) error {
		if row := t.table(tableBuckets).Get([]byte(b.Name)); row != nil {
			existing, err := decodeBucket(b.Name, row)
			if err != nil {
				return err
			}
			made = t.public(existing)
			return fmt.Errorf("%w: %s", ErrBucketExists, b.Name)
		}
		number, err := t.table(tableBuckets).NextSequence()
		if err != nil {
			return err
		}
		n := &bucket{
			name: b.Name, number: uint32(number), versioning: b.Versioning, //nolint:gosec // few
			created: t.now().Unix(), region: b.Region,
		}
		if err := errors.Join(t.putBucket(n), t.putConfig(n, b.Config)); err != nil {
			return err
		}
		made = t.public(n)
		return nil
	})
	return made, err
}

func (t *txn) putConfig(b *bucket, values map[string][]byte) error {
	config := t.table(tableConfig)
	for name, value := range values {
		row := configRow(b.number, name)
		if value == nil {
			if err := config.Delete(row); err != nil {
				return err
			}
			continue
		}
		if err := config.Put(row, value); err != nil {
			return err
		}
	}
	return nil
}

// DeleteBucket deletes a bucket and its unfinished uploads; ErrBucketNotEmpty
// if it has a version or a delete marker.
func (s *Store) DeleteBucket(name string) error {
	return s.write(func(t *txn) error {
		b, err := t.bucket(name)
		if err != nil {
			return err
		}
		all := keyPrefix(b.number, "")
		if row, _ := t.table(tableVersions).Cursor().Seek(all); bytes.HasPrefix(row, all) {
			return fmt.Errorf("%w: %s", ErrBucketNotEmpty, name)
		}
		err = deleteAll(t.table(tableUploads), all, func(row []byte) error {
			u, err := decodeUpload(row)
			if err != nil {
				return err
			}
			return t.releaseParts(u)
		})
		if err == nil {
			err = deleteAll(t.table(tableConfig), configRow(b.number, ""), func([]byte) error { return nil })
		}
		if err != nil {
			return err
		}
		return t.table(tableBuckets).Delete([]byte(name))
	})
}

// deleteAll deletes the rows with the prefix, each after f has seen its value.
func deleteAll(table *bolt.Bucket, prefix []byte, f func(value []byte) error) error {
	var rows [][]byte
	c := table.Cursor()
	for row, value := c.Seek(prefix); bytes.HasPrefix(row, prefix); row, value = c.Next() {
		if err := f(value); err != nil {
			return err
		}
		rows = append(rows, row) // deleting here would move the cursor
	}
	for _, row := range rows {
		if err := table.Delete(row); err != nil {
			return err
		}
	}
	return nil
}

// Bucket returns a bucket with its configuration.
func (s *Store) Bucket(name string) (found Bucket, err error) {
	err = s.read(func(t *txn) error {
		b, err := t.bucket(name)
		if err == nil {
			found = t.public(b)
		}
		return err
	})
	return found, err
}

// Buckets returns all by name.
func (s *Store) Buckets() (all []Bucket, err error) {
	err = s.read(func(t *txn) error {
		return t.table(tableBuckets).ForEach(func(name, row []byte) error {
			b, err := decodeBucket(string(name), row)
			if err == nil {
				all = append(all, t.public(b))
			}
			return err
		})
	})
	return all, err
}

// SetVersioning enables or suspends versioning. Nothing brings a bucket back
// to Unversioned
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html).
func (s *Store) SetVersioning(name string, v Versioning) error {
	if v != Enabled && v != Suspended {
		return fmt.Errorf("set versioning of bucket %s: it is switched on or suspended, never off", name)
	}
	return s.write(func(t *txn) error {
		b, err := t.bucket(name)
		if err != nil {
			return err
		}
		b.versioning = v
		return t.putBucket(b)
	})
}

// SetConfig replaces values of the bucket's configuration, all in one write;
// nil removes one.
func (s *Store) SetConfig(name string, values map[string][]byte) error {
	return s.write(func(t *txn) error {
		b, err := t.bucket(name)
		if err != nil {
			return err
		}
		return errors.Join(t.putBucket(b), t.putConfig(b, values))
	})
}
