package prose_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/proof/prose"
)

func words(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }

func TestLongSentences(t *testing.T) {
	for _, c := range []struct {
		name, page string
		want       int
	}{
		{"35 words", words(35) + ".", 0},
		{"36 words", words(36) + ".", 1},
		{"36 words in two lines", words(20) + "\n" + words(16) + ".\n", 1},
		{"two sentences", words(20) + ". " + words(20) + "? " + words(20) + "!", 0},
		{"a stop in parentheses", words(20) + " (so.) " + words(20), 0},
		{"a stop inside of a word", words(20) + " a.b " + words(20), 1},
		{"paragraphs", words(20) + "\n\n" + words(20), 0},
		{"items", "- " + words(20) + "\n- " + words(20) + "\n1. " + words(20) + "\n", 0},
		{"cells", "| " + words(20) + " | " + words(20) + " |\n| " + words(36) + " |\n", 1},
		{"a heading", "# " + words(20) + "\n" + words(20), 0},
		{"a span of code is one word", words(34) + " `" + words(9) + "`.", 0},
		{"a block of code", "```text\n" + words(99) + "\n```\n", 0},
		{"a comment", "<!-- " + words(99) + " -->", 0},
	} {
		if got := prose.LongSentences(c.page); len(got) != c.want {
			t.Errorf("%s: got %q, want %d", c.name, got, c.want)
		}
	}
}

func TestReplacedWords(t *testing.T) {
	page := "A letter, and dead letters, and a dead-letter queue.\nEchoes are `letter` [here](echo.md). It is dearer and in\n" +
		"vain. Mended, amended.\n```text\nletter\n```\n"
	var got []string
	for _, r := range prose.ReplacedWords(page) {
		got = append(got, r.Found)
	}
	if want := []string{"Mended", "letter", "Echoes", "in vain", "dearer"}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestLongLines(t *testing.T) {
	page := strings.Repeat("é", 140) + "\n" + strings.Repeat("x", 141) + "\nshort\n" + strings.Repeat("x", 141)
	if got := prose.LongLines(page); fmt.Sprint(got) != "[2 4]" {
		t.Errorf("got %v, want [2 4]", got)
	}
}
