// Package prose measures how Markdown pages read: their words, long lines, long
// sentences, and words that this project replaced by plainer ones. It takes and
// returns values. Tests only.
package prose

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// What a page is held to.
const (
	MaxColumns       = 140 // of a line
	MaxSentenceWords = 35
)

// Words counts what white space separates, as wc -w does.
func Words(page string) int { return len(strings.Fields(page)) }

// LongLines are the numbers of the lines over MaxColumns characters.
func LongLines(page string) (lines []int) {
	n := 0
	for line := range strings.Lines(page) {
		if n++; utf8.RuneCountInString(strings.TrimRight(line, "\r\n")) > MaxColumns {
			lines = append(lines, n)
		}
	}
	return lines
}

var (
	codeBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```[^\n]*$")
	comment   = regexp.MustCompile(`(?s)<!--.*?-->`)
	codeSpan  = regexp.MustCompile("`[^`]*`")
	target    = regexp.MustCompile(`\]\([^)\s]*\)`)
)

// text is what a page says in words: a span of code is one word, blocks of code,
// comments and the targets of links are left out.
func text(page string) string {
	page = codeBlock.ReplaceAllString(page, "\n")
	page = comment.ReplaceAllString(page, "")
	page = codeSpan.ReplaceAllString(page, "CODE")
	return target.ReplaceAllString(page, "]")
}

// paragraphs are the parts of a page that a sentence does not go beyond: headings,
// paragraphs, items of lists, cells of tables.
func paragraphs(page string) (parts []string) {
	begins := regexp.MustCompile(`^\s*([-*] |\d+\. |#|\||>)`)
	var current []string
	flush := func() {
		if len(current) > 0 {
			parts, current = append(parts, strings.Join(current, " ")), nil
		}
	}
	for line := range strings.Lines(text(page)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			flush()
		case strings.HasPrefix(line, "|"):
			flush()
			parts = append(parts, strings.Split(strings.Trim(line, "|"), "|")...)
		case strings.HasPrefix(line, "#"):
			flush()
			parts = append(parts, line)
		default:
			if begins.MatchString(line) {
				flush()
			}
			current = append(current, line)
		}
	}
	flush()
	return parts
}

// sentenceEnd is a full stop, or what stands for one, before the next sentence.
var sentenceEnd = regexp.MustCompile(`[.!?]["')*_]*\s+`)

// LongSentences are those of more than MaxSentenceWords words.
func LongSentences(page string) (long []string) {
	for _, paragraph := range paragraphs(page) {
		for _, sentence := range sentenceEnd.Split(paragraph, -1) {
			if Words(sentence) > MaxSentenceWords {
				long = append(long, strings.TrimSpace(sentence))
			}
		}
	}
	return long
}

// replaced are the words that readers had to translate, with what is written
// instead of them.
var replaced = []struct{ pattern, instead string }{
	{`mend(s|ed|ing)?`, "fix"},
	{`(dead[ -])?letters?`, "dead letter, failed event"}, // dead letters are left out below
	{`echo(es)?`, "replica event"},
	{`in vain`, "unnecessary"},
	{`dear(er| side)?`, "more expensive, expensive"},
	{`about what it costs`, "estimated cost"},
	{`needs? a hand`, "all checks passed"},
	{`silently wrong`, "misconfigured without an alarm"},
	{`begins? so`, "with this prefix"},
	{`goes off`, "returns to OK"},
	{`in peace`, "in normal operation"},
	{`begins? every name`, "prefixes every name"},
	{`beside (other tools and )?the least`, "compares it with a minimal implementation"},
	{`nowhere: `, "no Region has this key"},
	{`(un)?told`, "say who reports what"},
	{`despair`, "give up"},
	{`refuses much`, "throttles"},
}

// A Replaced word is one that a page has, and what to write instead.
type Replaced struct{ Found, Instead string }

// ReplacedWords are those of a page.
func ReplacedWords(page string) (found []Replaced) {
	words := strings.Join(strings.Fields(text(page)), " ")
	for _, r := range replaced {
		for _, word := range regexp.MustCompile(`(?i)\b`+r.pattern+`(\b|$)`).FindAllString(words, -1) {
			if !strings.HasPrefix(strings.ToLower(word), "dead") {
				found = append(found, Replaced{word, r.instead})
			}
		}
	}
	return found
}
