package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// litestreamUser has a SQLite database that litestream replicates to a Region's
// bucket.
type litestreamUser struct {
	user
	bin    string // the clients' programs
	script string
}

func newLitestreamUser(w *world, region, bin string) litestreamUser {
	w.t.Helper()
	script, err := filepath.Abs("testdata/sqlite_client.py")
	if err != nil {
		w.t.Fatal(err)
	}
	u := litestreamUser{newUser(w, region), bin, script}
	// Levels and retention are shortened from hours, so that files are merged and
	// removed while the test looks.
	w.save(u.config(), fmt.Sprintf(`access-key-id: %s
secret-access-key: %s
levels:
  - interval: 1s
  - interval: 2s
l0-retention: 1s
l0-retention-check-interval: 1s
snapshot:
  interval: 3s
  retention: 4s
dbs:
  - path: %s
    replica:
      type: s3
      bucket: %s
      path: database
      region: %s
      endpoint: %s
      force-path-style: true
      sync-interval: 100ms
`, w.state.AccessKeyID, w.state.SecretAccessKey, u.database(), w.bucket(region), region, w.state.Endpoint))
	return u
}

func (u litestreamUser) config() string   { return filepath.Join(u.home, "litestream.yml") }
func (u litestreamUser) database() string { return filepath.Join(u.home, "notes.db") }

// sql does an operation on a database, and returns what it prints.
func (u litestreamUser) sql(operation, file string, args ...string) string {
	u.w.t.Helper()
	return u.do(filepath.Join(u.bin, "python3"), append([]string{u.script, operation, file}, args...)...)
}

// replicating runs litestream while what happens, and ends it as an operator does:
// it then uploads what is left.
func (u litestreamUser) replicating(what func()) {
	u.w.t.Helper()
	cmd := u.command(filepath.Join(u.bin, "litestream"), "replicate", "-config", u.config())
	var notes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &notes, &notes
	if err := cmd.Start(); err != nil {
		u.w.t.Fatal(err)
	}
	stop := sync.OnceValue(func() error { return errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()) })
	defer func() { _ = stop() }() // if what does not return
	what()
	if err := stop(); err != nil {
		u.w.t.Fatalf("litestream in %s: %v\n%s", u.region, err, notes.Bytes())
	}
}

// restore makes the database that the Region's bucket has.
func (u litestreamUser) restore(file string) {
	u.w.t.Helper()
	u.do(filepath.Join(u.bin, "litestream"), "restore", "-config", u.config(), "-o", file, u.database())
}

// wantRestored restores the database into a new file and checks that it is whole and
// has what it had.
func (u litestreamUser) wantRestored(want string) {
	u.w.t.Helper()
	file := filepath.Join(u.w.t.TempDir(), "restored.db")
	u.restore(file)
	got := u.sql("dump", file)
	if !strings.HasPrefix(got, "ok\n") || got != want {
		u.w.t.Errorf("%s restores %d bytes that differ from the %d of the database", u.region, len(got), len(want))
	}
}

// A SQLite database is replicated by litestream to one Region and restored from
// another, where it is then used and replicated on; the first Region restores that.
// litestream merges and removes its files all the time, and what it has removed is
// gone everywhere.
func TestProgramsFollowedLitestream(t *testing.T) {
	bin := ofOthers(t, "S3FANOUT_CLIENTS")
	f := programsFollowing(t)
	const a, b, c = "us-east-1", "eu-west-1", "ap-northeast-1"
	users := map[string]litestreamUser{}
	for _, region := range f.regions {
		users[region] = newLitestreamUser(f.world, region, bin)
	}
	var want string
	use := func(u litestreamUser) {
		t.Helper()
		u.replicating(func() {
			u.sql("insert", u.database(), "100", "of "+u.region)
			removed := f.markers(u.region, "database/")
			f.waitFor("litestream removes files", func() bool {
				u.sql("churn", u.database(), "10")
				return f.markers(u.region, "database/") > removed+5
			})
			u.sql("insert", u.database(), "10", "the last of "+u.region)
		})
		want = u.sql("dump", u.database())
		shown := f.wantEqualRegions()
		t.Logf("%s: %d bytes of SQL, %d objects, %d removed", u.region, len(want), len(shown), f.markers(u.region, "database/"))
	}

	use(users[a])
	users[b].wantRestored(want)
	users[c].wantRestored(want)
	users[b].restore(users[b].database())
	use(users[b])
	users[a].wantRestored(want)
	users[c].wantRestored(want)
}
