package redrive

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/aws/awsapi"
)

const (
	// watchPoll is the longest that SQS lets a receive wait.
	watchPoll = 20 * time.Second
	// refreshTime is how long a watch believes what it learned about a topic.
	refreshTime = 5 * time.Minute
)

// RetryFirst and RetryMost are how long a watch leaves a dead letter alone that it
// did not replay: first, and at most. The time doubles in between.
const (
	RetryFirst = time.Minute
	RetryMost  = 15 * time.Minute
)

// history is what a run knows about a dead letter that it has received.
type history struct {
	working bool      // somebody is at it
	deleted time.Time // when it was, after it was replayed; zero: it was not
	tries   int       // how often it was tried
	due     time.Time // when to try it again; zero: not in this run
}

// dueBy says that it is time to try the dead letter again.
func (h *history) dueBy(now time.Time) bool {
	return h != nil && !h.working && h.deleted.IsZero() && !h.due.IsZero() && !h.due.After(now)
}

// retryWait is how long to leave a dead letter alone after so many tries.
func retryWait(tries int) time.Duration {
	wait := RetryFirst
	for range tries - 1 {
		if wait *= 2; wait >= RetryMost {
			return RetryMost
		}
	}
	return wait
}

// fatal says that there is no point in going on with the queue. A watch waits
// for the network to come back.
func (q *queue) fatal(err error) bool {
	return awsapi.Hopeless(err) && (!q.options.Watch || !errors.Is(err, awsapi.ErrUnreachable))
}

// endure decides whether to go on after a request that failed. A watch does,
// and waits before that, longer after each failure in a row.
func (q *queue) endure(ctx context.Context, err error, failures int) bool {
	if !q.options.Watch || q.fatal(err) {
		return false
	}
	q.observer.Trouble(q.region, err)
	return smithytime.SleepWithContext(ctx, min(pollTime<<min(failures, 10), RetryFirst)) == nil
}

// onInterrupt makes a watch's receive end soon after ctx has. SQS may continue a
// receive that is cut off, and hide what is given back after that. What drainer.drop
// gives back while the receive waits ends it; it is cut off only if there is nothing
// to give back. The function that is returned waits for nothing more.
func (q *queue) onInterrupt(ctx, receive context.Context, cut func()) func() {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		if held, _ := q.standing(); held > 0 {
			return
		}
		_ = smithytime.SleepWithContext(receive, pollTime)
		cut()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// surrender gives back the dead letters that nobody works on, after an interruption.
// What cannot be given back is tried once more at the end; see release.
func (q *queue) surrender(ctx context.Context) {
	ctx, cancel := linger(ctx)
	defer cancel()
	_ = q.giveBack(ctx, func(id string) bool { return q.seen[id] == nil || !q.seen[id].working })
}

// remaining are the newest results of the dead letters that a watch has left, the
// oldest dead letter first.
func (q *queue) remaining() []Result {
	var list []Result
	for _, r := range q.latest {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Result) int {
		return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.MessageID, b.MessageID))
	})
	return list
}
