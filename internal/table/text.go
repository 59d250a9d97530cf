package table

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// mark stands for what was cut off.
const mark = "…"

// Width is how many cells of a terminal a text takes.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case isWide(r):
		return 2
	default:
		return 1
	}
}

func isWide(r rune) bool {
	kind := width.LookupRune(r).Kind()
	return kind == width.EastAsianWide || kind == width.EastAsianFullwidth
}

// CutEnd keeps the beginning of s, with an ellipsis where it was cut.
func CutEnd(s string, cells int) string {
	if Width(s) <= cells {
		return s
	}
	n := Width(mark)
	for i, r := range s {
		if n += runeWidth(r); n > cells {
			return s[:i] + mark
		}
	}
	return s
}

// CutStart keeps the end of s, where a key says most, with an ellipsis where
// it was cut.
func CutStart(s string, cells int) string {
	if Width(s) <= cells {
		return s
	}
	n, start := Width(mark), len(s)
	for start > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:start])
		if n += runeWidth(r); n > cells {
			break
		}
		start -= size
	}
	return mark + s[start:]
}

// Wrap breaks a text into lines of at most so many cells, at spaces where
// there are any, inside a word where it is longer than a line. Lines after the
// first begin with indent, which does not count. A run of white space becomes
// one space.
func Wrap(s string, cells int, indent string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(s) {
		switch {
		case i == 0:
		case column+1+Width(word) > cells && column > 0:
			b.WriteString("\n" + indent)
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		for _, r := range word {
			w := runeWidth(r)
			if column+w > cells && column > 0 {
				b.WriteString("\n" + indent)
				column = 0
			}
			b.WriteRune(r)
			column += w
		}
	}
	return b.String()
}
