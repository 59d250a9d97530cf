// Package reconcile is what the function does that compares its own Region's bucket
// with the others of the set on a schedule, and repairs it: the events that the other
// function never got.
//
// It lists all buckets in step and has package policy decide about every key that
// they do not have alike, as a backfill does. Into its own bucket alone it copies
// what is missing there or lesser, and where deletions are followed it hides what was
// deleted elsewhere. It leaves a deletion as it is, gives nobody a write that its
// origin has destroyed, and hides nothing by a deletion that a lifecycle rule may have
// made: such keys it names in the log. Keys that changed within Grace are not judged:
// their events may be on the way.
//
// An invocation ends before its time is up, with a checkpoint from which the next
// tick of the schedule goes on; the function never invokes itself. Checkpoints are
// compared and set, so that of two invocations at once one ends and nothing is done
// wrong by either; one that dies is resumed by a later tick. Doing anything again is
// harmless, since whatever is written is written on the policy's condition. A copy in
// parts that nobody will go on with is given up, as far as the function comes by it: the
// bucket's lifecycle rule does the rest.
//
// Everything that it does to the world goes through Handler's fields. What is held in
// memory does not depend on the number of keys.
package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/lifecycle"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/function/functionenv"
)

const (
	// Grace is how long after a change a key is left alone: the function's retries
	// come after one and two minutes.
	Grace = 5 * time.Minute
	// Parallel is how many keys are looked at at once.
	Parallel = 32
	// Copies is how many keys are copied at once.
	Copies = 8
	// DefaultRate is how many copies begin in a second at most. S3 takes 3,500 for a
	// prefix, and most of them are the replicator's.
	DefaultRate = 50
)

// S3 is what is asked of a bucket.
type S3 interface {
	listing.S3
	listing.VersionsS3
	uploads.S3
	lifecycle.S3
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// Copier makes one object exist in the function's own bucket, as *copier.Copier does.
type Copier interface {
	Copy(context.Context, copier.Request) (copier.Result, error)
	// Abandon gives an unfinished copy in parts up. One that does not exist is no error.
	Abandon(context.Context, copier.Upload) error
}

// Follower makes the function's own bucket say of a key at least what another one
// does, as *follow.Follower does.
type Follower interface {
	Follow(context.Context, follow.Request) (copier.Result, error)
}

// Handler handles invocations. Its fields have to be safe for concurrent use; then it
// is, too.
type Handler struct {
	Config functionenv.Reconcile
	// Read speaks to the bucket of a Region, for reading.
	Read func(region string) S3
	// Copier and Follower write to the function's own bucket. They may be nil where
	// Config.Copy is false, and Follower where nothing is followed.
	Copier      Copier
	Follower    Follower
	Checkpoints Checkpoints
	Log         *slog.Logger
	Now         func() time.Time
	Sleep       func(context.Context, time.Duration) error
	// Parallel and PageSize are zero for the defaults. No more keys are copied at once
	// than are looked at.
	Parallel int
	PageSize int32
	// Grace is zero for the default, and less for none.
	Grace time.Duration
}

// Invoke handles an invocation: a tick of the schedule, or what a state machine asks
// for that has ranges of keys compared side by side. See Event. The answer is an
// Answer as JSON.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	log, holder := h.Log, ""
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		holder = lc.AwsRequestID
		log = log.With("requestId", holder)
	}
	e, err := parse(payload)
	if err != nil {
		log.Error("event not understood", "error", err.Error())
		return nil, err
	}
	var a Answer
	switch {
	case e.Tick:
		a, err = h.tick(ctx, log, holder)
	case e.Plan != nil:
		a, err = h.plan(ctx, e.Plan.Ranges)
	case e.Range != nil:
		a, err = h.compareRange(ctx, log, *e.Range, e.Began)
	default:
		a, err = h.prove(ctx, log, *e.Prove)
	}
	if err != nil {
		log.Error("reconcile", "error", err.Error())
		return nil, err
	}
	return json.Marshal(a)
}

