package deadletter

import (
	"strings"
	"unicode"
)

// MaxReason is the most characters that a text for display has.
const MaxReason = 300

// noReason stands for a reason that the letter does not give.
const noReason = "no reason given"

// Line makes text from outside fit for one line of a terminal or a log: it
// puts a space for every run of white space, drops control and other
// non-printing characters, and cuts the rest
// to at most MaxReason characters, with an ellipsis where it cuts.
func Line(s string) string {
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
		if n > MaxReason-3 {
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
	line := []rune(Line(string(raw)))
	if len(line) == 0 {
		return "(none)"
	}
	if len(line) > longest {
		return string(line[:longest]) + "…"
	}
	return string(line)
}
