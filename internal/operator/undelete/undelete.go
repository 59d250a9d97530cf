// Package undelete brings back what was deleted in a span of time: keys that a
// delete marker made within the span hides.
//
// It lists the versions of all members' buckets in step. For each such key it
// copies the version under the delete marker on top, once, in the bucket where it
// was deleted. That is a new write, which travels to the other Regions as every
// upload does: by events.
//
// The copy is made only if the key is still hidden, so that a key that was written
// again meanwhile is left alone, running it again does what is left, and two runs
// at once do no harm. Nothing is deleted, delete markers neither.
//
// What it cannot know: who made a delete marker. One that a lifecycle rule made is
// taken for a user's.
package undelete

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/registers"
	"s3fanout/internal/copier"
	"s3fanout/internal/operator/backfill"
)

// Defaults of Options.
const (
	DefaultConcurrency = 64
	DefaultGrace       = 5 * time.Second
)

// MaxFailures is how many failures a report names; the others are counted.
const MaxFailures = backfill.MaxFailures

// Copier brings one version back in its own bucket, as *copier.Copier does. It
// must be safe for concurrent use.
type Copier interface {
	Copy(context.Context, copier.Request) (copier.Result, error)
}

// Member is a Region of the set.
type Member struct {
	Region, Bucket string
	S3             registers.S3
	Copier         Copier // to the member's own bucket; not needed in a dry run
}

// Options say what is brought back. Members and Span are required.
type Options struct {
	Members []Member
	Span    Span
	Prefix  string // of the keys; empty for all
	// Keys, if set, are the only keys that are looked at; Prefix is not used then.
	Keys []string
	// Match, if set, says which keys may be brought back. It can be called
	// concurrently.
	Match func(key string) bool
	// Follows says of a key that its overwrites travel, so that the latest write
	// wins; nil means of none, so that the first one does. It can be called
	// concurrently. FollowSince is when following began; see policy.Orders.
	Follows     func(key string) bool
	FollowSince time.Time
	// KMS says that the buckets encrypt with keys of KMS, so that ETags say
	// nothing of contents.
	KMS bool
	// DryRun lists, and sends nothing else.
	DryRun bool
	// Concurrency is how many objects are copied at once at most; 0 means
	// DefaultConcurrency.
	Concurrency int
	// Grace is how long copies may go on when ctx has ended; 0 means DefaultGrace.
	Grace time.Duration
	// Random is the source of jitter, numbers in [0, 1), safe for concurrent use; nil
	// means math/rand's.
	Random func() float64
}

// Report says how a run went.
type Report struct {
	Regions []Region // in the order of Options.Members
	// Earlier, Later, Recreated and Lost count keys that stay as they are: deleted
	// before the span too, deleted again after it, written again since, and without
	// a version to bring back.
	Earlier, Later, Recreated, Lost int
	// Found are keys of which something was deleted in the span: of each verdict the
	// first MaxFound that were listed. Unnamed counts the others.
	Found   []Found
	Unnamed int
	// Failures are the first MaxFailures.
	Failures    []backfill.Failure
	Keys        int // listed, each once for every bucket that has it
	Lists       int // of versions
	Heads       int // beside those of Regions
	Interrupted bool
}

// Region says what is brought back in a Region: where the deleted version is.
type Region struct {
	Region string
	// Objects were to come back, with so many bytes.
	Objects int
	Bytes   int64
	// Restored were brought back. Present had come back by themselves by then, and
	// of Gone the version had gone.
	Restored, Present, Gone, Failed int
	RestoredBytes                   int64
	Requests                        copier.Requests
}

// Left counts what was not tried.
func (r Region) Left() int { return r.Objects - r.Restored - r.Present - r.Gone - r.Failed }

// Sum adds up all Regions.
func (r Report) Sum() Region {
	var sum Region
	for _, s := range r.Regions {
		sum.Objects += s.Objects
		sum.Bytes += s.Bytes
		sum.Restored += s.Restored
		sum.Present += s.Present
		sum.Gone += s.Gone
		sum.Failed += s.Failed
		sum.RestoredBytes += s.RestoredBytes
		sum.Requests = sum.Requests.Plus(s.Requests)
	}
	return sum
}

// Progress is how far a run has come.
type Progress struct {
	Keys    int // listed
	Objects int // found to come back, so far
	Bytes   int64
	Ended   int // of them
	Failed  int
	Listed  bool // the listing is done: Objects is final
}

// Observer has what happens reported. Its functions may be nil, are never called twice
// at once, and hold the run up while they work.
type Observer struct {
	Progress func(Progress)
	Failed   func(backfill.Failure) // about every object that could not be brought back
}

// Run brings back what was deleted. It is idempotent. When ctx ends, no further
// copy begins, those under way end within the grace or are given up, and the
// report is Interrupted. The report is valid beside an error, which says that the
// run ended early: a listing failed, or nothing can be copied.
func Run(ctx context.Context, o Options, observer Observer) (Report, error) {
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	r := &run{options: o, observer: observer, slots: make(chan struct{}, o.Concurrency)}
	for _, m := range o.Members {
		r.report.Regions = append(r.report.Regions, Region{Region: m.Region})
	}
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.stop = stop
	defer r.linger(work)()
	err := r.walk(work)
	if err != nil {
		stop(err)
	} else {
		r.listed()
	}
	r.copies.Wait()

	r.mu.Lock()
	report := r.report
	r.mu.Unlock()
	report.Interrupted = ctx.Err() != nil && (err != nil || !o.DryRun && report.Sum().Left() > 0)
	if ctx.Err() != nil {
		return report, nil
	}
	return report, context.Cause(work)
}

