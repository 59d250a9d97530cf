package redrive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"s3fanout/internal/awsapi"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// HoldTime is how long a letter stays invisible to others once received. It
// covers the longest that a function can run, 15 minutes, and the requests
// around it. A run that is killed leaves its letters invisible for that long.
const HoldTime = 17 * time.Minute

const (
	// listTime is HoldTime for a dry run, which only reads.
	listTime = 2 * time.Minute
	// pollTime makes a receive ask all of SQS's servers, where one without
	// any waiting asks a sample and can miss letters
	// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
	pollTime = time.Second
	// batch is the most messages that SQS hands out at once.
	batch = 10
	// graceTime is how long an interrupted run goes on to put things in order:
	// to learn which letters it was just given, to delete and to release.
	graceTime = 5 * time.Second
)

// queue is one Region's dead-letter queue during a run.
type queue struct {
	place
	options  Options
	clients  Clients // of the queue's Region
	observer Observer
	url      string
	topic    subscriptions
	unusable unusable

	mu      sync.Mutex
	results []Result
	held    map[string]string // message ID to the newest receipt handle
	seen    map[string]bool   // message IDs
	stop    error             // why there is no point in going on
	cut     bool              // ctx ended before the queue was read to its end
}

// redriveRegion empties one Region's queue as far as it can.
func redriveRegion(ctx context.Context, o Options, region string, observer Observer) Summary {
	q := &queue{
		place: place{region: region}, options: o, clients: o.Clients[region], observer: observer,
		held: map[string]string{}, seen: map[string]bool{},
		unusable: unusable{errs: map[Function]error{}},
	}
	before, err := q.open(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return Summary{Region: region, cut: true} // not the Region's failure
		}
		return Summary{Region: region, Err: err}
	}
	observer.Opened(region, before.visible)
	err = q.drain(ctx)
	unread := before.held
	if ctx.Err() == nil && !awsapi.Hopeless(err) {
		var failed error
		if unread, failed = q.unread(ctx, before, err == nil); err == nil {
			err = failed
		}
	}
	if kept := q.release(ctx); err == nil {
		err = kept
	}
	return Summary{Region: region, Held: unread, Results: q.results, Err: err, cut: q.cut}
}

// open finds the queue and how many letters are in it.
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
	a, ok := parseARN(queueARN)
	if !ok {
		return level{}, fmt.Errorf("region %s: queue %s: SQS gave no QueueArn", q.region, name)
	}
	q.account = a.account
	return now, nil
}

// drain works through the queue until it gives nothing new. Letters are
// received only when there is somebody free to work on them, so that none
// waits here while its HoldTime passes.
func (q *queue) drain(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, cmp.Or(q.options.Parallel, DefaultParallel))
	repeats := 0
	for {
		want, ok := acquire(ctx, free)
		if !ok || q.stopped() != nil {
			q.cut = !ok
			return q.stopped()
		}
		messages, err := q.receive(ctx, want)
		if err != nil {
			if q.cut = ctx.Err() != nil; !q.cut {
				return err
			}
		}
		fresh, again := q.take(messages)
		for range want - len(fresh) {
			<-free
		}
		for _, m := range fresh {
			wg.Go(func() {
				defer func() { <-free }()
				q.finish(q.process(ctx, m), m)
			})
		}
		// Letters that failed stay invisible until the end, but in a long run
		// they come back. When more came back than there are, with nothing new
		// between them, the queue has nothing new.
		repeats += again
		if len(fresh) > 0 {
			repeats = 0
		}
		if len(messages) == 0 || repeats > q.holding() {
			return nil
		}
	}
}

// acquire waits for one place and takes as many more as are free, at most
// batch. It reports false if ctx ended first.
func acquire(ctx context.Context, free chan struct{}) (int, bool) {
	select {
	case <-ctx.Done():
		return 0, false
	case free <- struct{}{}:
	}
	if ctx.Err() != nil {
		return 0, false
	}
	for n := 1; n < batch; n++ {
		select {
		case free <- struct{}{}:
		default:
			return n, true
		}
	}
	return batch, true
}

// receive asks for messages. An interruption does not cut the request off:
// SQS could have handed out messages that nobody then would release.
func (q *queue) receive(ctx context.Context, want int) ([]types.Message, error) {
	ctx, cancel := linger(ctx)
	defer cancel()
	hold := HoldTime
	if q.options.DryRun {
		hold = listTime
	}
	out, err := q.clients.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    aws.String(q.url),
		MaxNumberOfMessages:         int32(want), //nolint:gosec // between 1 and batch
		VisibilityTimeout:           int32(hold / time.Second),
		WaitTimeSeconds:             int32(pollTime / time.Second),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
	})
	if err != nil {
		f := awsapi.Explain(q.region, "queue "+q.options.Config.QueueName(), err)
		if awsapi.AnswerLost(err) {
			f.Add("; letters in an answer that was lost stay invisible for at most %d minutes, run it again then", int(hold.Minutes()))
		}
		return nil, f
	}
	return out.Messages, nil
}

// take remembers that messages are held and returns those that were not seen
// before, and how many were.
func (q *queue) take(messages []types.Message) (fresh []types.Message, again int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range messages {
		id := aws.ToString(m.MessageId)
		q.held[id] = aws.ToString(m.ReceiptHandle)
		if q.seen[id] {
			again++
			continue
		}
		q.seen[id] = true
		fresh = append(fresh, m)
	}
	return fresh, again
}

// finish records a letter's result.
func (q *queue) finish(r Result, m types.Message) {
	q.mu.Lock()
	q.results = append(q.results, r)
	if r.Outcome == Replayed {
		delete(q.held, aws.ToString(m.MessageId))
	}
	// A function's failure leaves the letters for others.
	if function := (functionError{}); awsapi.Hopeless(r.Err) && !errors.As(r.Err, &function) {
		q.stop = r.Err
	}
	q.mu.Unlock()
	q.observer.Finished(r)
}

func (q *queue) stopped() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stop
}

func (q *queue) holding() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.held)
}

// release makes the letters that stay visible again, so that the next run
// need not wait. One that cannot be released becomes visible by itself within
// HoldTime; the first such error is returned.
func (q *queue) release(ctx context.Context) error {
	ctx, cancel := linger(ctx)
	defer cancel()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
		free  = make(chan struct{}, batch)
	)
	for _, handle := range slices.Sorted(maps.Values(q.held)) {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			_, err := q.clients.SQS.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
				QueueUrl: aws.String(q.url), ReceiptHandle: aws.String(handle), VisibilityTimeout: 0,
			})
			if err == nil || expired(err) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if first == nil {
				f := awsapi.Explain(q.region, "queue "+q.options.Config.QueueName(), err)
				f.Add("; letters stay invisible for up to %d minutes", int(HoldTime.Minutes()))
				first = f
			}
		})
	}
	wg.Wait()
	return first
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
