package deadletter

import (
	"cmp"

	"s3fanout/internal/printable"
)

// MaxReason is the most characters that a text of a dead letter has: enough for
// what a function says of every record of a message, bounded because anybody who
// may write to the queue decides what is in it.
const MaxReason = 8192

// noReason stands for a reason that the dead letter does not give.
const noReason = "no reason given"

// Line makes text from outside harmless on one line: it puts a space for every
// run of white space, drops control and other non-printing characters, and
// cuts the rest to at most MaxReason characters, with an ellipsis where it
// cuts.
func Line(s string) string { return printable.Line(s, MaxReason) }

// excerpt quotes a short piece of the message in an error.
func excerpt(raw []byte) string {
	const longest = 100
	return cmp.Or(printable.Line(string(raw), longest), "(none)")
}