// run is one call of Run.
type run struct {
	options  Options
	observer Observer
	slots    chan struct{} // taken by copies under way
	copies   sync.WaitGroup
	stop     context.CancelCauseFunc
	copying  context.Context // of copies: it ends a grace after the work

	mu       sync.Mutex
	report   Report
	progress Progress
	breaker  backfill.Breaker
}

// linger makes the context of copies, and returns what ends it.
func (r *run) linger(work context.Context) (end func()) {
	copying, cancel := context.WithCancel(context.WithoutCancel(work))
	r.copying = copying
	detach := context.AfterFunc(work, func() {
		if smithytime.SleepWithContext(copying, r.options.Grace) == nil {
			cancel()
		}
	})
	return func() {
		detach()
		cancel()
	}
}

// walk lists the buckets and starts a copy of each key that is to come back.
func (r *run) walk(work context.Context) error {
	buckets := make([]listing.Bucket, len(r.options.Members))
	for i, m := range r.options.Members {
		buckets[i] = listing.Bucket{Region: m.Region, Name: m.Bucket, Versions: m.S3}
	}
	options := listing.Options{Prefix: r.options.Prefix, Match: r.options.Match, Deleted: true, Listed: r.pages}
	visit := func(ctx context.Context, row listing.Row) error {
		rule := rule{opaque: r.options.KMS, follows: r.options.Follows != nil && r.options.Follows(row.Key)}
		v, index := rule.decide(r.options.Span, row.Objects)
		if rule.undecided(r.options.Span, v, row.Objects) {
			var err error
			if v, index, err = r.latest(ctx, row.Key, row.Objects); err != nil {
				return err
			}
		}
		if v == untouched {
			return nil
		}
		r.decided(row.Key, v, index, row.Objects)
		if v != restore || r.options.DryRun {
			return nil
		}
		select {
		case r.slots <- struct{}{}:
		case <-work.Done():
			return context.Cause(work)
		}
		m, o := r.options.Members[index], row.Objects[index]
		source := copier.Object{Region: m.Region, Bucket: m.Bucket, Key: row.Key, VersionID: o.VersionID, Size: o.Size, ETag: o.ETag}
		r.copies.Go(func() {
			defer func() { <-r.slots }()
			r.restore(work, index, source)
		})
		return nil
	}
	if r.options.Keys != nil {
		return listing.WalkKeys(work, buckets, r.options.Keys, options, listing.EachRow(visit))
	}
	return listing.Walk(work, buckets, options, visit)
}

// How often and when a copy that may succeed later is tried, on top of the SDK's
// own retries.
const (
	maxTries    = 4
	backoffBase = time.Second
)

// restore copies a version on top of its key, and counts how that ended.
func (r *run) restore(work context.Context, index int, source copier.Object) {
	for try := 1; ; try++ {
		if work.Err() != nil {
			return // left for the next run
		}
		result, err := r.options.Members[index].Copier.Copy(r.copying, copier.Request{Source: source})
		if err == nil && result.Outcome == copier.Unfinished {
			err = errors.New("the copy is unfinished although it had no deadline")
		}
		if err == nil {
			r.ended(index, result)
			return
		}
		f := backfill.FailureOf(source.Region, source.Key, err)
		again := f.Class == copier.Retryable && try < maxTries
		r.failed(work, index, result.Requests, f, err, again)
		if !again || smithytime.SleepWithContext(work, backoff(try, r.options.Random())) != nil {
			return
		}
	}
}

func backoff(try int, random float64) time.Duration {
	d := backoffBase << (try - 1)
	return d/2 + time.Duration(random*float64(d/2))
}

// pages takes how many keys of how many pages were listed.
func (r *run) pages(keys, pages int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Keys += keys
	r.report.Lists += pages
	r.progress.Keys += keys
	r.notify()
}

// listed takes note that the listing is done.
func (r *run) listed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Listed = true
	r.notify()
}

// ended counts a copy that did not fail.
func (r *run) ended(index int, result copier.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.report.Regions[index]
	switch result.Outcome {
	case copier.Copied:
		s.Restored++
		s.RestoredBytes += result.Bytes
	case copier.SourceGone:
		s.Gone++
	default:
		s.Present++
	}
	s.Requests = s.Requests.Plus(result.Requests)
	r.progress.Ended++
	_ = r.breaker.After(nil) // nothing to stop for
	r.notify()
}

// failed counts a copy that failed, unless it is tried again or was given up, and
// ends the run where the others would end the same way.
func (r *run) failed(work context.Context, index int, requests copier.Requests, f backfill.Failure, err error, again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.report.Regions[index]
	s.Requests = s.Requests.Plus(requests)
	if again || work.Err() != nil {
		return
	}
	s.Failed++
	if len(r.report.Failures) < MaxFailures {
		r.report.Failures = append(slices.Clip(r.report.Failures), f)
	}
	r.progress.Ended++
	r.progress.Failed++
	if r.observer.Failed != nil {
		r.observer.Failed(f)
	}
	if cause := r.breaker.After(err); cause != nil {
		r.stop(cause)
	}
	r.notify()
}

// tell reports the progress. The lock is held.
func (r *run) notify() {
	if r.observer.Progress != nil {
		r.observer.Progress(r.progress)
	}
}
