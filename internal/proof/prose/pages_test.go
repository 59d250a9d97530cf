package prose_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"s3fanout/internal/proof/page"
	"s3fanout/internal/proof/prose"
)

const root = "../../.."

// How many words all pages together may have. Whoever writes fewer lowers the
// number. Long lines, long sentences and replaced words are down to none.
const (
	mostWords          = 15_772 // of README and docs, without the reference
	mostReferenceWords = 4_181  // of docs/commands.md, which is generated from the commands' help
)

// TestPagesAreReadable finds what makes pages hard to read, and prints the words of
// each: make words.
func TestPagesAreReadable(t *testing.T) {
	var total, docs, reference int
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
			t.Errorf("%s:%d: more than %d columns", path, line, prose.MaxColumns)
		}
		for _, sentence := range prose.LongSentences(page) {
			t.Errorf("%s: a sentence of %d words, more than %d: %s", path, prose.Words(sentence), prose.MaxSentenceWords, sentence)
		}
		for _, r := range prose.ReplacedWords(page) {
			t.Errorf("%s: not %q but: %s", path, r.Found, r.Instead)
		}
	}
	t.Logf("%6d words  README.md and docs, without the reference", docs)
	t.Logf("%6d words  in all, with CHANGELOG.md, CONTRIBUTING.md and SECURITY.md", total)
	if docs > mostWords || reference > mostReferenceWords {
		t.Errorf("%d words in README.md and docs, and %d in the reference, more than %d and %d",
			docs, reference, mostWords, mostReferenceWords)
	}
}

// pages are all that a reader is given, from the root.
func pages(t *testing.T) []string {
	t.Helper()
	list, err := page.All(root)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
