package ui_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

func TestBar(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		want        string
	}{
		{0, 10, strings.Repeat("░", 20) + "   0 %"},
		{1, 2, strings.Repeat("█", 10) + strings.Repeat("░", 10) + "  50 %"},
		{999, 1000, strings.Repeat("█", 19) + "░  99 %"},
		{10, 10, strings.Repeat("█", 20) + " 100 %"},
		{11, 10, strings.Repeat("█", 20) + " 100 %"},
		{0, 0, strings.Repeat("█", 20) + " 100 %"},
	} {
		if got := ui.Bar(c.done, c.total); got != c.want {
			t.Errorf("%d of %d: got %q, want %q", c.done, c.total, got, c.want)
		}
	}
}

// The time that is left never grows, however the rate changes, and is never more
// than the first estimate.
func TestTimeLeftNeverGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m ui.Meter
		total := rapid.Int64Range(1, 1e9).Draw(t, "total")
		var done int64
		var took, last time.Duration
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			done = min(total, done+rapid.Int64Range(0, total/10+1).Draw(t, "done"))
			took += time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "took"))
			left, ok := m.Left(done, total, took)
			if !ok {
				continue
			}
			if left < 0 || last != 0 && left > last {
				t.Fatalf("%v left after %v", left, last)
			}
			last = left
		}
	})
	var m ui.Meter
	if left, ok := m.Left(25, 100, 10*time.Second); !ok || left != 30*time.Second {
		t.Errorf("got %v %v, want 30s", left, ok)
	}
	if _, ok := m.Left(0, 100, 10*time.Second); ok {
		t.Error("an estimate from nothing")
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", 90 * time.Second: "1m30s", 2*time.Hour + 5*time.Minute: "2h05m",
		51 * time.Hour: "2d03h",
	} {
		if got := ui.Span(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}

// Each level has a sign of its own, one cell wide, so that it is seen without
// colours.
func TestLevelsHaveSigns(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range []ui.Level{ui.OK, ui.Note, ui.Warning, ui.Unknown, ui.Failed} {
		if s := l.Sign(); table.Width(s) != 1 || seen[s] {
			t.Errorf("level %d: sign %q", l, s)
		}
		seen[l.Sign()] = true
		if got := l.Paint("x"); l != ui.Note && (!strings.HasPrefix(got, "\x1b[") || !strings.HasSuffix(got, "x"+ui.Plain)) {
			t.Errorf("level %d: %q", l, got)
		}
	}
}
