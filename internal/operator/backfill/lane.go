package backfill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/copier"
)

// lane copies what is queued for one target: as much at once as its pace allows.
type lane struct {
	target *target
	queue  chan *goal
	// ctx is what copies run in.
	ctx context.Context

	mu     sync.Mutex
	pace   pace
	flying int // copies under way
	begun  int // tries ever
	freed  chan struct{}
}

func newLane(t *target, ctx context.Context, queue int, p pace) *lane {
	return &lane{target: t, ctx: ctx, queue: make(chan *goal, queue), pace: p, freed: make(chan struct{}, 1)}
}

// work copies until the queue is closed and empty, or the work ends, and waits
// for the copies under way.
func (l *lane) work(work context.Context) {
	var copies sync.WaitGroup
	defer copies.Wait()
	for {
		n, free := l.acquire(work)
		if !free {
			return
		}
		select {
		case g, more := <-l.queue:
			if !more {
				return
			}
			if work.Err() != nil {
				return // a queue that is not empty competes with the end
			}
			copies.Go(func() {
				for ; g != nil; g, n = l.next(work) {
					l.copy(work, g, n)
				}
			})
		case <-work.Done():
			return
		}
	}
}

// next takes another object for the slot of one that was copied, and gives the
// slot back if there is none to take at once. A goroutine that goes on has a
// stack that has grown to what a request needs.
func (l *lane) next(work context.Context) (_ *goal, n int) {
	l.mu.Lock()
	limit := l.pace.limit()
	n = l.number()
	keep := l.flying <= limit
	if l.flying < limit { // it has grown
		l.wake()
	}
	l.mu.Unlock()
	if keep && work.Err() == nil {
		select {
		case g, more := <-l.queue:
			if more {
				return g, n
			}
		default:
		}
	}
	l.release()
	return nil, n
}

// acquire waits for a free slot and reports whether there is one, with the number of
// the try that it is for.
func (l *lane) acquire(work context.Context) (n int, free bool) {
	for {
		if n, free = l.tryAcquire(); free {
			return n, true
		}
		select {
		case <-l.freed:
		case <-work.Done():
			return 0, false
		}
	}
}

func (l *lane) tryAcquire() (n int, free bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flying >= l.pace.limit() {
		return 0, false
	}
	l.flying++
	return l.number(), true
}

// number is the next try's, given when the slot is: what was begun before S3 asked for
// less says nothing new. The lock is held.
func (l *lane) number() int {
	l.begun++
	return l.begun - 1
}

func (l *lane) release() {
	l.mu.Lock()
	l.flying--
	l.mu.Unlock()
	l.wake()
}

// wake has who waits for a free slot look again.
func (l *lane) wake() {
	select {
	case l.freed <- struct{}{}:
	default:
	}
}

// How often and when a copy that may succeed later is tried again, on top of
// the SDK's own retries.
const (
	maxTries    = 4
	backoffBase = time.Second
)

// copy copies one object to the target, first as the n-th try, and says how it ended.
// While it waits to try again it keeps its slot: a target in trouble gets less to do.
func (l *lane) copy(work context.Context, g *goal, n int) {
	tally, index := l.target.run.tally, l.target.index
	var result copier.Result
	for try := 1; ; try++ {
		err := l.try(g, n, &result)
		tally.requests(index, result.Requests)
		switch {
		case err == nil:
			l.target.learn(nil)
			tally.ended(index, result)
			return
		case work.Err() != nil:
			return // left for the next run
		}
		f := FailureOf(l.target.member().Region, g.object.key, err)
		if f.Class != copier.Retryable || try == maxTries {
			l.target.learn(err)
			tally.failed(index, f)
			return
		}
		if smithytime.SleepWithContext(work, backoff(try, l.target.run.options.Random())) != nil {
			return
		}
		l.mu.Lock()
		n = l.number()
		l.mu.Unlock()
	}
}

// try is one call of the Copier, whose result it sets. What is gone is an outcome;
// everything that is not one is an error.
//
// The SDK takes nearly 32 KiB of stack below it, and a stack that grows doubles: what
// waits for an answer is kept small here, and TestMemoryOfACopyUnderWay holds it.
func (l *lane) try(g *goal, n int, result *copier.Result) error {
	// The SDK's retries are heard too: a copy that succeeds after a SlowDown is
	// as good a reason to slow down.
	ctx := withThrottle(l.ctx, func() { l.throttle(n) })
	*result = copier.Result{}
	err := l.target.check(ctx, g, result)
	if err == nil && result.Outcome == "" {
		err = l.send(ctx, g, result)
	}
	switch {
	case err != nil:
		if errorcode.Throttled(err) {
			l.throttle(n)
		}
		return err
	case result.Outcome == copier.Unfinished:
		return fmt.Errorf("the copy of %s is unfinished although it had no deadline", g.object.key)
	}
	l.mu.Lock()
	l.pace = l.pace.success(l.flying, time.Now())
	l.mu.Unlock()
	return nil
}

// send has the Copier copy an object, of the version that all targets get, and adds
// its result to the requests that were sent about it already.
func (l *lane) send(ctx context.Context, g *goal, result *copier.Result) error {
	if g.follow != nil {
		return l.follow(ctx, g, result)
	}
	source, err := g.object.pin(ctx, l.target.run.tally.head)
	switch {
	case errors.Is(err, errGone):
		result.Outcome = copier.SourceGone
		return nil
	case err != nil:
		return err
	}
	before := result.Requests
	*result, err = l.target.member().Copier.Copy(ctx, copier.Request{Source: source})
	result.Requests.Add(before)
	return err
}

func (l *lane) follow(ctx context.Context, g *goal, result *copier.Result) (err error) {
	before := result.Requests
	*result, err = l.target.member().Follower.Follow(ctx, *g.follow)
	result.Requests.Add(before)
	return err
}

// throttle slows down after S3 asked for less in its answer to
// the n-th try.
func (l *lane) throttle(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace = l.pace.throttle(n, l.begun)
}

func backoff(try int, random float64) time.Duration {
	d := backoffBase << (try - 1)
	return d/2 + time.Duration(random*float64(d/2))
}
