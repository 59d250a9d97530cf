package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// checkTranscript: front-page. The last output has what README shows of the demo.
func checkTranscript(ts *testscript.TestScript, _ bool, _ []string) {
	page, err := os.ReadFile(filepath.Join(root, "README.md"))
	ts.Check(err)
	shown, err := transcript(string(page))
	ts.Check(err)
	if line := notPrinted(shown, ts.ReadFile("stdout")); line != "" {
		ts.Fatalf("README shows %q, which the demo does not print there", line)
	}
}

// transcript are the lines of the first block of text of a page.
func transcript(page string) ([]string, error) {
	_, block, found := strings.Cut(page, "\n```text\n")
	block, _, closed := strings.Cut(block, "\n```\n")
	if !found || !closed {
		return nil, os.ErrNotExist
	}
	return strings.Split(block, "\n"), nil
}

// notPrinted is the first line of a transcript that the output does not have after
// the lines before it, or "". A line of "…" stands for any number of lines, and "…"
// at an end for the rest of a line; numbers differ from run to run.
func notPrinted(shown []string, output string) string {
	printed := strings.Split(sameRun(output), "\n")
	for _, line := range shown {
		want, begins := strings.CutSuffix(sameRun(line), "…")
		want = strings.TrimSpace(want)
		if want == "" {
			continue
		}
		for {
			if len(printed) == 0 {
				return line
			}
			got := printed[0]
			printed = printed[1:]
			if got == want || begins && strings.HasPrefix(got, want) {
				break
			}
		}
	}
	return ""
}

// sameRun takes from a text what differs between two runs: times, the port, and the
// spaces that align them.
func sameRun(text string) string {
	text = regexp.MustCompile(`(< )?\d+ ms|127\.0\.0\.1:\d+`).ReplaceAllString(text, "N")
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestNotPrintedIsNotBlind(t *testing.T) {
	const output = "ready in 38 ms:\n\nOBJECT  a   b\nx   6 ms  < 1 ms\nbecause: it failed\nDone: 20 objects.\n"
	for shown, want := range map[string]string{
		"ready in 4 ms:\n…\nx  12 ms   3 ms\n  …\nDone: 20 objects.": "",
		"ready in 4 ms:\nbecause: …\nDone: 20 objects.":              "",
		"Done: 19 objects.":                 "Done: 19 objects.",
		"Done: 20 objects.\nready in 4 ms:": "ready in 4 ms:",
		"because: it":                       "because: it",
		"because: she …":                    "because: she …",
	} {
		if got := notPrinted(strings.Split(shown, "\n"), output); got != want {
			t.Errorf("%q: got %q, want %q", shown, got, want)
		}
	}
}

// Whoever begins reads which Go it takes, that of go.mod, and which CDK, that of
// package.json.
func TestPagesNameTheVersions(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	for _, tc := range []struct{ page, shown, file, pinned string }{
		{"README.md", `\bGo (\d+\.\d+)`, "go.mod", `(?m)^go (\d+\.\d+)`},
		{"docs/quick-start.md", `\bGo (\d+\.\d+)`, "go.mod", `(?m)^go (\d+\.\d+)`},
		{"docs/deploy.md", `aws-cdk@([\d.]+)`, "package.json", `"aws-cdk": "([\d.]+)"`},
	} {
		version := regexp.MustCompile(tc.pinned).FindStringSubmatch(read(tc.file))
		if version == nil {
			t.Fatalf("%s pins no version", tc.file)
		}
		named := regexp.MustCompile(tc.shown).FindAllStringSubmatch(read(tc.page), -1)
		if len(named) == 0 {
			t.Errorf("%s names no version", tc.page)
		}
		for _, n := range named {
			if n[1] != version[1] {
				t.Errorf("%s names %s, %s has %s", tc.page, n[0], tc.file, version[1])
			}
		}
	}
}
