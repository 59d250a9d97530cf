package e2e

import (
	"maps"
	"strings"
	"testing"
)

// A write that the first one refuses is said, and told from one that is the
// same: before, both were Exists, and status had nothing to say of the
// difference. It costs a HEAD, and a second one only where size and ETag do not
// tell.
func TestRefusedWriteIsDivergedOrTheSame(t *testing.T) {
	t.Parallel()
	home, away := "us-east-1", "eu-west-1"
	for name, c := range map[string]struct {
		first, second string
		outcome       string
		heads         int64 // each of the other Regions'
	}{
		"another size":               {"first", "the second", "Diverged", 1},
		"other bytes, the same size": {"first", "other", "Diverged", 2},
		"the same bytes":             {"first", "first", "Exists", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, threeRegions(t))
			w.upload(home, object{key: "key", body: c.first})
			w.settle()
			before := w.cost()
			w.upload(home, object{key: "key", body: c.second})
			w.settle()
			want := maps.Clone(before.requests)
			want["CopyObject"] += 2
			want["HeadObject"] += 2 * c.heads
			if got := w.cost().requests; !maps.Equal(got, want) {
				t.Errorf("requests went from %v to %v, want %v", before.requests, got, want)
			}
			lines := w.logLines(away, "key")
			if !strings.Contains(lines, `"outcome":"`+c.outcome+`"`) || !strings.Contains(lines, `"`+c.outcome+`":1`) {
				t.Errorf("the log says %s, want the outcome and the metric %s", lines, c.outcome)
			}
			w.wantIn(away, object{key: "key", body: c.first})
		})
	}
}
