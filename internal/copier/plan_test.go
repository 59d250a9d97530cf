package copier

import (
	"testing"

	"pgregory.net/rapid"
)

// answersTo are the answers that interpret can give to a move.
func answersTo(m move) []answer {
	switch m {
	case headTarget:
		return []answer{done, absent, failed}
	case copyIfAbsent:
		return []answer{done, exists, gone, conflict, unsupported, tooLarge, failed}
	default:
		return []answer{done, gone, conflict, tooLarge, failed}
	}
}

// TestPlanKeepsItsPromises draws everything that S3 could answer.
func TestPlanKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req := Request{Source: source(), ProbableEcho: rapid.Bool().Draw(t, "echo")}
		var state progress
		next := begin(req)
		if (next.move == headTarget) != req.ProbableEcho {
			t.Fatalf("began with move %d", next.move)
		}
		// What is known at any time, told independently of progress.
		var last answer
		unconditional, knownAbsent, waits, moves := false, false, 0, 0
		for next.move != stop && next.move != split {
			if moves++; moves > 2*maxAttempts+2 {
				t.Fatalf("no end after %d moves", moves)
			}
			if next.move == copyAnyway && (!unconditional || !knownAbsent) {
				t.Fatal("copied without a condition that the server knows, or without looking")
			}
			if next.move == copyIfAbsent && unconditional {
				t.Fatal("put a condition again that the server does not know")
			}
			if (next.backoff > 0) != (moves > 1 && last == conflict) {
				t.Fatalf("backoff %d after answer %d", next.backoff, last)
			}
			if next.backoff > 0 {
				if waits++; next.backoff != waits {
					t.Fatalf("wait %d is called %d", waits, next.backoff)
				}
			}
			did := next.move
			last = rapid.SampledFrom(answersTo(did)).Draw(t, "answer")
			switch last {
			case unsupported:
				unconditional = true
			case absent:
				knownAbsent = true
			case conflict:
				knownAbsent = false
			}
			state, next = state.after(did, last)
			if (next.move == split) != (last == tooLarge) {
				t.Fatalf("move %d after answer %d", next.move, last)
			}
			if next.move != stop {
				continue
			}
			want := map[answer]Outcome{done: Copied, exists: Exists, gone: SourceGone}[last]
			if did == headTarget && last == done {
				want = Exists
			}
			if next.outcome != want {
				t.Fatalf("outcome %q after answer %d to move %d, want %q", next.outcome, last, did, want)
			}
		}
	})
}
