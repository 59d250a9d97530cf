package deadletter_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/printable"
)

// TestLongKeyKeepsTheCause has a reason whose cause stands behind two keys of
// the greatest length.
func TestLongKeyKeepsTheCause(t *testing.T) {
	key := strings.Repeat("k", 1024)
	reason := "copy s3://a/" + key + " to s3://b/" + key + ": AccessDenied"
	if got := deadletter.Line(reason); got != reason {
		t.Errorf("got %d characters, want all %d", len(got), len(reason))
	}
	got := printable.Short(reason)
	n := utf8.RuneCountInString(got)
	if n > 300 || !strings.HasSuffix(got, "…") || !strings.HasPrefix(reason, strings.TrimSuffix(got, "…")) {
		t.Errorf("got %d characters: %q", n, got)
	}
}
