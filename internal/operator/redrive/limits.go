package redrive

import (
	"context"
	"sync"

	"golang.org/x/time/rate"
)

// limits are what the queues of a run share.
type limits struct {
	pace *rate.Limiter

	mu      sync.Mutex
	bounded bool
	left    int  // dead letters that may still be tried, if bounded
	found   bool // the one message that was asked for
}

func newLimits(o Options) *limits {
	l := &limits{pace: rate.NewLimiter(rate.Inf, 1), bounded: o.Max > 0, left: o.Max}
	if o.Rate > 0 {
		l.pace.SetLimit(rate.Limit(o.Rate))
	}
	return l
}

// take claims one dead letter, if there is one left to try.
func (l *limits) take() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.bounded {
		return true
	}
	if l.left == 0 {
		return false
	}
	l.left--
	return true
}

// giveBack is for a dead letter that was claimed and then not tried.
func (l *limits) giveBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bounded {
		l.left++
	}
}

// end says that there is nothing else to look for.
func (l *limits) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found = true
}

// most is how many of n dead letters may still be tried.
func (l *limits) most(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.found {
		return 0
	}
	if !l.bounded {
		return n
	}
	return min(n, l.left)
}

// wait returns when the next dead letter may be replayed.
func (l *limits) wait(ctx context.Context) error { return l.pace.Wait(ctx) }
