package deadletter

import (
	"strings"
	"unicode"
)

// MaxReason is the most characters that a text of a letter has: enough for
// what a function says of every record of a message, bounded because anybody
// who may write to the queue decides what is in it.
const MaxReason = 8192

// maxShort is the most characters that a text has where others stand beside
// it.
const maxShort = 300

// noReason stands for a reason that the letter does not give.
const noReason = "no reason given"

// Line makes text from outside harmless on one line: it puts a space for every
// run of white space, drops control and other non-printing characters, and
// cuts the rest to at most MaxReason characters, with an ellipsis where it
// cuts.
func Line(s string) string { return line(s, MaxReason) }

// Short is Line for a table's cell or an error: at most 300 characters.
func Short(s string) string { return line(s, maxShort) }

func line(s string, most int) string {
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

// excerpt quotes a short piece of the message in an error.
func excerpt(raw []byte) string {
	const longest = 100
	text := []rune(Short(string(raw)))
	if len(text) == 0 {
		return "(none)"
	}
	if len(text) > longest {
		return string(text[:longest]) + "…"
	}
	return string(text)
}
