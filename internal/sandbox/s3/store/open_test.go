package store

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree returns every file of a directory with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			files[path] = ""
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// filled returns the directory of a closed store with objects in it.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	makeBucket(t, s, here, Enabled)
	for _, key := range []string{"a", "b"} {
		b, err := s.Stage(strings.NewReader(strings.Repeat(key, inlineSize+1)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.PutObject(Put{Bucket: here, Key: key}, b); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, content string, path ...string) {
	t.Helper()
	p := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  error
		says  string
	}{
		"the first edition's objects": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			write(t, "x", dir, "objects", "bucket", "key")
		}, ErrEarlierEdition, "name another directory, or remove it"},
		"an empty database": {func(t *testing.T, dir string) { write(t, "", dir, databaseFile) }, ErrDamaged, "remove it to start empty"},
		"text": {func(t *testing.T, dir string) {
			write(t, strings.Repeat("this is not a database\n", 1000), dir, databaseFile)
		}, ErrDamaged, "remove it to start empty"},
		"a short text": {func(t *testing.T, dir string) { write(t, "hello", dir, databaseFile) }, ErrDamaged, "remove it to start empty"},
		"a database that was cut off": {func(t *testing.T, dir string) {
			info, err := os.Stat(filepath.Join(dir, databaseFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(filepath.Join(dir, databaseFile), info.Size()/2); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, "remove it to start empty"},
		"pages of something else": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, databaseFile)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 2 * os.Getpagesize(); i < len(b); i++ { // behind the two pages that say where all begins
				b[i] = 0xA5
			}
			write(t, string(b), path)
		}, ErrDamaged, "remove it to start empty"},
		"no database beside blobs": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, databaseFile)); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, databaseFile + " is missing"},
		"another format": {func(t *testing.T, dir string) {
			s, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.write(func(t *txn) error { return t.table(tableMeta).Put([]byte(metaFormat), idRow(format+1)) }); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}, ErrEarlierEdition, "use that one"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			c.spoil(t, dir)
			before := tree(t, dir)
			_, err := Open(dir, Options{})
			wantError(t, err, c.want)
			if err != nil &&
				(!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("the error is not one line with the directory and what to do: %v", err)
			}
			wantUnlocked(t, filepath.Join(dir, databaseFile))
			after := tree(t, dir)
			for path, content := range before {
				if got, ok := after[path]; !ok || got != content {
					t.Errorf("%s has changed", path)
				}
			}
			if len(after) != len(before) {
				t.Errorf("%d files, there were %d", len(after), len(before))
			}
		})
	}
}

func TestOnlyOneHasAStoreOpen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	makeBucket(t, s, here, Enabled)
	_, err := Open(dir, Options{})
	wantError(t, err, ErrLocked)
	if err == nil || !strings.Contains(err.Error(), "stop it, or name another directory") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), ErrLocked.Error()) {
		t.Errorf("another process has opened it: %v, %s", err, out)
	}
	put(t, s, "k", "still mine")
}

func TestOpenAtOnce(t *testing.T) {
	dir := t.TempDir()
	type opened struct {
		s   *Store
		err error
	}
	all := make(chan opened)
	const openers = 8
	for range openers {
		go func() {
			s, err := Open(dir, Options{})
			all <- opened{s, err}
		}()
	}
	var one *Store
	for range openers {
		o := <-all
		switch {
		case o.err == nil && one == nil:
			one = o.s
			makeBucket(t, one, here, Enabled)
		case o.err == nil:
			t.Error("a second one has opened it")
		case !errors.Is(o.err, ErrLocked):
			t.Error(o.err)
		}
	}
	if one == nil {
		t.Fatal("nobody has opened it")
	}
	put(t, one, "k", "v")
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, open(t, dir), "k", ""); got != "v" {
		t.Errorf("read %q", got)
	}
}

func TestSeveralStoresInOneProcess(t *testing.T) {
	one, two := newStore(t, Enabled), newStore(t, Enabled)
	put(t, one, "k", "one")
	w := put(t, two, "k", "two")
	if a, b := read(t, one, "k", ""), read(t, two, "k", ""); a != "one" || b != "two" {
		t.Errorf("read %q and %q", a, b)
	}
	_, err := one.HeadObject(here, "k", w.VersionID)
	wantError(t, err, ErrInvalidVersionID)
}

func TestClosedStore(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.Bucket(here)
	wantError(t, err, ErrClosed)
	wantError(t, s.DeleteBucket(here), ErrClosed)
}

// A process that was killed while somebody read a file that nothing refers to
// any more leaves the file, and its name in the table.
func TestFilesThatWereToBeRemovedAreAtTheNextOpen(t *testing.T) {
	dir := filled(t)
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.OpenObject(here, "a", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteObject(Delete{Bucket: here, Key: "a", VersionID: o.Version().VersionID}); err != nil {
		t.Fatal(err)
	}
	if problems := s.auditFiles(map[uint64]bool{}); len(problems) != 2 {
		t.Fatalf("%v, want two files", problems)
	}
	if err := s.db.Close(); err != nil { // as good as killed
		t.Fatal(err)
	}
	again := open(t, dir)
	if problems, err := again.audit(nil); err != nil || len(problems) > 0 {
		t.Errorf("%v (%v)", problems, err)
	}
}
