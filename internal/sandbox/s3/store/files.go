package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// Blobs up to inlineSize are rows of the database; larger ones are files, one
// each, in a directory for each epoch. A blob's number says which it is, and
// when it was made.

const inlineSize = 16 << 10

func inlineID(moment uint64) uint64 { return moment<<1 | 1 }
func fileID(moment uint64) uint64   { return moment << 1 }
func isInline(id uint64) bool       { return id&1 == 1 }
func epochOf(id uint64) uint64      { return id >> 1 >> epochShift }

// files keeps files that are being read from being removed.
type files struct {
	dir string

	// A reader holds it from the beginning of its transaction until it has
	// pinned what it found; then no file is removed that a snapshot refers to
	// and nobody has pinned.
	finding sync.RWMutex

	mu      sync.Mutex
	made    map[uint64]bool // epochs whose directory exists
	pinned  map[uint64]int
	doomed  map[uint64]bool // to remove when they are not pinned any more
	removed []uint64        // to delete from the table of doomed ones
}

func newFiles(dir string) files {
	return files{dir: dir, made: map[uint64]bool{}, pinned: map[uint64]int{}, doomed: map[uint64]bool{}}
}

func (f *files) epochDir(epoch uint64) string {
	return filepath.Join(f.dir, strconv.FormatUint(epoch, 10))
}

func (f *files) path(id uint64) string {
	return filepath.Join(f.epochDir(epochOf(id)), strconv.FormatUint(id, 16))
}

// create makes a blob's file.
func (f *files) create(id uint64) (*os.File, error) {
	f.mu.Lock()
	made := f.made[epochOf(id)]
	f.mu.Unlock()
	if !made {
		if err := os.MkdirAll(f.epochDir(epochOf(id)), 0o700); err != nil {
			return nil, err
		}
		f.mu.Lock()
		f.made[epochOf(id)] = true
		f.mu.Unlock()
	}
	return os.OpenFile(f.path(id), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// pin keeps files until unpin.
func (f *files) pin(ids []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		f.pinned[id]++
	}
}

func (f *files) unpin(ids []uint64) {
	var free []uint64
	f.mu.Lock()
	for _, id := range ids {
		f.pinned[id]--
		if f.pinned[id] > 0 {
			continue
		}
		delete(f.pinned, id)
		if f.doomed[id] {
			delete(f.doomed, id)
			free = append(free, id)
		}
	}
	f.mu.Unlock()
	f.unlink(free)
}

// remove removes files that no row refers to any more, in a transaction that
// has ended, as soon as nobody reads them.
func (f *files) remove(ids []uint64) {
	if len(ids) == 0 {
		return
	}
	f.finding.Lock()   // everybody who could see them has pinned them
	f.finding.Unlock() //nolint:staticcheck // nothing more is needed: who comes later does not see them
	var free []uint64
	f.mu.Lock()
	for _, id := range ids {
		if f.pinned[id] > 0 {
			f.doomed[id] = true
		} else {
			free = append(free, id)
		}
	}
	f.mu.Unlock()
	f.unlink(free)
}

// unlink leaves a file that it cannot remove to the next Open: it is in the
// table of doomed ones.
func (f *files) unlink(ids []uint64) {
	for _, id := range ids {
		err := os.Remove(f.path(id)) //nolint:gosec // a number, below the store's directory
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			continue
		}
		f.mu.Lock()
		f.removed = append(f.removed, id)
		f.mu.Unlock()
	}
}

// forgetRemoved deletes from the table of doomed files those that are gone.
func (t *txn) forgetRemoved() error {
	f := &t.files
	f.mu.Lock()
	ids := f.removed
	f.removed = nil
	f.mu.Unlock()
	for _, id := range ids {
		if err := t.table(tableDoomed).Delete(idRow(id)); err != nil {
			return err
		}
	}
	return nil
}

// leftovers are files that a process that was killed has left.
type leftovers struct{ ids []uint64 }

// findLeftovers looks for files that nothing refers to: those that were to be
// removed and, if the last process was killed, of those that it had staged.
func (t *txn) findLeftovers(epoch uint64, closed bool) (leftovers, error) {
	var l leftovers
	err := t.table(tableDoomed).ForEach(func(row, _ []byte) error {
		l.ids = append(l.ids, readID(row))
		return nil
	})
	if err != nil || closed {
		return l, err
	}
	entries, err := os.ReadDir(t.files.epochDir(epoch))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return l, err
	}
	refs := t.table(tableRefs)
	for _, e := range entries {
		id, err := strconv.ParseUint(e.Name(), 16, 64)
		if err != nil || epochOf(id) != epoch {
			return l, t.damaged(fmt.Errorf("%s has a file that is not the store's: %s", t.files.epochDir(epoch), e.Name()))
		}
		if refs.Get(idRow(id)) == nil {
			l.ids = append(l.ids, id)
		}
	}
	return l, nil
}

// clean removes them, and directories that have become empty.
func (f *files) clean(l leftovers) error {
	var errs []error
	for _, id := range l.ids {
		if err := os.Remove(f.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		f.removed = append(f.removed, id)
	}
	dirs, err := os.ReadDir(f.dir)
	for _, d := range dirs {
		_ = os.Remove(filepath.Join(f.dir, d.Name())) // unless it has files
	}
	return errors.Join(append(errs, err)...)
}
