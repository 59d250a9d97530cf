// Package redrive replays the dead letters of a replica set: it reads the Regions'
// dead-letter queues, invokes the function that each dead letter was meant for, and
// deletes a dead letter once that function has done its work.
//
// It guarantees that a dead letter is deleted only after every function that it was
// meant for has succeeded. Whatever else happens to it, its failing again, an
// interruption, two runs at once or the death of the process, leaves it in the
// queue; at worst it is replayed twice, which is harmless, because copying what
// exists already changes nothing. A dead letter that cannot be understood, or that
// is not the replica set's, is reported and left.
//
// A copy that the function handed over to itself and that failed later is
// continued, not begun again: its dead letter holds what is needed for that. Where
// the function hands it over once more, its work goes on after the dead letter is
// deleted, and a later failure is a new dead letter.
//
// A dead letter that a run is at work on, or has done with, stays invisible to
// others because the run keeps saying so, HoldTime at a time. Nobody else tries it
// meanwhile, and a run that is killed gives it back within HoldTime.
//
// It does not change a dead letter or read objects, and waits for new dead letters
// only as a watch.
package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/replicaset"
)

// SQS is the part of *sqs.Client that a redrive uses.
type SQS interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(
		context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options),
	) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// Lambda is the part of *lambda.Client that a redrive uses.
type Lambda interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// SNS is the part of *sns.Client that a redrive uses.
type SNS interface {
	ListSubscriptionsByTopic(
		context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options),
	) (*sns.ListSubscriptionsByTopicOutput, error)
}

// Clients are the clients of one Region. They must be safe for concurrent use. A
// dry run needs that of SQS alone.
type Clients struct {
	SQS    SQS
	Lambda Lambda
	SNS    SNS
}

// DefaultParallel is how many dead letters of one queue are replayed at once unless
// Options says otherwise. Each holds one of the functions' concurrent executions,
// which new objects need too.
const DefaultParallel = 8

// Options say what to redrive.
type Options struct {
	Config replicaset.Config
	// Clients has the clients of every member of the replica set: what SNS
	// could not deliver in one Region is for a function in another.
	Clients map[string]Clients
	// Regions are the members whose queues are read; empty means all of them.
	Regions []string
	// DryRun reads and reports the dead letters, invokes no function, deletes
	// nothing, and makes every dead letter visible again before Run returns.
	DryRun bool
	// Parallel is how many dead letters of one queue are replayed at once; 0 means
	// DefaultParallel.
	Parallel int
	// Filter chooses the dead letters; others are left and reported as Skipped.
	Filter Filter
	// Max is how many dead letters are tried at most, over all Regions; 0 means no
	// limit. The functions of a dead letter count as one.
	Max int
	// Rate is how many dead letters are replayed in a second at most, over all
	// Regions; 0 means no limit.
	Rate float64
	// Watch goes on when the queues are empty: it waits for new dead letters, and
	// tries what was not replayed again, after RetryFirst and then ever longer,
	// RetryMost at most. It ends with the context, after Max dead letters, or when
	// no queue can be read; a Region that cannot be reached is waited for. Not
	// together with DryRun.
	Watch bool
}

// Outcome is what became of a dead letter. The values are stable.
type Outcome string

// The outcomes of a dead letter. Only Replayed takes it out of the queue.
const (
	Replayed      Outcome = "replayed"       // the function succeeded, the dead letter is deleted
	Waiting       Outcome = "waiting"        // dry run: it would be replayed
	Failed        Outcome = "failed"         // the function failed again
	NotUnderstood Outcome = "not-understood" // no known form
	NotOurs       Outcome = "not-ours"       // of a function or topic outside the replica set, or of another Region than the queue
	NotInvoked    Outcome = "not-invoked"    // a function could not be invoked; see Err
	NotDeleted    Outcome = "not-deleted"    // replayed, but the dead letter could not be deleted; see Err
	Interrupted   Outcome = "interrupted"    // the run was interrupted first
	Skipped       Outcome = "skipped"        // not selected: by Filter, or beyond Max
)

// Function is one that a dead letter was meant for.
type Function struct {
	Region string
	Name   string
}

// Result is what one dead letter said and what became of it.
type Result struct {
	Region    string // of the queue
	MessageID string
	SentAt    time.Time // when it came into the queue; zero if unknown
	// Letter is what was read, without payload. It is the zero value if the
	// outcome is NotUnderstood.
	Letter    deadletter.Letter
	Functions []Function // those that were invoked
	// Did counts what the functions say became of the objects, if they did not
	// fail: copied, exists, diverged, sourceGone, unfinished (other invocations go
	// on with it), testEvents, excluded, replaced, superseded, deleted or retagged.
	Did     map[string]int
	Outcome Outcome
	// Detail says in one line why the outcome is not Replayed; for Waiting it
	// is empty.
	Detail string
	// Err is the request that failed, if the outcome is due to one.
	Err error
	// Again is when a watch tries the dead letter again, at the earliest; zero
	// means not in this run.
	Again time.Time
}

