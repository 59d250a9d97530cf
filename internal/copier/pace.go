package copier

import (
	"context"
	"time"
)

// pace decides until when parts may be started, so that those under way end
// before the deadline.
type pace struct {
	begin time.Time
	// deadline is the context's, zero if it has none.
	deadline time.Time
	// slowest is the longest that a part took, or has taken so far.
	slowest time.Duration
}

// abortTime bounds giving an upload up after a cancellation. A deadline bounds
// it as well.
const abortTime = 10 * time.Second

// mostCleanUp bounds what is kept of a call's time for giving an upload up, which
// is a twentieth of it.
const mostCleanUp = 2 * time.Second

// working ends a call's context early enough to give an upload up before the
// call's own deadline.
func working(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithDeadline(ctx, deadline.Add(-min(mostCleanUp, max(0, left/20))))
}

// cleaning goes on when the call's context has ended, but not beyond its
// deadline.
func cleaning(ctx context.Context) (context.Context, context.CancelFunc) {
	end := time.Now().Add(abortTime)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}

func paceOf(ctx context.Context) pace {
	deadline, _ := ctx.Deadline()
	return pace{begin: time.Now(), deadline: deadline}
}

// saw is the pace after a part took, or has taken, so long.
func (p pace) saw(took time.Duration) pace {
	p.slowest = max(p.slowest, took)
	return p
}

const (
	// mostReserve bounds what is kept free before anything is known of the
	// parts, which is an eighth of the time.
	mostReserve = 15 * time.Second
	// slowestFactor is the margin in terms of the slowest part.
	slowestFactor = 1.5
)

// stop is when no further part may be started: before the deadline by one and
// a half times what the slowest part took, at least by an eighth of the time
// that there was, up to 15 s, and at most by half of it, so that every call
// makes some progress. It is zero if there is no deadline.
func (p pace) stop() time.Time {
	if p.deadline.IsZero() {
		return time.Time{}
	}
	total := p.deadline.Sub(p.begin)
	margin := max(min(total/8, mostReserve), time.Duration(slowestFactor*float64(p.slowest)))
	return p.deadline.Add(-min(margin, total/2))
}

// over reports whether no part may be started any more.
func (p pace) over(now time.Time) bool {
	stop := p.stop()
	return !stop.IsZero() && !now.Before(stop)
}
