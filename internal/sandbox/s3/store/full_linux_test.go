package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullDir names the directory of a child process that may mount a small disk
// there.
const fullDir = "STORE_TEST_FULL_DIR"

func TestFullDisk(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInsideFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), fullDir+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || bytes.Contains(out, []byte("MAY NOT MOUNT")) {
		t.Skipf("this machine lets no process mount a disk: %v %s", err, out)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestInsideFullDisk")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInsideFullDisk(t *testing.T) {
	dir := os.Getenv(fullDir)
	if dir == "" {
		t.Skip("runs within TestFullDisk")
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		fmt.Println("MAY NOT MOUNT", err)
		return
	}
	ballast := filepath.Join(dir, "ballast")
	write(t, strings.Repeat("x", 256<<10), ballast)
	s, err := Open(filepath.Join(dir, "store"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	makeBucket(t, s, here, Enabled)
	fillDisk(t, s, "small", strings.Repeat("s", 1000))
	fillDisk(t, s, "large", strings.Repeat("l", inlineSize+1))
	_, err = s.Stage(strings.NewReader(strings.Repeat("never", 1<<20)))
	isFullError(t, err)
	if err := s.Close(); err != nil {
		t.Errorf("a store on a full disk cannot be closed: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s = open(t, filepath.Join(dir, "store"))
	put(t, s, "small", "again")
	if problems, err := s.audit(nil); err != nil || len(problems) > 0 {
		t.Errorf("the store is not sound: %v (%v)", problems, err)
	}
}

// fillDisk writes until the disk is full, and reads what was answered.
func fillDisk(t *testing.T, s *Store, key, body string) {
	t.Helper()
	var ids []string
	for {
		b, err := s.Stage(strings.NewReader(body))
		var w Written
		if err == nil {
			w, err = s.PutObject(Put{Bucket: here, Key: key}, b)
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			isFullError(t, err)
			break
		}
		if ids = append(ids, w.VersionID); len(ids) > 2000 {
			t.Fatal("the disk does not become full")
		}
	}
	for _, id := range ids {
		if got := read(t, s, key, id); got != body {
			t.Errorf("%s: other bytes were read", id)
		}
	}
	if problems, err := s.audit(nil); err != nil || len(problems) > 0 {
		t.Errorf("the store is not sound: %v (%v)", problems, err)
	}
}

func isFullError(t *testing.T, err error) {
	t.Helper()
	wantError(t, err, ErrNoSpace)
	if err != nil && (!strings.Contains(err.Error(), "free some and try again") || strings.Contains(err.Error(), "\n")) {
		t.Errorf("the error is not one line that says what to do: %q", err)
	}
}