// Event is what the function is invoked with: exactly one of Tick, Plan, Range and
// Prove.
type Event struct {
	// Tick is the schedule's.
	Tick bool `json:"tick,omitempty"`
	// Plan asks for so many ranges of keys, with about as much in each, and for when
	// their comparison begins, which is now.
	Plan *Plan `json:"plan,omitempty"`
	// Range has those keys compared. The answer is Done, or else says in Range where
	// another invocation has to go on. Began is Answer.Began of the plan.
	Range *Range    `json:"range,omitempty"`
	Began time.Time `json:"began,omitzero"`
	// Prove says that the ranges of a plan are compared, or as far as they could be.
	Prove *Prove `json:"prove,omitempty"`
}

// Plan is a part of an Event.
type Plan struct {
	Ranges int `json:"ranges"`
}

// Range are the keys after one, up to and including another. Empty is no bound.
type Range struct {
	After   string `json:"after"`
	Through string `json:"through"`
	// Unfinished are copies in parts of some of the keys, to go on with.
	Unfinished []copier.Upload `json:"unfinished,omitempty"`
	// Unrepaired is how many keys of the whole range were not repaired before After.
	Unrepaired int64 `json:"unrepaired,omitempty"`
}

// Prove is a part of an Event.
type Prove struct {
	Began time.Time `json:"began"`
	// Ranges are the last answers of all ranges. Nothing is proved if one is not Done.
	Ranges []Answer `json:"ranges,omitempty"`
}

// Answer is what an invocation ends with.
type Answer struct {
	Status Status `json:"status"`
	// Done says that nothing is left of what was asked for: that nothing was due, that
	// the comparison is complete, or the range is.
	Done bool `json:"done"`
	// Range is what is left if it is not: of a range, or of all keys after a tick.
	Range *Range `json:"range,omitempty"`
	// Wait says that the range was left because keys failed one after another, and that
	// it is better gone on with after a while.
	Wait   bool      `json:"wait,omitempty"`
	Began  time.Time `json:"began,omitzero"` // the comparison
	Ranges []Range   `json:"ranges,omitempty"`
	// RangeUnrepaired is Unrepaired of all invocations of the range, not of this one.
	RangeUnrepaired int64 `json:"rangeUnrepaired,omitempty"`
	Counts
}

// Status says in a word what an invocation came to.
type Status string

// The kinds of Status.
const (
	Idle       Status = "idle"     // nothing is due
	Busy       Status = "busy"     // another invocation is at work
	Observed   Status = "observed" // a state machine compares; a tick says how old its proof is
	Paused     Status = "paused"   // the time is up, and another invocation has to go on
	Complete   Status = "complete" // all was compared
	Planned    Status = "planned"
	Proved     Status = "proved"
	Incomplete Status = "incomplete" // ranges failed, and nothing is proved
)

const mostRanges = 1000

func parse(payload []byte) (Event, error) {
	var e Event
	err := strict(payload, &e)
	tasks := 0
	for _, is := range []bool{e.Tick, e.Plan != nil, e.Range != nil, e.Prove != nil} {
		if is {
			tasks++
		}
	}
	switch {
	case err != nil:
		return e, fmt.Errorf(`the event is not understood: %w; the schedule sends {"tick": true}`, err)
	case tasks != 1:
		return e, fmt.Errorf(`the event asks for %d things; give one of {"tick": true}, {"plan": …}, {"range": …} and {"prove": …}`, tasks)
	case e.Plan != nil && (e.Plan.Ranges < 1 || e.Plan.Ranges > mostRanges):
		return e, fmt.Errorf("the event asks for %d ranges; ask for 1 to %d", e.Plan.Ranges, mostRanges)
	case e.Range != nil && e.Range.Through != "" && e.Range.Through <= e.Range.After:
		return e, fmt.Errorf("the event's range ends before it begins: after %q, through %q", e.Range.After, e.Range.Through)
	case e.Prove != nil && e.Prove.Began.IsZero():
		return e, fmt.Errorf("the event does not say when the comparison began")
	}
	return e, nil
}
