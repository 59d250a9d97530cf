package redrive

import (
	"testing"

	"pgregory.net/rapid"
)

func TestMissed(t *testing.T) {
	tests := []struct {
		name          string
		before, after level
		read, holding int
		doubt         bool
		want          int
	}{
		{"empty", level{}, level{}, 0, 0, true, 0},
		{"all replayed", level{5, 0}, level{}, 5, 0, false, 0},
		{"all stay", level{5, 0}, level{0, 5}, 5, 5, false, 0},
		{"nothing read, all held", level{5, 0}, level{0, 5}, 0, 0, true, 5},
		{"nothing announced, yet held", level{}, level{0, 2}, 0, 0, true, 2},
		{"some lost", level{25, 0}, level{0, 10}, 15, 0, true, 10},
		{"the others by another run", level{40, 0}, level{}, 20, 0, true, 0},
		{"deleted ones still counted", level{40, 0}, level{0, 30}, 39, 0, true, 1},
		{"fewer than our own", level{9, 0}, level{0, 2}, 5, 5, true, 0},
	}
	for _, tt := range tests {
		if got := doubtful(tt.before, tt.read); got != tt.doubt {
			t.Errorf("%s: doubtful: got %v, want %v", tt.name, got, tt.doubt)
		}
		if got := missed(tt.before, tt.after, tt.read, tt.holding); got != tt.want {
			t.Errorf("%s: missed: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestMissedNeverInvents shows that no dead letter is missed where all are ours.
func TestMissedNeverInvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(0, 100)
		before := level{count.Draw(t, "visible"), count.Draw(t, "held")}
		own := count.Draw(t, "own")
		if got := missed(before, level{held: own}, own, own); got != 0 {
			t.Errorf("got %d, want none", got)
		}
	})
}
