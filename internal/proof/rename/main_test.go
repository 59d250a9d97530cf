package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const newPath = "example.com/team/fan-out"

// renamedCopy copies the module and renames the copy.
func renamedCopy(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, relative)
		switch {
		case entry.IsDir() && file != root && !ours(entry.Name()):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := run(dir, newPath); err != nil || changed < 100 {
		t.Fatalf("%d files changed: %v", changed, err)
	}
	return dir
}

// goCommand runs the go command in the copy. Nothing of it may come from a network.
func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=readonly -buildvcs=false")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestRenamedModuleIsWhole renames a copy: every import of every package and
// test resolves, nothing has the old path, files are formatted, two packages pass
// their tests, and a second renaming changes nothing.
func TestRenamedModuleIsWhole(t *testing.T) {
	dir := renamedCopy(t)
	packages := goCommand(t, dir, "list", "-test", "-deps", "./...")
	if !strings.Contains(packages, newPath+"/infra\n") {
		t.Errorf("infra is not %s/infra", newPath)
	}
	goMod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	left := regexp.MustCompile("(^|[^A-Za-z0-9./_-])" + regexp.QuoteMeta(modulePath(goMod)) + "/(internal|infra|lambda|tools|cmd/s3fanout)")
	err = filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasPrefix(file, filepath.Join(dir, "internal", "proof", "rename")) {
			return err
		}
		content, err := os.ReadFile(file)
		if at := left.Find(content); at != nil {
			t.Errorf("%s has the old path: %s", strings.TrimPrefix(file, dir), bytes.TrimSpace(at))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "gofmt", "-l", dir).Output(); err != nil || len(out) > 0 {
		t.Errorf("not formatted: %s, %v", out, err)
	}
	goCommand(t, dir, "test", "./internal/strictjson", "./internal/replicaset")
	if changed, err := run(dir, newPath); changed != 0 || err != nil {
		t.Errorf("a second renaming: %d files changed, %v", changed, err)
	}
}

// TestRenamedModuleBuilds builds and vets all of a copy, with its tests, and runs
// those that name packages by their paths.
func TestRenamedModuleBuilds(t *testing.T) {
	if os.Getenv("S3FANOUT_E2E_LARGE") == "" {
		t.Skip("builds everything anew; make test-large runs it")
	}
	dir := renamedCopy(t)
	goCommand(t, dir, "build", "./...")
	goCommand(t, dir, "vet", "./...")
	goCommand(t, dir, "test", "./internal/proof/e2e", "-run", "TestPackagesKnowOnlyWhatTheyMay")
	goCommand(t, dir, "test", "./infra/example", "./internal/proof/buildinput")
}

// The old path is not this module's, so that the test is right in a renamed module too.
func TestRenamer(t *testing.T) {
	rename := renamer("fanout", newPath)
	for before, want := range map[string]string{
		"module fanout\n\ngo 1.26":                      "module " + newPath + "\n\ngo 1.26",
		"module fanout/tools\n":                         "module " + newPath + "/tools\n",
		"\t\"fanout/infra\"\n":                          "\t\"" + newPath + "/infra\"\n",
		"{pkg: fanout, desc: \"fanout\"}":               "{pkg: " + newPath + ", desc: \"fanout\"}",
		"allow: [fanout/infra, fanout/internal/policy]": "allow: [" + newPath + "/infra, " + newPath + "/internal/policy]",
		"go build ./cmd/fanout/internal":                "go build ./cmd/fanout/internal",
		".fanout/reports bin/fanout fanout doctor":      ".fanout/reports bin/fanout fanout doctor",
		`{"fanout": {"name": "fanout"}}`:                `{"fanout": {"name": "fanout"}}`,
		"other.example/fanout/internal/x":               "other.example/fanout/internal/x",
	} {
		if got := string(rename([]byte(before))); got != want {
			t.Errorf("%q becomes %q, want %q", before, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, path := range []string{"example.com/x", "example.com/Team/s3fanout.v2", "git.example.com/a/b/c"} {
		if err := check(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{
		"", "s3fanout", "example/x", "https://example.com/x", "example.com/", "example.com/a b", "example.com/a/../b", "-x.com/y",
	} {
		if err := check(path); err == nil || !strings.Contains(err.Error(), "is not a module's path; use one that begins with a host") {
			t.Errorf("%q: got %v", path, err)
		}
	}
}
