package backfill

import (
	"context"
	"sync"

	"s3fanout/internal/copier"
)

// How copies to one target are paced.
const (
	// firstConcurrency is how many begin with; S3 scales up with the load, and
	// says SlowDown to what comes at once
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html).
	firstConcurrency = 32
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
	run          *run
	place        int // among the members
	small, large *lane

	mu      sync.Mutex
	despair despair
}

func newTarget(r *run, place int) *target {
	t := &target{run: r, place: place}
	most := r.options.Concurrency
	t.small = newLane(t, r.gentle, smallQueue, copier.NewWindow(min(firstConcurrency, most), most))
	t.large = newLane(t, r.hard, largeQueue, copier.NewWindow(largeConcurrency, largeConcurrency))
	return t
}

func (t *target) member() Member { return t.run.options.Members[t.place] }

// take queues an object, and waits while the queue is full.
func (t *target) take(ctx context.Context, o *object) error {
	l := t.small
	if o.size > t.run.options.Threshold {
		l = t.large
	}
	select {
	case l.queue <- o:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close says that nothing more will be queued.
func (t *target) close() {
	close(t.small.queue)
	close(t.large.queue)
}

// learn draws the conclusion from the end of a copy, nil for a good one: the
// whole run stops where the others would end the same way.
func (t *target) learn(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if stop := t.despair.after(err); stop != nil {
		t.run.stop(stop)
	}
}
