package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3fanout/infra"
)

// An installed app takes the release's archives, whatever the directory is that
// it runs in; any other takes what was built below that directory.
func TestFindPrograms(t *testing.T) {
	resolved, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	touch := func(path string) string {
		t.Helper()
		path = filepath.Join(resolved, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	installed := touch("usr/bin/s3fanout-cdk")
	touch("usr/share/s3fanout/function-x86_64.zip")
	touch("flat/function-arm64.zip")
	linked := filepath.Join(resolved, "linked")
	if err := os.Symlink(installed, linked); err != nil {
		t.Fatal(err)
	}
	for executable, want := range map[string]programs{
		installed:                         {dir: filepath.Join(resolved, "usr/share/s3fanout"), archives: true},
		linked:                            {dir: filepath.Join(resolved, "usr/share/s3fanout"), archives: true},
		touch("flat/s3fanout-cdk"):        {dir: filepath.Join(resolved, "flat"), archives: true},
		touch("go-build1/b001/exe/app"):   {dir: "build"},
		filepath.Join(resolved, "none/x"): {dir: "build"},
	} {
		if got := findPrograms(executable); got != want {
			t.Errorf("%s: got %+v, want %+v", executable, got, want)
		}
	}
}

func TestProgramsOfAReleaseAreMissing(t *testing.T) {
	dir := t.TempDir()
	config := infra.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, Buckets: map[string]string{"us-east-1": "mine"}}
	if err := os.WriteFile(filepath.Join(dir, "function-arm64.zip"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := programs{dir: dir, archives: true}.check(config)
	if want := "adopt-arm64.zip is missing; install the release again"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want …%s", err, want)
	}
}
