package redrive

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/aws/awsapi"
)

// HoldTime is how long a dead letter stays invisible to others once received. A run
// extends it for as long as it needs the dead letter, so one that is killed gives
// its dead letters back within that time.
const HoldTime = 2 * time.Minute

const (
	// renewTime is what must be left of a hold before it is extended. It
	// leaves room for another try or two.
	renewTime = HoldTime * 2 / 3
	// sweepTime is the time between two looks at what has to be extended.
	sweepTime = HoldTime / 6
)

// hold is a dead letter that the run keeps invisible.
type hold struct {
	handle string    // the newest receipt handle
	until  time.Time // when the dead letter becomes visible by itself
	// leaving says that somebody is giving it back just now.
	leaving bool
}

// change is a new visibility timeout for a dead letter; zero gives it back.
type change struct {
	id, handle string
	timeout    time.Duration
}

// keep extends what the run holds until ctx ends. A watch gives back the
// dead letters whose time to be tried again has come: the queue hands them out anew.
func (q *queue) keep(ctx context.Context) {
	tick := time.NewTicker(sweepTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := q.apply(ctx, q.changes(time.Now()))
		if err == nil || ctx.Err() != nil {
			continue
		}
		// After any other error the next sweep tries again. A dead letter that comes
		// back too early may be replayed twice, which is harmless.
		if q.fatal(err) {
			q.mu.Lock()
			q.halt(err)
			q.mu.Unlock()
		}
	}
}

// changes decides what to extend and what to give back.
func (q *queue) changes(now time.Time) []change {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []change
	for id, s := range q.seen {
		// It was not handed out again: somebody else has or had it, or it is
		// gone, and not held by a handle of this run that came too late.
		gone := !s.working && !s.deleted.IsZero() && now.Sub(s.deleted) > HoldTime
		if q.held[id] == nil && (gone || s.dueBy(now.Add(-RetryMost))) {
			q.forget(id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(q.held)) {
		h := q.held[id]
		switch {
		case q.seen[id].dueBy(now):
			list = append(list, change{id: id, handle: h.handle})
		case h.until.Sub(now) <= renewTime:
			list = append(list, change{id: id, handle: h.handle, timeout: HoldTime})
		}
	}
	return list
}

// release makes the dead letters that stay visible again, so that the next run need not
// wait. One that cannot be released becomes visible by itself within HoldTime; the
// first such error is returned.
func (q *queue) release(ctx context.Context) error {
	ctx, cancel := linger(ctx)
	defer cancel()
	return q.giveBack(ctx, func(string) bool { return true })
}

// giveBack makes the dead letters that are chosen visible again, but for those that
// another call is giving back. It returns the first error.
func (q *queue) giveBack(ctx context.Context, chosen func(id string) bool) error {
	list := q.backs(chosen)
	err := q.apply(ctx, list)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range list {
		if h := q.held[c.id]; h != nil {
			h.leaving = false
		}
	}
	return err
}

// backs lists the dead letters that are chosen. The lock is held meanwhile.
func (q *queue) backs(chosen func(id string) bool) []change {
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []change
	for _, id := range slices.Sorted(maps.Keys(q.held)) {
		if h := q.held[id]; chosen(id) && !h.leaving {
			h.leaving = true
			list = append(list, change{id: id, handle: h.handle})
		}
	}
	return list
}

// apply sets the visibility of dead letters, ten with each request, and returns the
// first error that is none of a dead letter's own.
func (q *queue) apply(ctx context.Context, list []change) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
		free  = make(chan struct{}, batch)
	)
	for some := range slices.Chunk(list, batch) {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			err := q.applySome(ctx, some)
			mu.Lock()
			defer mu.Unlock()
			if first == nil && err != nil {
				f := awsapi.Explain(q.region, "queue "+q.options.Config.QueueName(), err)
				f.Add("; the dead letters it held are visible again within %d minutes", int(HoldTime.Minutes()))
				first = f
			}
		})
	}
	wg.Wait()
	return first
}

func (q *queue) applySome(ctx context.Context, some []change) error {
	now := time.Now()
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(q.url)}
	for i, c := range some {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(c.handle),
			VisibilityTimeout: int32(c.timeout / time.Second), //nolint:gosec // zero or HoldTime
		})
	}
	out, err := q.clients.SQS.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		return err
	}
	refused := failuresOf("ChangeMessageVisibilityBatch", out.Failed)
	var first error
	for i, c := range some {
		err := refused[strconv.Itoa(i)]
		if err == nil || expired(err) {
			q.changed(c, err != nil, now)
		} else if first == nil {
			first = err
		}
	}
	return first
}

// changed remembers a dead letter's new visibility. lost says that the handle holds it
// no more, or not for longer; see expired.
func (q *queue) changed(c change, lost bool, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	h := q.held[c.id]
	if h == nil || h.handle != c.handle {
		return // done with, or received again meanwhile
	}
	if !lost && c.timeout > 0 {
		h.until = now.Add(c.timeout)
		return
	}
	delete(q.held, c.id)
}

// forget makes a dead letter that comes back a new one.
func (q *queue) forget(id string) {
	delete(q.seen, id)
	delete(q.latest, id)
}
