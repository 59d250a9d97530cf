package backfill

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// How much of one target is under way, beside its pace.
const (
	// largeConcurrency is how many objects are copied in parts at once, each
	// with as many parts as the Copier is made for.
	largeConcurrency = 2
	// Queues between the listing and the copies. The one for large objects is
	// long, so that small ones need not wait for them.
	smallQueue = 1024
	largeQueue = 16384
)

// target is a Region that is written to.
type target struct {
	run   *run
	index int // among the members

	mu           sync.Mutex
	small, large *lane // nil until they have something to do
	breaker      Breaker
	blind        atomic.Bool // whether it copies something just now is not known
}

func (t *target) member() *Member { return &t.run.options.Members[t.index] }

// take queues an object, and waits while the queue is full.
func (t *target) take(work context.Context, g *goal) error {
	select {
	case t.lane(work, g.object.size).queue <- g:
		return nil
	case <-work.Done():
		return context.Cause(work)
	}
}

// lane is the one for objects of this size. Its work begins with the first of
// them: most runs find nothing large, and many nothing at all.
func (t *target) lane(work context.Context, size int64) *lane {
	t.mu.Lock()
	defer t.mu.Unlock()
	if size > t.run.options.Threshold {
		if t.large == nil {
			t.large = newLane(t, t.run.hard, largeQueue, newPace(largeConcurrency, largeConcurrency, time.Now()))
			t.run.lanes.Go(func() { t.large.work(work) })
		}
		return t.large
	}
	if t.small == nil {
		begin, most := share(len(t.run.chosen.to), t.run.options.Concurrency)
		t.small = newLane(t, t.run.gentle, smallQueue, newPace(begin, most, time.Now()))
		t.run.lanes.Go(func() { t.small.work(work) })
	}
	return t.small
}

// close says that nothing more will be queued.
func (t *target) close() {
	for _, l := range []*lane{t.small, t.large} {
		if l != nil {
			close(l.queue)
		}
	}
}

// learn draws the conclusion from the end of a copy, nil for a good one: the
// whole run stops where the others would end the same way.
func (t *target) learn(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if stop := t.breaker.After(err); stop != nil {
		t.run.stop(stop)
	}
}
