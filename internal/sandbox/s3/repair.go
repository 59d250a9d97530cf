package s3

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
)

// A server that is killed leaves what it was at. An object itself is never
// torn: it is written without a name, with all its metadata, and gets its name
// in one step. What surrounds that step is mended here, so that each request is
// either done or not, as on AWS.

// repairs count what was mended.
type repairs struct {
	Files   int // without a use, removed: of writes that did not come to their end
	Twins   int // copies of versions that are current still, removed
	Markers int // delete markers that had no version of their own, undone
	Reset   int // uploads whose completion had begun, open again
	Cleared int // uploads that are complete, or were never answered, removed
}

// between is the name that an object has while it replaces another one.
var between = regexp.MustCompile(`^\..+\.sgwtmp\.[0-9]+$`)

// claimed ends the name of an upload that is being completed, after its id, a
// dot and more.
const claimed = ".inprogress"

// nameAttribute is the server's name for an upload's key.
const nameAttribute = "objname"

// repair mends the objects of all buckets. Nothing else may use them. It can be
// killed itself, and repeated.
func (s *store) repair() (done repairs, err error) {
	buckets, err := os.ReadDir(".")
	if err != nil {
		return done, err
	}
	for _, b := range buckets {
		if !b.IsDir() {
			continue // of a try whether there are attributes
		}
		bucket := b.Name()
		err := errors.Join(
			s.repairObjects(bucket, &done),
			removeFiles(filepath.Join(s.versions, bucket), between.MatchString, &done),
			removeUnnamed(path.Join(bucket, posix.MetaTmpDir), &done),
			removeUnnamed(filepath.Join(s.versions, bucket, posix.MetaTmpDir), &done),
			s.repairUploads(bucket, &done))
		if err != nil {
			return done, fmt.Errorf("repair bucket %s: %w", bucket, err)
		}
	}
	return done, nil
}

// removeFiles removes the files below a directory that have such names.
func removeFiles(dir string, which func(name string) bool, done *repairs) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() || !which(d.Name()) {
			return err
		}
		done.Files++
		return os.Remove(name) //nolint:gosec // nobody else uses the directory
	})
}

// removeUnnamed removes the files of a directory for what has no name yet.
func removeUnnamed(dir string, done *repairs) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
		done.Files++
	}
	return err
}

// repairObjects looks at the current version of each key.
func (s *store) repairObjects(bucket string, done *repairs) error {
	return filepath.WalkDir(bucket, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name == filepath.Join(bucket, posix.MetaTmpDir):
			return fs.SkipDir
		case d.IsDir():
			return nil
		case between.MatchString(d.Name()): // the one to be replaced is there
			done.Files++
			return os.Remove(name) //nolint:gosec // nobody else uses the directory
		}
		return s.repairObject(bucket, filepath.ToSlash(strings.TrimPrefix(name, bucket+string(filepath.Separator))), done)
	})
}

// repairObject removes the copy that was made of a current version when
// another one or a delete marker was to take its place, but did not. Of a
// marker the first half may be there: it has the version's id still.
func (s *store) repairObject(bucket, key string, done *repairs) error {
	id, err := s.meta.RetrieveAttribute(nil, bucket, key, versionIDAttribute)
	if errors.Is(err, meta.ErrNoSuchKey) {
		return nil
	}
	if err != nil {
		return err
	}
	twin := filepath.Join(s.versionDir(bucket, key), string(id))
	if _, err := os.Lstat(twin); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	switch err := s.meta.DeleteAttribute(bucket, key, deleteMarkerAttribute); {
	case err == nil:
		done.Markers++
	case !errors.Is(err, meta.ErrNoSuchKey):
		return err
	}
	done.Twins++
	return os.Remove(twin)
}

// versionDir is where the versions of a key are that are not current, by id.
func (s *store) versionDir(bucket, key string) string {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
	return filepath.Join(s.versions, bucket, sum[:2], sum[2:4], sum[4:6], sum)
}

// repairUploads looks at the unfinished uploads. Those of a key share a
// directory, with the parts that are being written.
func (s *store) repairUploads(bucket string, done *repairs) error {
	all := path.Join(bucket, posix.MetaTmpMultipartDir)
	keys, err := os.ReadDir(all)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, k := range keys {
		dir := path.Join(all, k.Name())
		if err := removeUnnamed(dir, done); err != nil {
			return err
		}
		uploads, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, u := range uploads {
			if err := s.repairUpload(bucket, path.Join(posix.MetaTmpMultipartDir, k.Name()), u.Name(), done); err != nil {
				return err
			}
		}
		_ = os.Remove(dir) // unless there are uploads
	}
	return nil
}

// repairUpload removes an upload whose object is there, or whose id nobody was
// told; opens one again that was being completed; and leaves others alone.
func (s *store) repairUpload(bucket, dir, name string, done *repairs) error {
	upload := path.Join(dir, name)
	id, _, completing := strings.Cut(name, ".")
	remove := false
	if completing && strings.HasSuffix(name, claimed) {
		key, err := s.meta.RetrieveAttribute(nil, bucket, dir, nameAttribute)
		if err != nil {
			return err
		}
		if remove, err = s.completed(bucket, string(key), id); err != nil {
			return err
		}
	}
	// It is the last item that the beginning of an upload writes.
	switch _, err := s.meta.RetrieveAttribute(nil, bucket, upload, initiatorAttribute); {
	case errors.Is(err, meta.ErrNoSuchKey):
		remove = true
	case err != nil:
		return err
	}
	if remove {
		done.Cleared++
		return os.RemoveAll(path.Join(bucket, upload))
	}
	if completing {
		done.Reset++
		if err := os.Rename(path.Join(bucket, upload), path.Join(bucket, dir, id)); err != nil {
			return err
		}
		upload = path.Join(dir, id)
	}
	return removeFiles(path.Join(bucket, upload), between.MatchString, done)
}

// completed says whether a version of the key was made by an upload.
func (s *store) completed(bucket, key, uploadID string) (bool, error) {
	made := func(bucket, object string) (bool, error) {
		raw, err := s.meta.RetrieveAttribute(nil, bucket, object, partSizes)
		if errors.Is(err, meta.ErrNoSuchKey) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		m, err := backend.UnmarshalMpUploadMetadata(raw, false)
		return m.UploadID == uploadID, err
	}
	if ok, err := made(bucket, key); ok || err != nil {
		return ok, err
	}
	dir := s.versionDir(bucket, key)
	versions, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for _, v := range versions {
		if ok, err := made(dir, v.Name()); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}
