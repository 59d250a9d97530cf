package redrive

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/aws/awsapi"
)

const (
	// deleteTries is how often the delete of a dead letter is asked for where SQS says,
	// in the answer to a batch, that it failed for a reason of its own, or says
	// nothing. The SDK tries again only what failed as a whole.
	deleteTries = 4
	// deletePause is before the second try; the pauses double. All of them fit into
	// graceTime.
	deletePause = 200 * time.Millisecond
)

// errUnnamed is of a dead letter that an answer to a batch does not name.
var errUnnamed = errors.New("SQS did not say whether it deleted the dead letter")

// remover takes dead letters out of the queue, also if the context has ended: their
// work is done. One request deletes up to ten; what comes while one is under way goes
// together with the next, and ten do not wait for that.
//
// A dead letter that came back meanwhile, as its hold had run out, is held by another
// receipt handle, and deleted by that, also where SQS took the old one: it says that a
// dead letter is deleted, too, where the handle was not the newest
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html).
type remover struct {
	*queue

	mu      sync.Mutex
	pending []removal
	flying  int // requests
	open    sync.WaitGroup
}

// removal is a dead letter that is to be deleted, and whom to tell; once, from a
// goroutine of the remover.
type removal struct {
	message types.Message
	handle  string // that was tried last
	tries   int
	failure error // of the last try, if another follows
	done    func(error)
}

// add deletes a dead letter soon.
func (r *remover) add(ctx context.Context, m types.Message, done func(error)) {
	r.open.Add(1)
	r.enqueue(ctx, removal{message: m, done: done})
}

// wait returns when all dead letters that were added are deleted, or cannot be.
func (r *remover) wait() { r.open.Wait() }

func (r *remover) enqueue(ctx context.Context, some ...removal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, some...)
	r.start(ctx)
}

// start sends what should not wait; r.mu is held.
func (r *remover) start(ctx context.Context) {
	for len(r.pending) >= batch || len(r.pending) > 0 && r.flying == 0 {
		n := min(batch, len(r.pending))
		some := r.pending[:n:n]
		r.pending = r.pending[n:]
		r.flying++
		go func() {
			r.send(ctx, some)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.flying--
			r.start(ctx)
		}()
	}
}

// send deletes some dead letters with one request.
func (r *remover) send(outer context.Context, some []removal) {
	ctx, cancel := linger(outer)
	defer cancel()
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(r.url)}
	for i := range some {
		some[i].handle = r.newest(some[i].message)
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(some[i].handle),
		})
	}
	out, err := r.clients.SQS.DeleteMessageBatch(ctx, in)
	if err != nil {
		out = &sqs.DeleteMessageBatchOutput{}
	}
	failures := failuresOf("DeleteMessageBatch", out.Failed)
	gone := map[string]bool{}
	for _, s := range out.Successful {
		gone[aws.ToString(s.Id)] = true
	}
	var again []removal
	for i, x := range some {
		id := strconv.Itoa(i)
		failure := err
		switch {
		case err != nil:
		case failures[id] != nil:
			failure = failures[id]
		case !gone[id]:
			failure = errUnnamed
		}
		if x.tries++; err == nil && passing(failure) && x.tries < deleteTries {
			x.failure = failure
			again = append(again, x)
			continue
		}
		r.settle(outer, x, failure)
	}
	if len(again) > 0 {
		go r.tryAgain(outer, again)
	}
}

// passing says of an entry's failure that it may succeed when it is tried again.
func passing(err error) bool {
	var api smithy.APIError
	return errors.Is(err, errUnnamed) || errors.As(err, &api) && api.ErrorFault() == smithy.FaultServer && !expired(err)
}

// tryAgain asks for deletes once more after a pause, together.
func (r *remover) tryAgain(ctx context.Context, some []removal) {
	waiting, cancel := linger(ctx)
	defer cancel()
	tries := slices.MaxFunc(some, func(a, b removal) int { return cmp.Compare(a.tries, b.tries) }).tries
	if smithytime.SleepWithContext(waiting, deletePause<<(tries-1)) == nil {
		r.enqueue(ctx, some...)
		return
	}
	for _, x := range some {
		r.end(x, x.failure)
	}
}

// settle says how a delete ended, or tries again by a newer handle.
func (r *remover) settle(ctx context.Context, x removal, err error) {
	switch {
	case err == nil:
		if r.deleted(x.message, x.handle) != x.handle {
			r.enqueue(ctx, x)
			return
		}
	case expired(err):
		go func() { // the answer with the newer handle may be on its way
			ctx, cancel := linger(ctx)
			defer cancel()
			r.asked(ctx)
			if r.newest(x.message) != x.handle {
				r.enqueue(ctx, x)
				return
			}
			r.end(x, err) // somebody else's
		}()
		return
	}
	r.end(x, err)
}

func (r *remover) end(x removal, err error) {
	defer r.open.Done()
	if err != nil {
		err = awsapi.Explain(r.region, "queue "+r.options.Config.QueueName(), err)
	}
	x.done(err)
}

// failuresOf are the errors of a batch's entries, by their IDs.
func failuresOf(operation string, failed []types.BatchResultErrorEntry) map[string]error {
	errs := map[string]error{}
	for _, f := range failed {
		fault := smithy.FaultServer
		if f.SenderFault {
			fault = smithy.FaultClient
		}
		errs[aws.ToString(f.Id)] = &smithy.OperationError{
			ServiceID: "SQS", OperationName: operation,
			Err: &smithy.GenericAPIError{Code: aws.ToString(f.Code), Message: aws.ToString(f.Message), Fault: fault},
		}
	}
	return errs
}

// deleted remembers that a dead letter was deleted by a handle, unless it is held by
// another one by now. It returns the handle that it is or was held by.
func (q *queue) deleted(m types.Message, handle string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	id := aws.ToString(m.MessageId)
	if h := q.held[id]; h != nil && h.handle != handle {
		return h.handle
	}
	delete(q.held, id)
	if s := q.seen[id]; s != nil { // else it was forgotten, long after its first deletion
		if s.deleted.IsZero() {
			q.done++
		}
		s.deleted = time.Now()
	}
	return handle
}

// newest is the receipt handle that the run holds a dead letter by.
func (q *queue) newest(m types.Message) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h := q.held[aws.ToString(m.MessageId)]; h != nil {
		return h.handle
	}
	return aws.ToString(m.ReceiptHandle)
}

// asked waits until the receives that are under way have brought what they bring.
func (q *queue) asked(ctx context.Context) {
	q.mu.Lock()
	var asking []chan struct{}
	for a := range q.asking {
		asking = append(asking, a)
	}
	q.mu.Unlock()
	for _, a := range asking {
		select {
		case <-a:
		case <-ctx.Done():
			return
		}
	}
}
