// Package follow carries a change of a key from one bucket to another, in follow
// mode: it looks at both, has package policy decide, and has what that says done.
//
// It guarantees that an event is no more than a reason to look: handling it again,
// late or in another order raises the target towards the source and never lowers it.
// Nothing is destroyed: what is replaced or hidden stays as a noncurrent version,
// and a bucket that does not keep versions is refused. Every call ends as an outcome
// or as a *copier.Error.
//
// It waits up to MaxWait for the target's clock, by the Date of its answers; the
// process's own clock measures spans only.
package follow

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow/internal/knob"
	"s3fanout/internal/policy"
)

// MaxWait is how far the target's clock may be behind a write's.
const MaxWait = 5 * time.Second

const (
	// waitStep is about how long it is between two looks at the target's clock, whose
	// answers show whole seconds.
	waitStep = 500 * time.Millisecond
	// maxWaited is more than it takes until a clock that is MaxWait behind is in a
	// later second.
	maxWaited = MaxWait + waitStep/2
	// maxRounds bounds how often one call begins anew because something changed, or
	// a write failed, between look and write.
	maxRounds = 12
	// maxFailures bounds how often a write is tried whose failure may pass.
	maxFailures = 3
	// slowCopy is how long a copy over nothing may take, from the look at the source
	// on, without that being looked at again. A deletion that was reported and handled
	// meanwhile found nothing to delete. Reports take longer than this.
	slowCopy = 500 * time.Millisecond
)

// S3 is what the Follower needs of *s3.Client, beside what the Copier needs. Its
// answers have to say their Date: in ResultMetadata, as
// awsmiddleware.GetServerTime reads it, or in the header of the response that an
// error came with. A list of versions has to say its order; see package versions.
type S3 interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	GetObjectTagging(context.Context, *s3.GetObjectTaggingInput, ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error)
	PutObjectTagging(context.Context, *s3.PutObjectTaggingInput, ...func(*s3.Options)) (*s3.PutObjectTaggingOutput, error)
	GetBucketVersioning(context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error)
}

// Copier is what the Follower needs of *copier.Copier.
type Copier interface {
	Copy(context.Context, copier.Request) (copier.Result, error)
	Abandon(context.Context, copier.Upload) error
}

// Follower follows changes to one target. It is safe for concurrent use.
type Follower struct {
	client S3
	copier Copier
	target copier.Target
	origin func(region string) (bucket string, member bool)
	since  time.Time
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	random func() float64

	mu        sync.Mutex
	versioned time.Time // when the target was last found to keep versions
}

// Option changes a Follower at its making.
type Option func(*Follower)

// WithOrigins says in which bucket of another Region writes are made, so that their
// order, and whether they still exist, can be asked for there. Regions that are no
// members any more have none. Without it no Region has.
func WithOrigins(bucket func(region string) (string, bool)) Option {
	return func(f *Follower) { f.origin = bucket }
}

// WithSince says when follow mode was switched on. Objects from before it without
// an entry may be replicas: those with the same contents are one write.
func WithSince(at time.Time) Option { return func(f *Follower) { f.since = at } }

// WithKnob is for the simulation: nobody outside of internal/follow can make what it
// takes. See package followtest.
func WithKnob(random knob.Random) Option { return func(f *Follower) { f.random = random } }

// New returns a Follower to the target that the Copier copies to. Requests are sent
// to the Regions of the buckets, whatever Region the client was made for.
func New(client S3, c Copier, target copier.Target, options ...Option) *Follower {
	f := &Follower{
		client: client, copier: c, target: target, now: time.Now, sleep: smithytime.SleepWithContext, random: rand.Float64,
		origin: func(string) (string, bool) { return "", false },
	}
	for _, option := range options {
		option(f)
	}
	return f
}

// Request says where something changed, and what of it is followed.
type Request struct {
	// Source is the key in the bucket where it changed. Its version counts for
	// changes of tags alone, and what else it says not at all: the source is looked
	// at.
	Source copier.Object
	// Kind is what was reported, and At when it happened by the clock of the source,
	// zero if that is not known. It counts for deletions alone.
	Kind Kind
	At   time.Time
	// Deletions and Tags say that these travel; overwrites do.
	Deletions, Tags bool
	// Replicas has also what s3fanout copied to the source be copied on, as for a
	// Region that joins.
	Replicas bool
	// Contents is what else is known of the contents of writes; see policy.Orders.
	Contents map[policy.Write][]policy.Figures
	// Resume names an unfinished copy of the source to go on with, if it is still
	// what is to be done; else that upload is given up.
	Resume *copier.Upload
}

// Kind is what kind of change was reported.
type Kind int

// The kinds.
const (
	Written Kind = iota
	Deleted
	Retagged
)

// Follow makes the target say of the key at least what the source says. The outcome
// is one of the copier's; Exists and SourceGone mean that there was nothing to do,
// Unfinished that the copy in Result.Upload is to be resumed by another call. The
// error is a *copier.Error; Result.Requests and Waited are set beside it.
func (f *Follower) Follow(ctx context.Context, r Request) (copier.Result, error) {
	t := &task{Follower: f, req: r, kind: r.Kind, resume: r.Resume}
	err := t.run(ctx)
	if err == nil && t.resume != nil {
		if err = t.abandon(ctx); err == nil {
			// Who began it may have sent its completion, and that have arrived meanwhile.
			err = t.run(ctx)
		}
	}
	if err != nil {
		t.result.Outcome, t.result.Bytes = "", 0
	}
	return t.result, err
}

