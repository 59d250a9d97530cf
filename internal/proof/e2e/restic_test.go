package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// resticUser is a user of a restic repository that is in the buckets of a set.
type resticUser struct {
	user
	program string
}

// resticUsers are one user for each Region of the set.
func resticUsers(w *world, program string) map[string]resticUser {
	users := map[string]resticUser{}
	for _, region := range w.regions {
		u := newUser(w, region, "RESTIC_PASSWORD=not a secret",
			"RESTIC_REPOSITORY=s3:"+w.state.Endpoint+"/"+w.bucket(region)+"/repository")
		u.env = append(u.env, "RESTIC_CACHE_DIR="+filepath.Join(u.home, "cache"))
		users[region] = resticUser{u, program}
	}
	return users
}

func (u resticUser) restic(args ...string) {
	u.w.t.Helper()
	u.do(u.program, append([]string{"--option", "s3.bucket-lookup=path"}, args...)...)
}

// refused runs what has to fail, and returns why it does.
func (u resticUser) refused(args ...string) string {
	u.w.t.Helper()
	_, err := u.try(u.program, append([]string{"--option", "s3.bucket-lookup=path"}, args...)...)
	if err == nil {
		u.w.t.Fatalf("restic %q in %s: it succeeds", args, u.region)
	}
	return err.Error()
}

// data is the directory that the user backs up.
func (u resticUser) data() string { return filepath.Join(u.home, "data") }

// grow writes files that no earlier backup has, larger ones among them, so that
// there are several packs.
func (u resticUser) grow(generation string) {
	u.w.t.Helper()
	for i := range 12 {
		u.w.save(filepath.Join(u.data(), generation, fmt.Sprintf("file %02d ü", i)), noise(i*100_000)+generation)
	}
	u.w.save(filepath.Join(u.data(), "overwritten"), generation)
}

// wantRestored restores the latest backup of a host and checks it byte for byte.
func (u resticUser) wantRestored(host string, want map[string]string) {
	u.w.t.Helper()
	target := u.w.t.TempDir()
	// --no-lock: restoring has to work beside whatever lock there is.
	u.restic("restore", "latest", "--no-lock", "--host", host, "--target", target)
	found := map[string]string{}
	for name, digest := range u.w.files(target) {
		// Below the target a file has its whole path.
		if _, below, ok := strings.Cut(name, "/data/"); ok {
			found[below] = digest
		}
	}
	wantSameContents(u.w.t, "restored in "+u.region, found, want)
}

// A restic repository is used from several Regions in turn: what one backs up, another
// checks and prunes, and the first goes on with it. A lock keeps the others away while
// it is held, and is gone everywhere afterwards.
func TestProgramsFollowedRestic(t *testing.T) {
	program := ofOthers(t, "S3FANOUT_RESTIC")
	f := programsFollowing(t)
	const a, b, c = "us-east-1", "eu-west-1", "ap-northeast-1"
	users := resticUsers(f.world, program)

	users[a].restic("init")
	users[a].grow("first")
	users[a].restic("backup", "--host", "a", users[a].data())
	if err := os.RemoveAll(filepath.Join(users[a].data(), "first")); err != nil {
		t.Fatal(err)
	}
	users[a].grow("second")
	users[a].restic("backup", "--host", "a", users[a].data())
	f.wantEqualRegions()
	users[b].restic("check", "--read-data")
	f.settle()

	// A backup that takes its time has a lock, which is seen elsewhere.
	slow := users[a].command(program, "--option", "s3.bucket-lookup=path", "backup", "--host", "slow", "--stdin")
	in, err := slow.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := slow.Start(); err != nil {
		t.Fatal(err)
	}
	locked := func(region string) bool { return len(f.shown(region, "repository/locks/")) > 0 }
	f.waitFor("the backup has a lock", func() bool { return locked(a) })
	f.settle()
	for _, region := range []string{b, c} {
		if !locked(region) {
			t.Errorf("the lock is not in %s", region)
		}
	}
	if why := users[b].refused("prune"); !strings.Contains(why, "already locked") {
		t.Errorf("prune beside a backup in another Region says %s", why)
	}
	if _, err := io.WriteString(in, noise(300_000)); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := slow.Wait(); err != nil {
		t.Fatal(err)
	}
	f.settle()
	for _, region := range f.regions {
		if locked(region) {
			t.Errorf("the lock is still in %s", region)
		}
	}

	packs := len(f.shown(a, "repository/data/"))
	users[b].grow("of b")
	users[b].restic("backup", "--host", "b", users[b].data())
	f.wantEqualRegions()
	users[b].restic("forget", "--host", "slow", "latest")
	f.settle()
	users[c].restic("forget", "--keep-last", "1", "--prune", "--max-unused", "0")
	shown := f.wantEqualRegions()
	if left := len(f.shown(a, "repository/data/")); left >= packs {
		t.Errorf("%d packs after the prune in another Region, %d before", left, packs)
	}
	for key := range shown {
		if strings.Contains(key, "/locks/") {
			t.Errorf("%s is left", key)
		}
	}
	users[a].restic("check", "--read-data")
	f.settle()
	users[a].restic("backup", "--host", "a", users[a].data())
	f.wantEqualRegions()
	for _, region := range f.regions {
		users[region].restic("check", "--read-data")
		f.settle()
		users[region].wantRestored("a", f.files(users[a].data()))
		users[region].wantRestored("b", f.files(users[b].data()))
	}
	f.wantEqualRegions()
}

// Without following a backup is restored anywhere, byte for byte, but the lock that
// was deleted in its own Region stays in the others, which then refuse: a repository
// is for one Region to write.
func TestProgramsResticWithoutFollowing(t *testing.T) {
	program := ofOthers(t, "S3FANOUT_RESTIC")
	f := programsIn(t, "")
	const a, b = "us-east-1", "eu-west-1"
	users := resticUsers(f.world, program)
	users[a].restic("init")
	users[a].grow("first")
	users[a].restic("backup", "--host", "a", users[a].data())
	f.settle()
	users[b].wantRestored("a", f.files(users[a].data()))
	if locks := f.shown(a, "repository/locks/"); len(locks) > 0 {
		t.Errorf("%d locks are left in %s", len(locks), a)
	}
	if locks := f.shown(b, "repository/locks/"); len(locks) == 0 {
		t.Errorf("no lock is left in %s, want the one that was deleted in %s", b, a)
	}
	if why := users[b].refused("check"); !strings.Contains(why, "already locked") {
		t.Errorf("check says %s", why)
	}
	f.run(3, "verify", "--grace", "0s")
}
