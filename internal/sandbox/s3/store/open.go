package store

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	boltErrors "go.etcd.io/bbolt/errors"
)

// Names in the meta table, and in the directory.
const (
	metaFormat = "format"
	metaEpoch  = "epoch"
	metaKey    = "key"    // of ids
	metaClosed = "closed" // the store was closed in order

	databaseFile  = "store.db"
	blobDirectory = "blobs"
	unfinished    = ".new-" // what databases that are being made have behind their name

	format = 2 // the first edition kept objects as files, and no number
)

// lockPatience is how long a lock is waited for. A process that is being
// started holds those of the one that starts it until it runs its own program.
const lockPatience = time.Second

// Open opens the store in a directory, and makes both if they are not there. Only one
// process can have a store open, and only once: the error for another is
// ErrLocked. A store of another format is ErrEarlierEdition, one that cannot
// be read ErrDamaged; both are left as they are. After a process was killed,
// what it had staged is removed, at the cost of the files that it wrote.
func Open(dir string, o Options) (*Store, error) {
	s := &Store{dir: dir, now: o.Now, off: o.Offset, files: newFiles(filepath.Join(dir, blobDirectory))}
	if s.off == nil {
		s.off = func(string) time.Duration { return 0 }
	}
	if s.now == nil {
		s.now = time.Now
	}
	random := o.Random
	if random == nil {
		random = rand.Reader
	}
	if err := s.openDatabase(random); err != nil {
		return nil, s.worded(err)
	}
	if err := s.start(random); err != nil {
		return nil, errors.Join(s.worded(err), s.db.Close())
	}
	return s, nil
}

// openDatabase refuses what is not a store before it writes anything.
func (s *Store) openDatabase(random io.Reader) error {
	path := filepath.Join(s.dir, databaseFile)
	found, err := exists(path)
	if err != nil {
		return err
	}
	if !found {
		if err := s.refuseOthers(); err != nil {
			return err
		}
		if err := s.make(path, random); err != nil {
			// Another process may have made one, and removed what this was making.
			if found, _ := exists(path); !found || !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrExist) {
				return err
			}
		}
	}
	if err := s.guard(func() error { return s.inspect(path) }); err != nil {
		return err
	}
	s.db, err = s.openFile(path, false)
	return err
}

