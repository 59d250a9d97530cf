package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// docs/internals/emulators.md has an item for each check and each difference, and no
// other: what is expected, who cannot be asked, and which steps and checks end
// otherwise on the emulator. All others pass wherever they are asked.
func TestPageSaysWhatPassesWhere(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/internals/emulators.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(strings.ReplaceAll(string(raw), "\n  ", " ")) { // items that were wrapped
		if strings.HasPrefix(line, "- `") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	for _, c := range checks() {
		if c.ask == nil {
			want = append(want, fmt.Sprintf("- `%s`: %s", c.id, c.question))
			continue
		}
		var not []string
		for _, target := range []string{sandboxTarget, emulatorTarget} {
			if !c.canBeAsked(target) {
				not = append(not, target)
			}
		}
		item := fmt.Sprintf("- `%s`: %s: %s", c.id, c.question, c.want)
		if len(not) > 0 {
			item += " (not asked of " + strings.Join(not, ", ") + ")"
		}
		want = append(want, item)
	}
	known := map[string]bool{}
	for _, s := range append(steps(), followSteps()...) {
		known[s.id] = true
	}
	for _, c := range checks() {
		known[c.id] = true
	}
	for _, d := range (&emulatorRun{}).differences() {
		otherwise := slices.Concat(d.fails, d.answers)
		for _, id := range otherwise {
			if !known[id] {
				t.Errorf("%s makes %s differ, which is neither a step nor a check", d.id, id)
			}
		}
		item := fmt.Sprintf("- `%s`: %s", d.id, d.what)
		if len(otherwise) > 0 {
			item += " (" + strings.Join(otherwise, ", ") + ")"
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
