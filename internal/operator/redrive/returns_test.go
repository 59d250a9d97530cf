package redrive

import "testing"

// TestLettersDoneAreNoEnd has a dead letter come back in the moment in which it is
// done. Taken for one that is left over, it ended the run before the dead letters that
// had not been received yet.
func TestLettersDoneAreNoEnd(t *testing.T) {
	type look struct {
		fresh, again, held, done int
		want                     bool
	}
	for name, looks := range map[string][]look{
		"done as it came back":   {{2, 0, 2, 0, false}, {0, 1, 0, 2, false}, {1, 0, 1, 2, false}},
		"done a look later":      {{2, 0, 2, 0, false}, {0, 1, 1, 1, false}, {0, 0, 0, 2, false}},
		"left over":              {{2, 0, 2, 0, false}, {0, 2, 2, 0, false}, {0, 1, 2, 0, true}},
		"left over, new between": {{2, 0, 2, 0, false}, {0, 2, 2, 0, false}, {1, 1, 3, 0, false}, {0, 3, 3, 0, false}, {0, 1, 3, 0, true}},
		"never deleted in truth": {{1, 0, 1, 0, false}, {0, 1, 1, 1, false}, {0, 1, 1, 1, false}, {0, 1, 1, 1, true}},
	} {
		var r returns
		for i, l := range looks {
			if got := r.nothingNew(l.fresh, l.again, l.held, l.done); got != l.want {
				t.Errorf("%s, look %d: nothing new %t, want %t", name, i, got, l.want)
			}
		}
	}
}
