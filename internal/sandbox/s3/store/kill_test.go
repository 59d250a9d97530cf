package store

import (
	"bufio"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// killDir names the directory that a child process writes to until it is killed.
const killDir = "STORE_TEST_KILL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeUntilKilled says on the standard output what was answered, a line each.
func writeUntilKilled(dir string) error {
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	if _, err := s.CreateBucket(Bucket{Name: here, Versioning: Enabled}); err != nil && !errors.Is(err, ErrBucketExists) {
		return err
	}
	failed := make(chan error)
	for range 4 {
		go func() {
			for {
				if err := writeOne(s); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

func randomBody() string {
	size := []int{0, 100, inlineSize, inlineSize + 1, 3 * blockSize}[rand.IntN(5)]
	b := make([]byte, size)
	for i := range b[:min(size, 2000)] {
		b[i] = byte(rand.Uint32())
	}
	return string(b)
}

func writeOne(s *Store) error {
	key := fmt.Sprintf("key %d", rand.IntN(20))
	body := randomBody()
	blob, err := s.Stage(strings.NewReader(body), CRC64NVME)
	if err != nil {
		return err
	}
	defer func() { _ = blob.Close() }() // the directory is looked at later
	switch rand.IntN(4) {
	case 0:
		return writeInParts(s, key, body, blob)
	case 1:
		return deleteOne(s, key)
	case 2:
		c, err := s.CopyObject(context.Background(), Copy{
			SourceBucket: here, SourceKey: key, Bucket: here, Key: "copy of " + key, Plan: asIs,
		})
		if errors.Is(err, ErrNoSuchKey) {
			return nil
		}
		fmt.Printf("is|%s|%s|%s\n", "copy of "+key, c.VersionID, c.ETag)
		return err
	}
	w, err := s.PutObject(Put{Bucket: here, Key: key, Algorithm: CRC64NVME}, blob)
	fmt.Printf("is|%s|%s|%s\n", key, w.VersionID, md5Hex(body))
	return err
}

func writeInParts(s *Store, key, body string, blob *Blob) error {
	u, err := s.CreateUpload(CreateUpload{Bucket: here, Key: key})
	if err != nil {
		return err
	}
	p, err := s.PutPart(here, key, u.UploadID, 1, blob)
	if err != nil {
		return err
	}
	if rand.IntN(3) == 0 { // stays unfinished
		fmt.Printf("part|%s|%s|%s\n", key, u.UploadID, p.ETag)
		return nil
	}
	w, err := s.CompleteUpload(Complete{Bucket: here, Key: key, UploadID: u.UploadID, Parts: []CompletePart{{Number: 1, ETag: p.ETag}}})
	fmt.Printf("is|%s|%s|%s\n", key, w.VersionID, md5Hex(body))
	return err
}

func deleteOne(s *Store, key string) error {
	v, err := s.HeadObject(here, key, "")
	if errors.Is(err, ErrNoSuchKey) {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Printf("goes|%s|%s|\n", key, v.VersionID)
	if _, err = s.DeleteObject(Delete{Bucket: here, Key: key, VersionID: v.VersionID}); err != nil {
		return err
	}
	fmt.Printf("gone|%s|%s|\n", key, v.VersionID)
	return nil
}

// answered is what processes that were killed had been told.
type answered struct {
	is, goes, gone map[string]string // key and version → MD5
	parts          map[string]string // key and upload → the part's ETag
}

func (a *answered) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "|")
		if len(f) != 4 {
			continue // cut off
		}
		id := f[1] + "|" + f[2]
		switch f[0] {
		case "is":
			a.is[id] = f[3]
		case "goes":
			a.goes[id] = ""
		case "gone":
			a.gone[id] = ""
		case "part":
			a.parts[id] = f[3]
		}
	}
}

func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := &answered{is: map[string]string{}, goes: map[string]string{}, gone: map[string]string{}, parts: map[string]string{}}
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		killOne(t, dir, a)
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if problems, err := s.audit(nil); err != nil || len(problems) > 0 {
			t.Fatalf("after the kill the store is not sound: %v (%v)", problems, err)
		}
		a.check(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d versions, %d deleted, %d unfinished uploads", len(a.is), len(a.gone), len(a.parts))
	if len(a.is) == 0 || len(a.gone) == 0 || len(a.parts) == 0 {
		t.Error("nothing was tried")
	}
}

// killOne runs a process that writes, and kills it when it is at it.
func killOne(t *testing.T, dir string, a *answered) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.Peek(1); err != nil {
		t.Fatalf("the process wrote nothing: %v", err)
	}
	var kill sync.WaitGroup
	kill.Go(func() {
		<-time.After(time.Duration(rand.IntN(60_000)) * time.Microsecond) // the moment is what is random here
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
	})
	a.read(lines)
	kill.Wait()
	_ = cmd.Wait() // killed
}

func (a *answered) check(t *testing.T, s *Store) {
	t.Helper()
	for id, sum := range a.is {
		key, version, _ := strings.Cut(id, "|")
		_, goes := a.goes[id]
		_, gone := a.gone[id]
		o, err := s.OpenObject(here, key, version)
		if gone && !errors.Is(err, ErrNoSuchVersion) {
			t.Errorf("%s was deleted and is there (%v)", id, err)
		}
		if err != nil {
			if !goes {
				t.Errorf("%s was answered and is lost: %v", id, err)
			}
			continue
		}
		h := md5.New()
		_, err = io.Copy(h, o.Range(0, o.Version().Size))
		if got := hex.EncodeToString(h.Sum(nil)); err != nil || got != sum {
			t.Errorf("%s is not whole: MD5 %s (%v), want %s", id, got, err, sum)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
	for id, etag := range a.parts {
		key, upload, _ := strings.Cut(id, "|")
		p, err := s.ListParts(here, key, upload, 0, 10)
		if err != nil || len(p.Parts) != 1 || p.Parts[0].ETag != etag {
			t.Errorf("the part of %s is lost: %+v (%v)", id, p, err)
		}
	}
}
