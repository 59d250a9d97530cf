package copier

import (
	"testing"

	"pgregory.net/rapid"

	"s3fanout/internal/policy"
)

// answersTo are the answers that interpret can give to a move.
func answersTo(m move) []answer {
	switch m {
	case headTarget:
		return []answer{same, differs, absent, hidden, failed}
	case copyOnCondition:
		return []answer{done, exists, gone, conflict, unsupported, tooLarge, failed}
	default:
		return []answer{done, gone, conflict, tooLarge, failed}
	}
}

// TestPlanKeepsItsPromises draws everything that S3 could answer.
func TestPlanKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req := Request{Source: source(), ProbableEcho: rapid.Bool().Draw(t, "echo")}
		if rapid.Bool().Draw(t, "of a copy") {
			req.Event.Name = "ObjectCreated:Copy"
		}
		var state progress
		next := begin(policy.Decide(req.known()))
		if (next.move == headTarget) != (req.ProbableEcho || req.Event.Name != "") {
			t.Fatalf("began with move %d", next.move)
		}
		// What is known at any time, told independently of progress.
		var last answer
		unconditional, knownAbsent, vanished, waits, moves := false, false, false, 0, 0
		for next.move != stop && next.move != split {
			if moves++; moves > 2*maxAttempts+3 {
				t.Fatalf("no end after %d moves", moves)
			}
			if next.move == copyAnyway && (!unconditional || !knownAbsent) {
				t.Fatal("copied without a condition that the server knows, or without looking")
			}
			if next.move == copyOnCondition && unconditional {
				t.Fatal("put a condition again that the server does not know")
			}
			if (next.backoff > 0) != (moves > 1 && last == conflict || vanished) {
				t.Fatalf("backoff %d after answer %d", next.backoff, last)
			}
			if next.backoff > 0 {
				if waits++; next.backoff != waits {
					t.Fatalf("wait %d is called %d", waits, next.backoff)
				}
			}
			did, before := next.move, last
			last = rapid.SampledFrom(answersTo(did)).Draw(t, "answer")
			vanished = last == absent && moves > 1 && before == exists
			switch last {
			case unsupported:
				unconditional = true
			case absent:
				knownAbsent = !vanished
			case conflict:
				knownAbsent = false
			}
			state, next = state.after(last)
			if (next.move == split) != (last == tooLarge) {
				t.Fatalf("move %d after answer %d", next.move, last)
			}
			if last == exists && next.move != headTarget {
				t.Fatalf("move %d after a refusal, want a look", next.move)
			}
			if next.move != stop {
				continue
			}
			want := map[answer]Outcome{done: Copied, same: Exists, differs: Diverged, gone: SourceGone, hidden: LeftDeleted}[last]
			if next.outcome != want {
				t.Fatalf("outcome %q after answer %d to move %d, want %q", next.outcome, last, did, want)
			}
		}
	})
}
