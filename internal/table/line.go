package table

import (
	"strings"
	"unicode"
)

// maxShort is the most characters that a text has where others stand beside
// it.
const maxShort = 300

// Short is Line for a table's cell or an error: at most 300 characters.
func Short(s string) string { return Line(s, maxShort) }

// Line makes text from outside harmless on one line: it puts a space for every
// run of white space, drops control and other non-printing characters, and
// cuts the rest to at most so many characters, with an ellipsis where it cuts.
func Line(s string, most int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			continue
		}
		// Room for a space, this character and the mark of the cut.
		if n > most-3 {
			b.WriteRune('…')
			break
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
