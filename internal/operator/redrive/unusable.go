package redrive

import (
	"context"
	"s3fanout/internal/aws/awsapi"
	"sync"
	"time"
)

// unusable remembers the functions that no dead letter can be replayed with: that do
// not exist, may not be invoked, or cannot be reached. Dead letters for others go on,
// and no time is spent on those for these.
type unusable struct {
	mu   sync.Mutex
	errs map[Function]refusal
}

type refusal struct {
	err error
	at  time.Time
}

// functionError is the failure of a request to a function, which says nothing
// about the queue.
type functionError struct{ error }

func (e functionError) Unwrap() error { return e.error }

// try invokes the function, unless it is known to be of no use.
func (q *queue) try(ctx context.Context, f Function, payload []byte) ([]byte, error) {
	q.unusable.mu.Lock()
	known := q.unusable.errs[f]
	q.unusable.mu.Unlock()
	// A watch asks again: somebody may have fixed it.
	if known.err != nil && (!q.options.Watch || time.Since(known.at) < RetryFirst) {
		return nil, known.err
	}
	answer, err := q.invoke(ctx, f, payload)
	if !awsapi.Hopeless(err) {
		return answer, err
	}
	err = functionError{err}
	q.unusable.mu.Lock()
	defer q.unusable.mu.Unlock()
	q.unusable.errs[f] = refusal{err: err, at: time.Now()}
	return nil, err
}
