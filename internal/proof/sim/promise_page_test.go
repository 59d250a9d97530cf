package sim

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestPromisesAreOnThePage holds docs/internals/reliability.md to have each promise that
// the simulation names by a letter or, in follow mode, by a number.
func TestPromisesAreOnThePage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(module, "docs", "internals", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed, used := map[string]bool{}, map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(?:- \*\*\(([a-z])\)|([0-9])\.) `).FindAllStringSubmatch(string(page), -1) {
		listed[m[1]+m[2]] = true
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:broken\(|killTicks\(|return )"([a-z0-9])"`).FindAllStringSubmatch(string(source), -1) {
			used[m[1]] = name
		}
	}
	delete(used, "x") // what TestFailuresShrink forbids by itself
	if len(used) < 12 {
		t.Errorf("only %d promises are named: %v", len(used), used)
	}
	for promise, name := range used {
		if !listed[promise] {
			t.Errorf("%s names promise (%s), which the page does not have", name, promise)
		}
	}
}
