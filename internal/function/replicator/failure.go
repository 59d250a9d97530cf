package replicator

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxListed and maxErrorBytes bound a ReplicationError's text, which goes
	// into the dead letter beside the payload; a message has 1 MiB at most.
	maxListed     = 10
	maxErrorBytes = 2048
)

// ReplicationError is what an invocation returns if anything in it failed. Its
// name is the errorType, and its text the errorMessage, that Lambda reports to
// callers and puts into the dead letter.
type ReplicationError struct {
	// Parts is the number of records, test events and unreadable messages that
	// the invocation consisted of.
	Parts int
	// Failures has an error for each part that failed, at least one.
	Failures []error
}

// Error is one line that names the first failures and says how many more there
// are. Its length is bounded.
func (e *ReplicationError) Error() string {
	var b strings.Builder
	separator := ""
	if e.Parts > 1 { // one record is the rule, and needs no count
		fmt.Fprintf(&b, "%d of %d failed", len(e.Failures), e.Parts)
		separator = ": "
	}
	for i, err := range e.Failures {
		if i == maxListed {
			fmt.Fprintf(&b, "; and %d more, see the function's log", len(e.Failures)-maxListed)
			break
		}
		b.WriteString(separator)
		b.WriteString(shorten(err.Error()))
		separator = "; "
	}
	return b.String()
}

// Unwrap returns all failures, listed in the text or not.
func (e *ReplicationError) Unwrap() []error { return e.Failures }

func shorten(s string) string {
	if len(s) <= maxErrorBytes {
		return s
	}
	end := maxErrorBytes
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
