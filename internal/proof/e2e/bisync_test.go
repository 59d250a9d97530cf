package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// bisyncUser keeps a directory and a Region's bucket the same with rclone bisync.
type bisyncUser struct {
	user
	program string
}

func newBisyncUser(w *world, region, clients string) bisyncUser {
	return bisyncUser{
		newUser(w, region,
			"RCLONE_CONFIG_S3_TYPE=s3", "RCLONE_CONFIG_S3_PROVIDER=Other", "RCLONE_CONFIG_S3_FORCE_PATH_STYLE=true",
			"RCLONE_CONFIG_S3_ENDPOINT="+w.state.Endpoint, "RCLONE_CONFIG_S3_REGION="+region,
			"RCLONE_CONFIG_S3_ACCESS_KEY_ID="+w.state.AccessKeyID, "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY="+w.state.SecretAccessKey),
		filepath.Join(clients, "rclone"),
	}
}

// bisync runs once. A run that meets changes under way is refused by rclone's own
// checks, and may be repeated.
func (u bisyncUser) bisync(options ...string) error {
	if err := os.MkdirAll(u.dir(), 0o700); err != nil {
		return err
	}
	_, err := u.try(u.program, append([]string{
		"--config", os.DevNull, "bisync", u.dir(), "s3:" + u.w.bucket(u.region) + "/shared", "--s3-no-check-bucket", "--retries", "1",
		"--resilient", "--recover", "--force", "--conflict-resolve", "newer",
	}, options...)...)
	return err
}

func (u bisyncUser) wantSynced(options ...string) {
	u.w.t.Helper()
	if err := u.bisync(options...); err != nil {
		u.w.t.Fatal(err)
	}
}

// dir is the directory that is kept the same.
func (u bisyncUser) dir() string { return filepath.Join(u.home, "shared") }

func (u bisyncUser) write(name, body string) {
	u.w.t.Helper()
	u.w.save(filepath.Join(u.dir(), name), body)
}

func (u bisyncUser) delete(name string) {
	u.w.t.Helper()
	if err := os.Remove(filepath.Join(u.dir(), name)); err != nil {
		u.w.t.Fatal(err)
	}
}

// Two people keep a directory each the same as the bucket of their Region, by rclone
// bisync, while a third writes and deletes in another Region. In the end both
// directories and all Regions have the same files, and what both changed at once is
// the later one's in all of them, while the other one is kept as a version.
func TestProgramsFollowedBisync(t *testing.T) {
	clients := ofOthers(t, "S3FANOUT_CLIENTS")
	f := programsFollowing(t)
	const a, b, c = "us-east-1", "eu-west-1", "ap-northeast-1"
	one, two := newBisyncUser(f.world, a, clients), newBisyncUser(f.world, b, clients)
	wantEqual := func() {
		t.Helper()
		f.wantEqualRegions()
		for _, u := range []bisyncUser{one, two} {
			wantSameContents(t, "the directory of "+u.region, f.files(u.dir()), f.shown(u.region, "shared/"))
		}
	}
	for i := range 10 {
		one.write(fmt.Sprintf("file %02d ü", i), fmt.Sprint("first ", i))
	}
	one.wantSynced("--resync")
	f.settle()
	two.wantSynced("--resync")
	wantEqual()

	// In turn.
	one.write("file 00 ü", "overwritten by one")
	one.delete("file 01 ü")
	one.write("new/of one", "new")
	one.wantSynced()
	f.settle()
	two.wantSynced()
	wantEqual()
	two.write("file 00 ü", "overwritten by two")
	two.delete("new/of one")
	two.wantSynced()
	f.settle()
	one.wantSynced()
	wantEqual()

	// While somebody else writes.
	stop := make(chan struct{})
	other := f.writeTheirs(c, stop)
	refused := 0
	const runs = 8
	for i := range runs {
		one.write(fmt.Sprintf("mine/%d", i%5), fmt.Sprint("run ", i))
		if i%3 == 2 {
			one.delete(fmt.Sprintf("mine/%d", (i-1)%5))
		}
		if err := one.bisync(); err != nil {
			refused++
			t.Log(err)
		}
	}
	close(stop)
	theirs := <-other
	if theirs.err != nil {
		t.Fatal(theirs.err)
	}
	t.Logf("%d writes by another during %d runs, of which %d were refused", theirs.writes, runs, refused)
	mine := f.files(filepath.Join(one.dir(), "mine"))
	f.settle()
	one.wantSynced()
	f.settle()
	two.wantSynced()
	wantEqual()
	wantSameContents(t, "theirs", f.shown(b, "shared/theirs/"), theirs.left)
	wantSameContents(t, "mine", f.shown(b, "shared/mine/"), mine)

	// The same file at once. Sizes differ, since rclone takes what has the same size and
	// time for the same.
	one.write("file 02 ü", "one's")
	two.write("file 02 ü", "the one of two")
	one.wantSynced()
	f.later()
	two.wantSynced()
	f.settle()
	one.wantSynced()
	f.settle()
	two.wantSynced()
	wantEqual()
	kept := f.everyBody("shared/file 02 ü")
	for _, body := range []string{"one's", "the one of two"} {
		if !slices.Contains(kept, body) {
			t.Errorf("no version has %q any more, only %q", body, kept)
		}
	}

	// A changed time alone is a copy of the object on itself, with the metadata that
	// it had: where that was a replica half a minute ago, it is a write now.
	f.clocks(40, f.regions...)
	touched := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(two.dir(), "file 03 ü"), touched, touched); err != nil {
		t.Fatal(err)
	}
	two.wantSynced()
	f.settle()
	one.wantSynced()
	wantEqual()
	info, err := os.Stat(filepath.Join(one.dir(), "file 03 ü"))
	if err != nil {
		t.Fatal(err)
	}
	if !info.ModTime().Equal(touched) {
		t.Errorf("the other's file is of %v, want %v", info.ModTime().UTC(), touched)
	}
}

// written is what somebody did in the background.
type written struct {
	writes int
	left   map[string]string // what is there in the end, as shown tells it
	err    error
}

// writeTheirs writes, overwrites and deletes keys in one Region until it is stopped.
func (f following) writeTheirs(region string, stop <-chan struct{}) <-chan written {
	done := make(chan written, 1)
	go func() {
		w := written{left: map[string]string{}}
		defer func() { done <- w }()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
			name := fmt.Sprint(w.writes * 7 % 10)
			key := "shared/theirs/" + name
			if w.writes%4 == 3 {
				_, w.err = f.s3(region).DeleteObject(f.t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(f.bucket(region)), Key: &key})
				delete(w.left, name)
			} else {
				body := fmt.Sprint("theirs ", w.writes)
				_, w.err = f.world.put(region, object{key: key, body: body})
				w.left[name] = digest([]byte(body))
			}
			if w.err != nil {
				return
			}
			w.writes++
		}
	}()
	return done
}
