package lambda

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"s3fanout/internal/sandbox/stats"
)

// Lambda stops a function that keeps invoking itself
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html): it
// counts a chain's invocations in the trace header that the runtime hands to
// the function and that the SDK sends along with what the function invokes.
// The counts' format is Lambda's own affair; here it is
// Lineage=<function>:<count>, for one function after the other. Chains through
// queues, topics and buckets are not followed.
const (
	traceHeader    = "X-Amzn-Trace-Id"
	lineageKey     = "Lineage="
	maxChain       = 16 // invocations of a function in one chain
	terminateLoops = "Terminate"
	allowLoops     = "Allow"
)

// lineage counts how often functions have run in a chain of invocations.
type lineage struct{ counts map[string]int }

// parseLineage reads a trace header, which the SDK percent-encodes. What is
// not a lineage counts nothing.
func parseLineage(header string) lineage {
	if plain, err := url.PathUnescape(header); err == nil {
		header = plain
	}
	l := lineage{counts: map[string]int{}}
	for field := range strings.SplitSeq(header, ";") {
		entry, ok := strings.CutPrefix(field, lineageKey)
		if !ok {
			continue
		}
		function, count, _ := strings.Cut(entry, ":")
		if n, err := strconv.Atoi(count); err == nil && n > 0 {
			l.counts[function] = n
		}
	}
	return l
}

// after is the lineage with one more invocation of the function.
func (l lineage) after(f *function) lineage {
	next := lineage{counts: map[string]int{f.lineageID(): 1}}
	for function, n := range l.counts {
		next.counts[function] += n
	}
	return next
}

// String is the trace header's part.
func (l lineage) String() string {
	var fields []string
	for function, n := range l.counts {
		fields = append(fields, fmt.Sprintf("%s%s:%d", lineageKey, function, n))
	}
	return strings.Join(fields, ";")
}

func (f *function) lineageID() string { return fmt.Sprintf("%x", sha256.Sum256([]byte(f.arn)))[:8] }

// stopsLoop says whether one more invocation is one too many, and counts it.
func (s *Service) stopsLoop(f *function, chain lineage) bool {
	if f.current().RecursiveLoop == allowLoops || chain.counts[f.lineageID()] < maxChain {
		return false
	}
	s.cfg.Counters.Update(f.region, func(r *stats.Region) { r.Lambda.Recursions++ })
	s.count(f, "RecursiveInvocationsDropped", 1)
	return true
}

func errRecursion() *Error {
	return &Error{
		Status: http.StatusBadRequest, Code: "RecursiveInvocationException",
		Message: "Recursive invocation detected: the function was stopped after too many invocations in one chain.",
	}
}
