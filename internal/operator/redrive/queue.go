package redrive

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/aws/awsapi"
)

const (
	// pollTime makes a receive ask all of SQS's servers, where one without
	// any waiting asks a sample and can miss dead letters
	// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
	pollTime = time.Second
	// batch is the most messages that SQS hands out at once.
	batch = 10
	// graceTime is how long an interrupted run goes on to put things in order:
	// to learn which dead letters it was just given, to delete and to release.
	graceTime = 5 * time.Second
)

// queue is one Region's dead-letter queue during a run.
type queue struct {
	queueLocation
	options  Options
	clients  Clients // of the queue's Region
	observer Observer
	url      string
	topic    subscriptions
	unusable unusable

	limits *limits

	mu       sync.Mutex
	results  []Result
	latest   map[string]Result          // of a watch, instead of results: by message ID
	replayed int                        // dead letters
	done     int                        // dead letters that were deleted
	held     map[string]*hold           // by message ID
	seen     map[string]*history        // by message ID
	asking   map[chan struct{}]struct{} // each is closed when what a receive under way brought is in held
	stop     error                      // why there is no point in going on
	halted   chan struct{}              // closed when there is none
	cut      bool                       // ctx ended before the queue was read to its end
	limited  bool                       // Options.Max did
}

// redriveRegion empties one Region's queue as far as it can.
func redriveRegion(ctx context.Context, o Options, region string, shared *limits, observer Observer) Summary {
	q := &queue{
		queueLocation: queueLocation{region: region}, options: o, clients: o.Clients[region], observer: observer, limits: shared,
		held: map[string]*hold{}, seen: map[string]*history{}, latest: map[string]Result{},
		unusable: unusable{errs: map[Function]refusal{}}, asking: map[chan struct{}]struct{}{}, halted: make(chan struct{}),
	}
	before, err := q.open(ctx)
	for failures := 1; err != nil && q.endure(ctx, err, failures); failures++ {
		before, err = q.open(ctx)
	}
	if err != nil {
		if ctx.Err() != nil {
			return Summary{Region: region, cut: true} // not the Region's failure
		}
		return Summary{Region: region, Err: q.trouble(err)}
	}
	observer.Opened(region, before.visible)
	err = q.drain(ctx)
	unread := before.held
	switch {
	case q.limited || o.Watch:
		unread = 0 // what was not selected is not missed
	case ctx.Err() == nil && !awsapi.Hopeless(err):
		var failed error
		if unread, failed = q.unread(ctx, before, err == nil); err == nil {
			err = failed
		}
	}
	if kept := q.release(ctx); err == nil {
		err = kept
	}
	if o.Watch {
		q.results = q.remaining()
	}
	return Summary{
		Region: region, Held: unread, Replayed: q.replayed, Results: q.results, Limited: q.limited && o.Max > 0 && o.Filter.MessageID == "",
		Err: q.trouble(err), cut: q.cut,
	}
}

// trouble tells of an error that ends the work on the queue.
func (q *queue) trouble(err error) error {
	if err != nil {
		q.observer.Trouble(q.region, err)
	}
	return err
}

// open finds the queue and how many dead letters are in it.
func (q *queue) open(ctx context.Context) (level, error) {
	name := q.options.Config.QueueName()
	found, err := q.clients.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(name)})
	if err != nil {
		return level{}, awsapi.Explain(q.region, "queue "+name, err)
	}
	q.url = aws.ToString(found.QueueUrl)
	now, queueARN, err := q.measure(ctx)
	if err != nil {
		return level{}, err
	}
	a, err := arn.Parse(queueARN)
	if err != nil {
		return level{}, fmt.Errorf("region %s: queue %s: SQS gave no QueueArn", q.region, name)
	}
	q.account = a.AccountID
	return now, nil
}

// receive asks for messages. An interruption does not cut the request off:
// SQS could have handed out messages that nobody then would release.
func (q *queue) receive(ctx context.Context, want int) ([]types.Message, error) {
	poll := pollTime
	outer := ctx
	ctx, cancel := linger(outer)
	if q.options.Watch {
		poll = watchPoll
		defer q.onInterrupt(outer, ctx, cancel)()
	}
	defer cancel()
	out, err := q.clients.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    aws.String(q.url),
		MaxNumberOfMessages:         int32(want), //nolint:gosec // between 1 and batch
		VisibilityTimeout:           int32(HoldTime / time.Second),
		WaitTimeSeconds:             int32(poll / time.Second),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
	})
	if err != nil {
		return nil, awsapi.Explain(q.region, "queue "+q.options.Config.QueueName(), err)
	}
	return out.Messages, nil
}

// ask announces a receive; take ends it.
func (q *queue) ask() chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	asked := make(chan struct{})
	q.asking[asked] = struct{}{}
	return asked
}

// take remembers that messages of a receive are held. It returns those that are to be worked
// on, those that are back although they were replayed and deleted, and how many
// there were before.
func (q *queue) take(messages []types.Message, asked chan struct{}) (fresh, back []types.Message, again int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(asked)
	delete(q.asking, asked)
	now := time.Now()
	for _, m := range messages {
		id := aws.ToString(m.MessageId)
		q.held[id] = &hold{handle: aws.ToString(m.ReceiptHandle), until: now.Add(HoldTime)}
		s := q.seen[id]
		if s != nil && !s.dueBy(now) {
			if again++; !s.deleted.IsZero() {
				back = append(back, m)
			}
			continue
		}
		if s == nil {
			s = &history{}
			q.seen[id] = s
		}
		s.working = true
		fresh = append(fresh, m)
	}
	return fresh, back, again
}

// finish records a dead letter's result.
func (q *queue) finish(r Result, m types.Message) {
	id := aws.ToString(m.MessageId)
	q.mu.Lock()
	s := q.seen[id]
	s.working = false
	s.tries++
	if q.options.Watch && r.Outcome != Replayed && r.Outcome != Interrupted {
		s.due = time.Now().Add(retryWait(s.tries))
		r.Again = s.due
	}
	if r.Outcome == Replayed {
		q.replayed++
	}
	switch {
	case !q.options.Watch:
		q.results = append(q.results, r)
	case r.Outcome == Replayed:
		delete(q.latest, id)
	default:
		q.latest[id] = r
	}
	// A function's failure leaves the dead letters for others.
	if function := (functionError{}); q.fatal(r.Err) && !errors.As(r.Err, &function) {
		q.halt(r.Err)
	}
	q.mu.Unlock()
	q.observer.Finished(r)
}

// leave ends the work on a dead letter that was tried before, and keeps what came of
// that. It reports whether the dead letter was.
func (q *queue) leave(m types.Message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.seen[aws.ToString(m.MessageId)]
	if s.tries == 0 {
		return false
	}
	s.working = false
	return true
}

// halt remembers why there is no point in going on; q.mu is held.
func (q *queue) halt(err error) {
	if q.stop == nil {
		q.stop = err
		close(q.halted)
	}
}

func (q *queue) stopped() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stop
}

// standing is how many dead letters are held, and how many were deleted so far.
func (q *queue) standing() (held, done int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.held), q.done
}

// linger returns a context that outlives ctx by graceTime.
func linger(ctx context.Context) (context.Context, context.CancelFunc) {
	outer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(graceTime)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-outer.Done():
		}
	})
	return outer, func() {
		forget()
		cancel()
	}
}
