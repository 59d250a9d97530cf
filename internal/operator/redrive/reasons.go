package redrive

import (
	"cmp"
	"maps"
	"slices"

	"s3fanout/internal/operator/deadletter"
)

// Reason is why dead letters are, or were, in the queues, how many, and what to do
// about those that are left; see Result.Next.
type Reason struct {
	Text  string
	Count int
	Next  string
}

// Reasons groups results by the deadletter.Cause that people have to act on, the
// most frequent first. A dead letter that failed again counts with its new reason;
// one that was skipped does not count.
func Reasons(results []Result) []Reason {
	reasons := map[string]Reason{}
	for _, r := range results {
		if text := r.why(); r.Outcome != Skipped && text != "" {
			text = deadletter.Cause(text)
			known := reasons[text]
			reasons[text] = Reason{Text: text, Count: known.Count + 1, Next: cmp.Or(known.Next, r.Next())}
		}
	}
	return slices.SortedFunc(maps.Values(reasons), func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
}

// why is the newest that is known of why a dead letter is in the queue.
func (r Result) why() string { return cmp.Or(r.Detail, r.Letter.Reason) }
