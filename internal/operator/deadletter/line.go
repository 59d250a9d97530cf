package deadletter

import "s3fanout/internal/table"

// MaxReason is the most characters that a text of a letter has: enough for
// what a function says of every record of a message, bounded because anybody
// who may write to the queue decides what is in it.
const MaxReason = 8192

// noReason stands for a reason that the letter does not give.
const noReason = "no reason given"

// Line makes text from outside harmless on one line: it puts a space for every
// run of white space, drops control and other non-printing characters, and
// cuts the rest to at most MaxReason characters, with an ellipsis where it
// cuts.
func Line(s string) string { return table.Line(s, MaxReason) }

// excerpt quotes a short piece of the message in an error.
func excerpt(raw []byte) string {
	const longest = 100
	text := []rune(table.Short(string(raw)))
	if len(text) == 0 {
		return "(none)"
	}
	if len(text) > longest {
		return string(text[:longest]) + "…"
	}
	return string(text)
}