// task is one call of Follow.
type task struct {
	*Follower
	req    Request
	kind   Kind
	resume *copier.Upload // not used yet
	result copier.Result
	did    copier.Outcome // what was done already, before looking again
	seen   sight

	failures int

	waiting policy.Write  // what is waited for
	waited  time.Duration // for that
	newer   bool          // than what was waited for before
}

// run looks, decides and acts until there is nothing more to do.
func (t *task) run(ctx context.Context) error {
	for round := 1; round <= maxRounds; {
		step, err := t.decide(ctx)
		if err != nil {
			return err
		}
		var again bool
		switch step.Action {
		case policy.Copy:
			again, err = t.copy(ctx, step)
		case policy.Delete:
			again, err = t.delete(ctx, step)
		case policy.Retag:
			again, err = t.retag(ctx)
		case policy.Wait:
			if again, err = t.wait(ctx, step.Write); err != nil || !again {
				return err
			}
			continue
		case policy.LookAgain:
			again = true
		default:
			t.end(outcomeOf(step.Action))
		}
		if err != nil || !again {
			return err
		}
		round++
		if err := t.pause(ctx, round); err != nil {
			return err
		}
	}
	return t.failure(opFollow, copier.Passing(fmt.Errorf("the key changed %d times while it was looked at", maxRounds)))
}

// outcomeOf is the outcome of an action that leaves the target as it is.
func outcomeOf(a policy.Action) copier.Outcome {
	switch a {
	case policy.Exists:
		return copier.Exists
	case policy.Superseded:
		return copier.Superseded
	}
	return copier.SourceGone
}

// end sets the outcome, which is what was done before, if anything was.
func (t *task) end(outcome copier.Outcome) {
	if t.did != "" {
		outcome = t.did
	}
	t.result.Outcome = outcome
}

// wait waits a while for a later second than the write's on the target's clock, and
// reports whether to look again. While a key is written again and again, the second of
// the latest write has hardly ever passed: each of these writes has its own event,
// and who gets the last one's follows it.
func (t *task) wait(ctx context.Context, w policy.Write) (again bool, err error) {
	if w != t.waiting {
		// An older one is there because the newer was destroyed, which nobody follows.
		t.newer = t.waiting.Region != "" && w.Seconds >= t.waiting.Seconds
		t.waiting, t.waited = w, 0
	}
	ahead := time.Duration(w.Seconds-t.seen.now) * time.Second
	switch {
	case ahead >= MaxWait || t.waited >= maxWaited:
		return false, t.failure(opFollow, copier.Passing(fmt.Errorf(
			"the clock of S3 in %s is ahead of that in %s by %s or more, longer than the function waits; "+
				"it is tried again, and s3fanout redrive does it once the clocks agree or the time has passed",
			w.Region, t.target.Region, ahead)))
	case t.newer && t.result.Waited >= maxWaited:
		t.end(copier.Superseded)
		return false, nil
	}
	// Not at the pace of whoever writes: just after a second has begun, what is shown is
	// often of the one before.
	d := waitStep/2 + time.Duration(t.random()*float64(waitStep))
	t.waited += d
	t.result.Waited += d
	if err := t.sleep(ctx, d); err != nil {
		return false, t.failure(opFollow, err)
	}
	return true, nil
}

// pause waits before another round, longer each time.
func (t *task) pause(ctx context.Context, round int) error {
	const base, most = 50 * time.Millisecond, 2 * time.Second
	d := min(most, base<<min(round, 10))
	if err := t.sleep(ctx, d/2+time.Duration(t.random()*float64(d/2))); err != nil {
		return t.failure(opFollow, err)
	}
	return nil
}

// opFollow is the operation of errors that no request has.
const opFollow = "follow a change of"

// failure is the Error of an operation about the key.
func (t *task) failure(op string, err error) error {
	if known := (*copier.Error)(nil); errors.As(err, &known) {
		return err
	}
	e := copier.ErrorOf(op, t.req.Source, t.target, err)
	if e.Class == copier.Denied {
		e.Hint = "following needs permissions that copies do not: s3:GetObject and s3:ListBucketVersions on all buckets of the set, " +
			"at the target s3:GetObjectVersion and s3:GetBucketVersioning, for deletions s3:DeleteObject, " +
			"for tags s3:GetObjectVersionTagging and s3:PutObjectVersionTagging; s3fanout doctor finds what is missing"
	}
	return e
}

// abandon gives up the upload that turned out not to be needed. Beside another
// failure it stays, for whoever tries again.
func (t *task) abandon(ctx context.Context) error {
	t.result.Requests.List++
	t.result.Requests.Abort++
	if err := t.copier.Abandon(ctx, *t.resume); err != nil {
		return t.failure(opFollow, err)
	}
	t.resume = nil
	return nil
}
