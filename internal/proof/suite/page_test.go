package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/internals/smoke.md has an item for each check, and no other: what is asked,
// and what is expected.
func TestPageSaysWhatIsAsked(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/internals/smoke.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(strings.ReplaceAll(string(raw), "\n  ", " ")) { // items that were wrapped
		if strings.HasPrefix(line, "- `") && strings.Contains(line, "`: ") && !regexp.MustCompile("^- `[A-Z]+`").MatchString(line) {
			got = append(got, strings.TrimSpace(line))
		}
	}
	for _, c := range checks() {
		item := fmt.Sprintf("- `%s`: %s", c.id, c.question)
		if c.ask != nil {
			item += ": " + c.want
		}
		want = append(want, item)
	}
	for _, row := range want {
		if !slices.Contains(got, row) {
			t.Errorf("the page lacks\n%s", row)
		}
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			t.Errorf("the page has\n%s\nwhich nothing says", row)
		}
	}
	if !strings.Contains(string(raw), "ministack "+emulatorVersion) {
		t.Errorf("the page is not about ministack %s", emulatorVersion)
	}
}

// What differs on the emulator is a step or a check.
func TestDifferencesAreOfStepsAndChecks(t *testing.T) {
	known := map[string]bool{}
	for _, s := range append(steps(), followSteps()...) {
		known[s.id] = true
	}
	for _, c := range checks() {
		known[c.id] = true
	}
	for _, d := range (&emulatorRun{}).differences() {
		for _, id := range slices.Concat(d.fails, d.answers) {
			if !known[id] {
				t.Errorf("%s makes %s differ, which is neither a step nor a check", d.id, id)
			}
		}
	}
}

// The emulator that is installed is the one that the list is about.
func TestEmulatorIsPinned(t *testing.T) {
	raw, err := os.ReadFile("../../../tools/ministack.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), "\nministack=="+emulatorVersion+" \\\n    --hash=sha256:") {
		t.Errorf("tools/ministack.txt does not pin ministack %s with a hash", emulatorVersion)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, "==") && !strings.HasPrefix(line, "#") && !strings.HasSuffix(strings.TrimSpace(line), `\`) {
			t.Errorf("without a hash: %s", line)
		}
	}
}
