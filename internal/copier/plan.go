package copier

import (
	"time"

	"s3fanout/internal/policy"
)

// This file decides and does nothing: what to do first, and what to do next
// given what S3 answered. Which of two objects is right, and on what condition a
// copy is made, is package policy's decision.

// move is one thing to do.
type move int

const (
	headTarget      move = iota // ask whether the target has the key, and the source's contents under it
	copyOnCondition             // copy on the policy's condition
	copyAnyway                  // copy without a condition, where the server knows none
	split                       // copy in parts instead; the moves below are its own
	stop                        // nothing: the end is known

	headSource          // ask for the source's properties
	readTags            // ask for the source's tags
	createUpload        // begin a multipart upload
	listParts           // ask which parts are done
	copyPart            // copy one part
	completeOnCondition // make the object of the parts, on the same condition
	completeAnyway      // make it without the condition
)

// answer is what S3 said to a move.
type answer int

const (
	done        answer = iota // copied, or what was asked for is there
	absent                    // the HEAD found no such key
	hidden                    // the HEAD found a delete marker, over which nothing is to be copied
	exists                    // the condition failed: the target has the key
	same                      // the target has the source's contents, as far as S3's figures tell
	differs                   // the target has other contents
	gone                      // the source does not exist
	conflict                  // another write of the key is under way
	unsupported               // the server does not implement the condition
	tooLarge                  // one request cannot copy so much
	lost                      // the upload does not exist: it was completed or aborted
	changed                   // the source is not what the upload was made for
	spoiled                   // these parts cannot become a right replica
	failed                    // anything else
)

// maxAttempts bounds how often a copy is tried that meets another write of its
// key. With the delays of backoff that is eleven seconds at most.
const maxAttempts = 8

// step is the decision: what to do next.
type step struct {
	move move
	// backoff, if positive, says to wait first, for the n-th time.
	backoff int
	// outcome goes with stop; empty means that the copy failed.
	outcome Outcome
}

// progress is what later decisions depend on. It begins as its zero value.
type progress struct {
	conflicts     int
	unconditional bool // the server does not implement the condition
	looked        bool // a HEAD found the key absent since the last conflict
	refused       bool // the last copy was refused because the key is there
}

// begin decides the first step, by what the policy says before anybody looked.
func begin(d policy.Decision) step {
	if d.Action == policy.LookAtTarget {
		return step{move: headTarget}
	}
	return step{move: copyOnCondition}
}

// known is what a request says for the policy.
func (r Request) known() policy.Known {
	return policy.Known{
		Source: policy.State{
			Presence: policy.Present, VersionID: r.Source.VersionID,
			Figures: policy.Figures{Size: r.Source.Size, ETag: r.Source.ETag},
		},
		Reported: true, Event: r.Event, Probable: r.ProbableEcho, KeepDeleted: r.KeepDeleted,
	}
}

// answerTo is what the policy's decision after a look means to the plan.
func answerTo(d policy.Decision) answer {
	switch d.Action {
	case policy.Copy:
		return absent
	case policy.Exists:
		return same
	case policy.Diverged:
		return differs
	case policy.LeaveDeleted:
		return hidden
	case policy.SourceGone:
		return gone
	}
	return failed
}

// after decides the step that follows an answer.
func (p progress) after(got answer) (progress, step) {
	switch {
	case got == gone:
		return p, step{move: stop, outcome: SourceGone}
	case got == exists:
		p.refused = true
		return p, step{move: headTarget}
	case got == same:
		return p, step{move: stop, outcome: Exists}
	case got == differs:
		return p, step{move: stop, outcome: Diverged}
	case got == hidden:
		return p, step{move: stop, outcome: LeftDeleted}
	case got == done:
		return p, step{move: stop, outcome: Copied}
	case got == absent && p.refused:
		// Deleted since, which is a conflict as well.
		p.refused = false
		return p.again()
	case got == absent:
		p.looked = true
		return p, step{move: p.copy()}
	case got == tooLarge:
		return p, step{move: split}
	case got == unsupported:
		p.unconditional = true
		return p, step{move: p.copy()}
	case got == conflict:
		return p.again()
	default:
		return p, step{move: stop}
	}
}

// again is the step after another write of the key was met.
func (p progress) again() (progress, step) {
	if p.conflicts == maxAttempts-1 {
		return p, step{move: stop}
	}
	p.conflicts++
	p.looked = false
	return p, step{move: p.copy(), backoff: p.conflicts}
}

// copy is the move that copies. Without a condition, a look has to go before.
func (p progress) copy() move {
	switch {
	case !p.unconditional:
		return copyOnCondition
	case p.looked:
		return copyAnyway
	default:
		return headTarget
	}
}

const (
	backoffBase = 100 * time.Millisecond
	backoffMost = 5 * time.Second
)

// backoff is how long to wait for the n-th time, from 1 on: doubling up to a
// limit, and between half of that and all of it as random goes from 0 to 1, so
// that two writers do not meet again.
func backoff(n int, random float64) time.Duration {
	d := backoffMost
	if shift := n - 1; shift < 16 {
		d = min(d, backoffBase<<shift)
	}
	return d/2 + time.Duration(random*float64(d/2))
}
