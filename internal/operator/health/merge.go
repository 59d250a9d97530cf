package health

import (
	"fmt"
	"slices"
	"strings"
)

// checkCaller is the check of a finding that Merge makes.
const checkCaller = "caller-permissions"

// Merge makes one finding of all those that are there because the caller lacks
// permissions: they have one cause and one fix. It stands in the place of the first
// of them; its Region lists theirs, and it is of no part. One of them alone stays as
// it is.
func Merge(findings []Finding, caller string) []Finding {
	var merged []Finding
	var regions, checks, actions []string
	first := -1
	once := func(list []string, s string) []string {
		if slices.Contains(list, s) {
			return list
		}
		return append(list, s)
	}
	n := 0
	for _, f := range findings {
		if f.Denied == "" {
			merged = append(merged, f)
			continue
		}
		if n++; n == 1 {
			first = len(merged)
			merged = append(merged, f)
		}
		regions, checks, actions = once(regions, f.Region), once(checks, f.Check), once(actions, f.Denied)
	}
	if n < 2 {
		return merged
	}
	slices.Sort(actions)
	fix := fmt.Sprintf("allow %s to %s, as the policies in docs/policies do; then s3fanout doctor", strings.Join(actions, ", "), caller)
	if slices.Contains(actions, headBucket) {
		fix += strangersBucket
	}
	merged[first] = Finding{
		Check: checkCaller, Region: strings.Join(regions, ", "), Severity: Unknown,
		What:  fmt.Sprintf("%s lacks permissions for %d checks: %s", caller, n, strings.Join(checks, ", ")),
		Means: unknownMeans, Fix: fix,
	}
	return merged
}
