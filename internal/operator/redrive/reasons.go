package redrive

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
)

// Reason is why letters are, or were, in the queues, how many, and what to do
// about those that are left; see Result.Next.
type Reason struct {
	Text  string
	Count int
	Next  string
}

// single are the parts of a reason that differ from letter to letter: the
// identity of requests and uploads, and of what was copied where.
var single = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`: (?:replicate|[a-z ]*cop[a-z ]*|[a-z ]* of) s3://.*? to s3://\S+ \([a-z0-9-]+\)`), ""},
	{regexp.MustCompile(`s3://\S+`), "s3://…"},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "…"},
	{regexp.MustCompile(`, request [^\s,)]+`), ""},
	{regexp.MustCompile(`\(request [^\s,)]+\)`), ""},
	{regexp.MustCompile(`\bupload \S+ stays`), "upload … stays"},
	{regexp.MustCompile(`\s+`), " "},
}

// Cause is what a reason has in common with others of its kind: its Essence
// without the object, the request and the upload that it names.
func Cause(reason string) string {
	text := Essence(reason)
	for _, s := range single {
		text = s.pattern.ReplaceAllString(text, s.instead)
	}
	return text
}

// Reasons groups results by the Cause that people have to act on, the most
// frequent first. A letter that failed again counts with its new reason; one
// that was skipped does not count.
func Reasons(results []Result) []Reason {
	reasons := map[string]Reason{}
	for _, r := range results {
		if text := r.why(); r.Outcome != Skipped && text != "" {
			text = Cause(text)
			known := reasons[text]
			reasons[text] = Reason{Text: text, Count: known.Count + 1, Next: cmp.Or(known.Next, r.Next())}
		}
	}
	return slices.SortedFunc(maps.Values(reasons), func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
}

// why is the newest that is known of why a letter is in the queue.
func (r Result) why() string { return cmp.Or(r.Detail, r.Letter.Reason) }
