package store

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	boltErrors "go.etcd.io/bbolt/errors"
)

// Store is an open store. All methods may be called concurrently. Every one
// that names a bucket ends with ErrNoSuchBucket if there is none.
type Store struct {
	dir   string
	db    *bolt.DB
	ids   ids
	now   func() time.Time
	off   func(region string) time.Duration
	epoch uint64 // how often the store has been opened

	order atomic.Uint64 // the last moment that was given out

	files     files
	memo      memo
	deletions deletions
}

// epochShift leaves 2^40 moments to each opening, and 2^20 openings.
const epochShift = 40

// next returns a moment after all others.
func (s *Store) next() uint64 { return s.order.Add(1) }

// Begin returns this moment, for a Copy or a Delete that is carried out later.
func (s *Store) Begin() Started { return Started{order: s.next(), at: s.now()} }

// or returns the moment, or this one if it is zero.
func (s *Store) or(m Started) Started {
	if m.order == 0 {
		return s.Begin()
	}
	return m
}

// dated is the moment by the clock of the bucket's Region.
func (t *txn) dated(b *bucket, m Started) Started {
	m.at = m.at.Add(t.off(b.region))
	return m
}

// txn is a transaction. What it returns is memory of the database, for as
// long as it lasts.
type txn struct {
	*Store
	tx     *bolt.Tx
	doomed []uint64 // files that nothing refers to any more
}

// Tables of the database.
const (
	tableMeta     = "meta"     // name → value
	tableBuckets  = "buckets"  // name → bucket
	tableConfig   = "config"   // bucket's number, name → value
	tableVersions = "versions" // versionRow → version
	tableUploads  = "uploads"  // uploadRow → upload
	tableParts    = "parts"    // partRow → part
	tableBlobs    = "blobs"    // number → what a blob is made of
	tableRefs     = "refs"     // number → how often it is referred to
	tableDoomed   = "doomed"   // numbers of files to remove
)

func tables() []string {
	return []string{tableMeta, tableBuckets, tableConfig, tableVersions, tableUploads, tableParts, tableBlobs, tableRefs, tableDoomed}
}

func (t *txn) table(name string) *bolt.Bucket { return t.tx.Bucket([]byte(name)) }

// read runs f on a snapshot. f must not write, nor begin another transaction.
func (s *Store) read(f func(*txn) error) error {
	return s.worded(s.db.View(func(tx *bolt.Tx) error { return f(&txn{Store: s, tx: tx}) }))
}

// write runs f in a transaction of its own, which happens if f returns nil.
// Then the files that nothing refers to any more are removed.
func (s *Store) write(f func(*txn) error) error {
	t := &txn{Store: s}
	err := s.db.Update(func(tx *bolt.Tx) error {
		t.tx = tx
		if err := t.forgetRemoved(); err != nil {
			return err
		}
		return f(t)
	})
	if err == nil {
		s.files.remove(t.doomed)
	}
	return s.worded(err)
}

// worded turns what the database and the disk say into the store's errors.
func (s *Store) worded(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, boltErrors.ErrDatabaseNotOpen):
		return ErrClosed
	case isFull(err):
		return fmt.Errorf("%w on the disk of %s: free some and try again; nothing that was stored has changed (%w)", ErrNoSpace, s.dir, err)
	}
	return err
}

// Close waits for transactions that are under way. Objects and Blobs must have
// been closed. It may be called twice.
func (s *Store) Close() error {
	err := s.write(func(t *txn) error { return t.table(tableMeta).Put([]byte(metaClosed), []byte{1}) })
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return errors.Join(err, s.db.Close())
}

// deletions remembers which keys' current versions were deleted while bodies
// were being staged, since a bucket without versions keeps no trace of it.
type deletions struct {
	mu     sync.Mutex
	staged map[uint64]struct{} // moments at which they began
	of     map[string]uint64   // bucket and key → when it was deleted
	prune  int
}

func deletionKey(bucket, key string) string { return bucket + "/" + key }

func (d *deletions) begin(started Started) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.staged == nil {
		d.staged, d.of = map[uint64]struct{}{}, map[string]uint64{}
	}
	d.staged[started.order] = struct{}{}
}

func (d *deletions) end(started Started) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.staged, started.order)
	if len(d.staged) == 0 {
		clear(d.of)
		d.prune = 0
	}
}

// note is called before the deletion becomes visible.
func (d *deletions) note(bucket, key string, at uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.staged) == 0 {
		return
	}
	const few = 1024
	if len(d.of) >= max(few, 2*d.prune) { // else a body that never ends would fill the memory
		oldest := at
		for order := range d.staged {
			oldest = min(oldest, order)
		}
		for k, deleted := range d.of {
			if deleted < oldest {
				delete(d.of, k)
			}
		}
		d.prune = len(d.of)
	}
	d.of[deletionKey(bucket, key)] = at
}

// since says whether the key was deleted after a body had begun.
func (d *deletions) since(started Started, bucket, key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of[deletionKey(bucket, key)] > started.order
}

// exists says whether there is a file or directory.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
