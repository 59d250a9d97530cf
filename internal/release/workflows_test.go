package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Workflows build with the newest patch of Go: go.mod names the first one, without
// the fixes since. Those that release run others' actions by commit alone.
func TestWorkflowsTakeTheNewestGo(t *testing.T) {
	t.Chdir("../..")
	ours, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(ours) < 2 {
		t.Fatalf("%d workflows: %v", len(ours), err)
	}
	module, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	minor := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(module))[1]
	newest := regexp.MustCompile(`(?m)^ +go-version: ` + regexp.QuoteMeta(minor) + `\.x( |$)`)
	action := regexp.MustCompile(`uses: ([^ \n]+)`)
	pinned := regexp.MustCompile(`@[0-9a-f]{40}$`)
	for _, path := range append(ours, "docs/recipes/verify.yml") {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(content)
		installed, want := len(newest.FindAllString(text, -1)), strings.Count(text, "actions/setup-go@")
		if installed != want || want == 0 {
			t.Errorf("%s: %d of %d times with go-version: %s.x", path, installed, want, minor)
		}
		if !strings.HasPrefix(path, ".github") {
			continue
		}
		for _, use := range action.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(use[1], "./") && !pinned.MatchString(use[1]) {
				t.Errorf("%s: %s is not pinned by commit", path, use[1])
			}
		}
	}
}