// inspect looks at every page of a database before it is opened for writing:
// then the database does so in a goroutine of its own, whose panic about what
// it finds would end the process.
func (s *Store) inspect(path string) (err error) {
	if fileSize(path) == 0 { // the database would take it for a new one
		return s.damaged(errors.New(databaseFile + " is empty"))
	}
	db, err := s.openFile(path, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.View(func(tx *bolt.Tx) error {
		if tx.Size() > fileSize(path) {
			return s.damaged(errors.New(databaseFile + " has been cut off"))
		}
		t := &txn{Store: s, tx: tx}
		if t.table(tableMeta) == nil {
			return s.damaged(errors.New(databaseFile + " is not a store's"))
		}
		if string(t.table(tableMeta).Get([]byte(metaFormat))) != string(idRow(format)) {
			return fmt.Errorf("%w: %s was written by another release of this program; use that one, name another directory, or remove it",
				ErrEarlierEdition, s.dir)
		}
		for _, name := range tables() {
			if t.table(name) == nil {
				return s.damaged(fmt.Errorf("the table %s is missing", name))
			}
			if err := t.table(name).ForEach(func(_, _ []byte) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}

// refuseOthers looks for what is not a store but would be taken for one.
func (s *Store) refuseOthers() error {
	for _, name := range []string{"objects", "versions", "metadata"} {
		there, err := exists(filepath.Join(s.dir, name))
		if err != nil {
			return err
		}
		if there {
			return fmt.Errorf("%w: %s has the objects of an earlier release as files, which this one cannot read; "+
				"name another directory, or remove it", ErrEarlierEdition, s.dir)
		}
	}
	blobs, err := exists(filepath.Join(s.dir, blobDirectory))
	if err != nil || !blobs {
		return err
	}
	if made, err := exists(filepath.Join(s.dir, databaseFile)); err != nil || made { // both by another process, meanwhile
		return err
	}
	return s.damaged(errors.New(databaseFile + " is missing"))
}

// make makes a database with its tables. It has its name when it is whole, and
// only if there is none by then.
func (s *Store) make(path string, random io.Reader) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, databaseFile+unfinished)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it has another name by now, or is of no use
	if err := f.Close(); err != nil {
		return err
	}
	db, err := s.openFile(f.Name(), false)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error { return (&txn{Store: s, tx: tx}).create(random) })
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// openFile opens a database and takes its lock, which readers share. The file
// is closed again if the database panics about what is in it.
func (s *Store) openFile(path string, readOnly bool) (_ *bolt.DB, err error) {
	var file *os.File
	opened := false
	defer func() {
		if !opened && file != nil {
			_ = file.Close() // perhaps closed already
		}
	}()
	options := bolt.Options{
		ReadOnly: readOnly,
		Timeout:  lockPatience,
		NoSync:   true, NoGrowSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
			file, err = os.OpenFile(name, flag&^os.O_CREATE, mode)
			return file, err
		},
	}
	if runtime.GOOS == "linux" && !readOnly { // elsewhere the file would become as large
		options.InitialMmapSize = 1 << 28
	}
	db, err := bolt.Open(path, 0o600, &options)
	switch {
	case errors.Is(err, boltErrors.ErrTimeout):
		return nil, fmt.Errorf("%w: another process has %s open; stop it, or name another directory", ErrLocked, s.dir)
	case errors.Is(err, boltErrors.ErrInvalid) || errors.Is(err, boltErrors.ErrVersionMismatch) || errors.Is(err, boltErrors.ErrChecksum):
		return nil, s.damaged(err)
	case err != nil:
		return nil, err
	}
	opened = true
	return db, nil
}

// guard turns the database's panics about what it finds, and faults in the
// memory that its file is mapped to, into ErrDamaged.
func (s *Store) guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = s.damaged(fmt.Errorf("%v", p))
		}
	}()
	return f()
}

func (s *Store) damaged(err error) error {
	return fmt.Errorf("%w: %s cannot be read and has been left as it is; restore it from a copy, or remove it to start empty (%w)",
		ErrDamaged, s.dir, err)
}

// start reads what the store is and begins an epoch.
func (s *Store) start(random io.Reader) error {
	var leftovers leftovers
	err := s.db.Update(func(tx *bolt.Tx) error {
		t := &txn{Store: s, tx: tx}
		meta := t.table(tableMeta)
		before := binary.BigEndian.Uint64(meta.Get([]byte(metaEpoch)))
		var err error
		if s.ids, err = newIDs(append([]byte(nil), meta.Get([]byte(metaKey))...), random); err != nil {
			return s.damaged(err)
		}
		if leftovers, err = t.findLeftovers(before, meta.Get([]byte(metaClosed)) != nil); err != nil {
			return err
		}
		s.epoch = before + 1
		s.order.Store(s.epoch << epochShift)
		return errors.Join(meta.Delete([]byte(metaClosed)), meta.Put([]byte(metaEpoch), idRow(s.epoch)))
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.files.dir, 0o700); err != nil {
		return err
	}
	unmade, err := filepath.Glob(filepath.Join(s.dir, databaseFile+unfinished+"*"))
	for _, path := range unmade {
		if e := os.Remove(path); !errors.Is(e, os.ErrNotExist) { // who made it may have removed it
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, s.files.clean(leftovers))
}

// create makes the tables of a new store.
func (t *txn) create(random io.Reader) error {
	for _, name := range tables() {
		if _, err := t.tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	key := make([]byte, idKeyBytes)
	if _, err := io.ReadFull(random, key); err != nil {
		return err
	}
	meta := t.table(tableMeta)
	return errors.Join(meta.Put([]byte(metaFormat), idRow(format)), meta.Put([]byte(metaEpoch), idRow(0)), meta.Put([]byte(metaKey), key))
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
