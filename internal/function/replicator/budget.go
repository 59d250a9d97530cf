package replicator

import (
	"context"
	"time"
)

// maxSpare is kept of an invocation's time, a tenth of it at most, for what
// comes after copying.
const maxSpare = 5 * time.Second

// abortTime is how long giving an upload up may take where nothing else bounds
// it.
const abortTime = 5 * time.Second

// budget says until when each step of an invocation may take. They follow each
// other, and all end before Lambda kills the process: then the failure, and so
// the dead letter, says what was wrong, and not that the time was over. Zero
// times bound nothing.
type budget struct {
	copying     time.Time // the copies' own clean-up included
	handingOver time.Time // what is left of a copy
	givingUp    time.Time // an upload that was not handed over
}

// budgetOf divides the time that an invocation has from now on.
func budgetOf(ctx context.Context, now time.Time) budget {
	end, ok := ctx.Deadline()
	if !ok {
		return budget{}
	}
	spare := min(maxSpare, max(0, end.Sub(now)/10))
	return budget{copying: end.Add(-spare), handingOver: end.Add(-spare * 2 / 5), givingUp: end.Add(-spare / 5)}
}

// until bounds a context by a step's time.
func until(ctx context.Context, end time.Time) (context.Context, context.CancelFunc) {
	if end.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end)
}
