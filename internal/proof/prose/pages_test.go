package prose_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3fanout/internal/proof/prose"
)

const root = "../../.."

// What all pages together may have. Whoever writes fewer lowers the number.
const (
	mostWords          = 21_150 // of README and docs, without the reference
	mostReferenceWords = 6_100  // of docs/commands.md, which is generated from the commands' help
	mostLongLines      = 0
	mostLongSentences  = 0
	mostReplacedWords  = 2
)

// TestPagesAreReadable counts what makes pages hard to read, and prints the words
// of each: make words.
func TestPagesAreReadable(t *testing.T) {
	var total, docs, reference, lines, sentences, replaced int
	var problems strings.Builder
	for _, path := range pages(t) {
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		page := string(content)
		n := prose.Words(page)
		total += n
		switch {
		case path == filepath.Join("docs", "commands.md"):
			reference = n
		case path == "README.md" || strings.HasPrefix(path, "docs"+string(filepath.Separator)):
			docs += n
		}
		t.Logf("%6d words  %s", n, path)
		for _, line := range prose.LongLines(page) {
			lines++
			fmt.Fprintf(&problems, "%s:%d: more than %d columns\n", path, line, prose.MaxColumns)
		}
		for _, sentence := range prose.LongSentences(page) {
			sentences++
			fmt.Fprintf(&problems, "%s: a sentence of %d words, more than %d: %s\n", path, prose.Words(sentence), prose.MaxSentenceWords, sentence)
		}
		for _, r := range prose.ReplacedWords(page) {
			replaced++
			fmt.Fprintf(&problems, "%s: not %q but: %s\n", path, r.Found, r.Instead)
		}
	}
	t.Logf("%6d words  README.md and docs, without the reference", docs)
	t.Logf("%6d words  in all, with CHANGELOG.md and CONTRIBUTING.md", total)
	for _, c := range []struct {
		what      string
		got, most int
	}{
		{"words in README.md and docs without the reference", docs, mostWords}, {"words in the reference", reference, mostReferenceWords},
		{"long lines", lines, mostLongLines},
		{"long sentences", sentences, mostLongSentences}, {"replaced words", replaced, mostReplacedWords},
	} {
		if c.got > c.most {
			t.Errorf("%d %s, at most %d are allowed", c.got, c.what, c.most)
		}
	}
	if t.Failed() {
		t.Log("\n" + problems.String())
	}
}

// pages are all that a reader is given, from the root.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		relative, err := filepath.Rel(root, path)
		list = append(list, relative)
		return err
	})
	if err != nil || len(list) < 10 {
		t.Fatalf("%d pages: %v", len(list), err)
	}
	return list
}
