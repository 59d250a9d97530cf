package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

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

// The emulator that is installed is the one that the differences and the page are
// about.
func TestEmulatorIsPinned(t *testing.T) {
	raw, err := os.ReadFile("../../../tools/ministack.txt")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/internals/smoke.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "ministack "+emulatorVersion) {
		t.Errorf("the page is not about ministack %s", emulatorVersion)
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
