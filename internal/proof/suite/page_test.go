package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// docs/internals/emulators.md says what passes where: a row for each step and check, what
// the emulator does otherwise, and nothing else.
func TestPageSaysWhatPassesWhere(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/internals/emulators.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(line, "| `") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	differences := (&emulatorRun{}).differences()
	here := func(id string, of func(difference) []string) string {
		for _, d := range differences {
			if slices.Contains(of(d), id) {
				return "differs: `" + d.id + "`"
			}
		}
		return "passes"
	}
	for _, s := range append(steps(), followSteps()...) {
		want = append(want, fmt.Sprintf("| `%s` | %s | passes | %s |", s.id, s.what, here(s.id, func(d difference) []string { return d.fails })))
	}
	for _, c := range checks() {
		if c.ask == nil {
			want = append(want, fmt.Sprintf("| `%s` | %s | %s |", c.id, c.question, c.why))
			continue
		}
		ours, there := "passes", here(c.id, func(d difference) []string { return d.answers })
		if !c.canBeAsked(sandboxTarget) {
			ours = "cannot be asked"
		}
		if !c.canBeAsked(emulatorTarget) {
			there = "cannot be asked"
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s | %s |", c.id, c.question, c.want, ours, there))
	}
	for _, d := range differences {
		override := d.override
		if override == "" {
			override = "none"
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s |", d.id, d.what, d.fault, override))
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