// Summary is what a run did in one Region.
type Summary struct {
	Region string
	// Held is the number of dead letters that are in the queue, as SQS estimates
	// it, and that the run could not read: another redrive holds them, or one that
	// died less than HoldTime ago, or the answer that had them was lost.
	Held int
	// Replayed is the number of dead letters that were.
	Replayed int
	// Results are those of all dead letters, in the order in which they were
	// finished. Of a watch they are the newest results of the dead letters that it
	// did not replay, the oldest dead letter first.
	Results []Result
	// Limited says that Options.Max ended the work on the queue.
	Limited bool
	// Err is why the queue could not be read, or not to its end.
	Err error
	// cut says that the context ended before the queue was read to its end.
	cut bool
}

// Report is the outcome of a run, a Summary for each Region in the order of
// Options.Regions.
type Report struct {
	Regions []Summary
	// Interrupted says that the context ended before the work did; what was
	// finished by then does not make it so, and a watch has no other end.
	Interrupted bool
}

// Left is how many dead letters the run knows to be in the queues still, except
// those that it was not asked for.
func (r Report) Left() int {
	left := 0
	for _, s := range r.Regions {
		left += s.Held
		for _, l := range s.Results {
			if l.Outcome != Replayed && l.Outcome != Skipped {
				left++
			}
		}
	}
	return left
}

// Err joins the errors of the Regions and dead letters, each text once, for all the
// Regions that have it; nil means that every request was answered. A function that
// failed is not an error.
func (r Report) Err() error {
	var errs []error
	for _, s := range r.Regions {
		errs = append(errs, s.Err)
		for _, l := range s.Results {
			errs = append(errs, l.Err)
		}
	}
	return awsapi.Join(errs)
}

// Observer has what happens reported while it happens. Its functions may be nil
// and are called one at a time, from goroutines of the run.
type Observer struct {
	// Opened says that the queue of a Region was found, with about so many dead
	// letters waiting.
	Opened func(region string, waiting int)
	// Finished is called once for each dead letter, by a watch each time that it
	// tried one.
	Finished func(Result)
	// Trouble says that a Region's queue could not be read: a watch tries
	// again, unless the error is in the Region's Summary in the end. No error
	// says that it can be read again.
	Trouble func(region string, err error)
}

func (s Summary) interrupted() bool {
	return s.cut || slices.ContainsFunc(s.Results, func(r Result) bool { return r.Outcome == Interrupted })
}

// Run redrives the queues of all Regions at once and returns when everything
// that was in them has been tried once, or as Options.Watch says. When ctx ends it stops receiving,
// abandons the invocations under way, makes visible what it still holds, and
// returns within seconds.
//
// The error is about Options alone. What failed in the Regions is in the
// Report; one Region's failure does not stop the others.
func Run(ctx context.Context, o Options, observer Observer) (Report, error) {
	regions := o.Regions
	if len(regions) == 0 {
		regions = o.Config.Regions
	}
	for _, region := range regions {
		if !o.Config.Contains(region) {
			return Report{}, fmt.Errorf("%s is not a Region of the replica set %s", region, o.Config.Name)
		}
	}
	for _, region := range o.Config.Regions {
		if c := o.Clients[region]; c.SQS == nil || !o.DryRun && (c.Lambda == nil || c.SNS == nil) {
			return Report{}, fmt.Errorf("the clients of %s are missing", region)
		}
	}
	if o.Watch && o.DryRun {
		return Report{}, errors.New("a dry run cannot watch")
	}
	observer = serialised(observer)
	shared := newLimits(o)
	report := Report{Regions: make([]Summary, len(regions))}
	var wg sync.WaitGroup
	for i, region := range regions {
		wg.Go(func() { report.Regions[i] = redriveRegion(ctx, o, region, shared, observer) })
	}
	wg.Wait()
	report.Interrupted = !o.Watch && slices.ContainsFunc(report.Regions, Summary.interrupted)
	return report, nil
}

// serialised returns an observer without nil functions, whose functions never
// run at the same time.
func serialised(o Observer) Observer {
	var mu sync.Mutex
	return Observer{
		Opened: func(region string, waiting int) {
			mu.Lock()
			defer mu.Unlock()
			if o.Opened != nil {
				o.Opened(region, waiting)
			}
		},
		Finished: func(r Result) {
			mu.Lock()
			defer mu.Unlock()
			if o.Finished != nil {
				o.Finished(r)
			}
		},
		Trouble: func(region string, err error) {
			mu.Lock()
			defer mu.Unlock()
			if o.Trouble != nil {
				o.Trouble(region, err)
			}
		},
	}
}
