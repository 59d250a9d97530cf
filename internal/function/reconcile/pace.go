package reconcile

import (
	"context"
	"sync"
	"time"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/lifecycle"
	"s3fanout/internal/policy"
)

// pacer spreads copies over time. It slows down when S3 asks for less, and becomes as
// fast again as it was.
type pacer struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	least time.Duration // between two copies

	mu    sync.Mutex
	apart time.Duration
	next  time.Time
}

// slowest is the longest time between two copies, and eased how much of it is left
// after each.
const (
	slowest = time.Second
	eased   = 0.95
)

func newPacer(rate int, now func() time.Time, sleep func(context.Context, time.Duration) error) *pacer {
	least := time.Second / time.Duration(rate)
	return &pacer{now: now, sleep: sleep, least: least, apart: least}
}

// wait waits for the turn of one more copy.
func (p *pacer) wait(ctx context.Context) error {
	p.mu.Lock()
	now := p.now()
	if p.next.Before(now) {
		p.next = now
	}
	left := p.next.Sub(now)
	p.next = p.next.Add(p.apart)
	p.apart = max(p.least, time.Duration(eased*float64(p.apart)))
	p.mu.Unlock()
	if left <= 0 {
		return ctx.Err()
	}
	return p.sleep(ctx, left)
}

// slow lowers the rate after S3 asked for less.
func (p *pacer) slow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apart = max(p.least, min(slowest, 4*p.apart))
}

// rules are the lifecycle rules of the buckets, each asked for once in an invocation.
type rules struct {
	*work
	asking chan struct{} // taken by who asks, and guards known
	known  map[int]policy.Expiries
}

// of are those of a place. Whoever may not ask cannot tell a rule's deletions from
// users', so that an error ends the comparison.
func (r *rules) of(ctx context.Context, index int) (policy.Expiries, error) {
	select {
	case r.asking <- struct{}{}:
		defer func() { <-r.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if list, known := r.known[index]; known {
		return list, nil
	}
	m := r.members[index]
	list, err := lifecycle.Expiries(ctx, r.Read(m.Region), m.Bucket)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, awsapi.Explain(m.Region, "bucket "+m.Bucket, err)
	}
	if r.known == nil {
		r.known = map[int]policy.Expiries{}
	}
	r.known[index] = list
	return list, nil
}
