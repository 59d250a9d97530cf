package sim

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/operator/redrive"
)

const (
	seenTwice   fault = "SQS hands a letter out that is held"
	entryFailed fault = "SQS fails an entry of a batch"
	entryLost   fault = "SQS does not name an entry of a batch"
	staleHandle fault = "SQS refuses an older receipt handle"
)

// queue is a Region's dead-letter queue.
type queue struct {
	w       *world
	region  string
	letters []*letter
}

type letter struct {
	id, body string
	visible  time.Time
	received int
	sent     time.Time
	names    []string // see letterNames; nil if it has not been read yet
}

func (q *queue) send(id, body string) {
	q.w.mu.Lock()
	defer q.w.mu.Unlock()
	q.w.stats.letters++
	now := time.Now()
	q.letters = append(q.letters, &letter{id: fmt.Sprintf("m-%016x", q.w.seed.roll(id, "letter")), body: body, visible: now, sent: now})
	q.w.say("%s: letter of %s", q.region, id)
}

// clients are a redrive's, one of each service in each Region.
func (w *world) clients(p *process) map[string]redrive.Clients {
	m := map[string]redrive.Clients{}
	for _, r := range w.set.Regions {
		m[r] = redrive.Clients{SQS: sqsClient{p, w.queues[r]}, Lambda: lambdaClient{p, r}, SNS: snsClient{p, r}}
	}
	return m
}

type sqsClient struct {
	*process
	q *queue
}

func ask[T any](ctx context.Context, c sqsClient, op, what string, attempts int, effect func(id string) (*T, error)) (*T, error) {
	return call(ctx, c.process, c.q.region, op, c.q.region+" "+what, attempts, effect)
}

func (c sqsClient) GetQueueUrl(ctx context.Context, _ *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return ask(ctx, c, "GetQueueUrl", "", sdkRetries, func(string) (*sqs.GetQueueUrlOutput, error) {
		return &sqs.GetQueueUrlOutput{QueueUrl: aws.String("https://sqs.example/" + c.q.region)}, nil
	})
}

func (c sqsClient) GetQueueAttributes(
	ctx context.Context, _ *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	return ask(ctx, c, "GetQueueAttributes", "", sdkRetries, func(string) (*sqs.GetQueueAttributesOutput, error) {
		visible, held := 0, 0
		for _, l := range c.q.letters {
			if l.visible.After(time.Now()) {
				held++
			} else {
				visible++
			}
		}
		out := &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
			"QueueArn":                              namesOf(c.q.region).queueARN,
			"ApproximateNumberOfMessages":           fmt.Sprint(visible),
			"ApproximateNumberOfMessagesNotVisible": fmt.Sprint(held),
		}}
		return out, nil
	})
}

func (c sqsClient) ReceiveMessage(
	ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options),
) (*sqs.ReceiveMessageOutput, error) {
	w := c.w
	out, err := ask(ctx, c, "ReceiveMessage", "", 1, func(id string) (*sqs.ReceiveMessageOutput, error) {
		out := &sqs.ReceiveMessageOutput{}
		now := time.Now()
		for _, l := range c.q.letters {
			held := l.visible.After(now)
			if held && !w.calm && w.seed.chance(w.schedule.profile.twice/4, id, l.id) {
				w.noteLocked(id+" "+l.id, seenTwice)
				held = false
			}
			// Dead letters that say the same are never handed out at the same moment:
			// nothing would tell the invocations apart.
			twin := slices.ContainsFunc(out.Messages, func(m types.Message) bool { return sameEvent(*m.Body, l.body) })
			if held || twin || len(out.Messages) == int(in.MaxNumberOfMessages) {
				continue
			}
			l.received++
			l.visible = now.Add(time.Duration(in.VisibilityTimeout) * time.Second)
			out.Messages = append(out.Messages, types.Message{
				MessageId: aws.String(l.id), Body: aws.String(l.body), ReceiptHandle: aws.String(fmt.Sprintf("%s#%d", l.id, l.received)),
				Attributes: map[string]string{"SentTimestamp": fmt.Sprint(l.sent.UnixMilli())},
			})
		}
		return out, nil
	})
	if err == nil && len(out.Messages) == 0 {
		id := c.identity(ctx, c.q.region+" waits for messages")
		if cut := c.pause(ctx, time.Duration(in.WaitTimeSeconds)*time.Second); cut {
			err = c.cutOff(ctx, id)
		}
	}
	return out, err
}

// handovers is what a redrive sets to zero.
var handovers = regexp.MustCompile(`"handovers":\d+`)

// sameEvent says of two dead letters that the function would be invoked with the same,
// whatever they say of how that went.
func sameEvent(a, b string) bool {
	payload := func(body string) string {
		if _, rest, ok := strings.Cut(body, `"requestPayload":`); ok {
			body, _, _ = strings.Cut(rest, `,"responseContext"`)
			body, _, _ = strings.Cut(body, `,"timestamp"`)
		}
		return handovers.ReplaceAllString(body, "")
	}
	return payload(a) == payload(b)
}

// ofHandle finds a dead letter. An older handle works as long as the dead letter was
// not received again.
func (q *queue) ofHandle(handle *string) *letter {
	id, n, _ := strings.Cut(aws.ToString(handle), "#")
	for _, l := range q.letters {
		if l.id == id && n == fmt.Sprint(l.received) {
			return l
		}
	}
	return nil
}

// DeleteMessageBatch can fail for some dead letters. An older handle deletes nothing;
// SQS says so, or succeeds.
func (c sqsClient) DeleteMessageBatch(
	ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options),
) (*sqs.DeleteMessageBatchOutput, error) {
	what := aws.ToString(in.Entries[0].ReceiptHandle)
	return ask(ctx, c, "DeleteMessageBatch", what, sdkRetries, func(id string) (*sqs.DeleteMessageBatchOutput, error) {
		out := &sqs.DeleteMessageBatchOutput{}
		for _, e := range in.Entries {
			l := c.q.ofHandle(e.ReceiptHandle)
			switch c.entryFault(id, aws.ToString(e.ReceiptHandle), l == nil) {
			case entryFailed:
				out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")})
				continue
			case entryLost:
				continue
			case staleHandle:
				out.Failed = append(out.Failed, types.BatchResultErrorEntry{
					Id: e.Id, Code: aws.String("ReceiptHandleIsInvalid"), SenderFault: true,
				})
				continue
			}
			if l != nil {
				c.w.stats.replayed++
				c.q.letters = slices.DeleteFunc(c.q.letters, func(o *letter) bool { return o == l })
			}
			out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
		}
		return out, nil
	})
}

// entryFault is what happens to a dead letter's entry of a batch. The lock is held.
func (c sqsClient) entryFault(id, handle string, stale bool) fault {
	w, f := c.w, none
	roll, few := w.seed.of(id, handle), w.schedule.profile.faults
	switch {
	case w.calm || c.reliable:
	case stale && roll.chance(500, string(staleHandle)):
		f = staleHandle
	case roll.chance(few, string(entryFailed)):
		f = entryFailed
	case roll.chance(few/2, string(entryLost)):
		f = entryLost
	}
	name := id + " " + handle
	if f == none || w.schedule.calm[string(f)] || w.schedule.calm[name] {
		return none
	}
	w.noteLocked(name, f)
	return f
}

func (c sqsClient) ChangeMessageVisibilityBatch(
	ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return ask(ctx, c, "ChangeMessageVisibilityBatch", aws.ToString(in.Entries[0].ReceiptHandle), sdkRetries,
		func(string) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
			out := &sqs.ChangeMessageVisibilityBatchOutput{}
			for _, e := range in.Entries {
				if l := c.q.ofHandle(e.ReceiptHandle); l != nil {
					l.visible = time.Now().Add(time.Duration(e.VisibilityTimeout) * time.Second)
					continue
				}
				out.Failed = append(out.Failed, types.BatchResultErrorEntry{
					Id: e.Id, Code: aws.String("InvalidParameterValue"), SenderFault: true,
				})
			}
			return out, nil
		})
}

type lambdaClient struct {
	*process
	where string
}

// Invoke runs the function and waits for its end, which comes also if nobody
// waits any more.
func (c lambdaClient) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	w := c.w
	what := fmt.Sprintf("%s %016x", c.where, seed(0).roll(string(in.Payload)))
	ended, err := call(ctx, c.process, c.where, "Invoke", what, 1, func(id string) (chan error, error) {
		ended := make(chan error, 1)
		w.spawn(func() {
			ended <- w.execute(c.where, in.Payload, id, 0)
		})
		return ended, nil
	})
	if err != nil {
		return nil, err
	}
	var failed bool
	select {
	case failure := <-ended:
		failed = failure != nil
	case <-ctx.Done():
		return nil, canceled("Invoke", c.cutOff(ctx, c.identity(ctx, "waits for "+what)))
	case <-c.dead:
		return nil, canceled("Invoke", errKilled)
	}
	if failed {
		return &lambda.InvokeOutput{ //nolint:nilerr // the function failed, not the request
			StatusCode: 200, FunctionError: aws.String("Unhandled"),
			Payload: []byte(`{"errorMessage":"it failed","errorType":"ReplicationError"}`),
		}, nil
	}
	return &lambda.InvokeOutput{StatusCode: 200, Payload: []byte(`{}`)}, nil
}

type snsClient struct {
	*process
	where string
}

// ListSubscriptionsByTopic takes a nanosecond. Dead letters that are received together
// ask one question; took it no time, then after a failure the first of them would ask
// again, or would not, whichever way they are run. And nothing else happens in that
// nanosecond, which would find some of them waiting.
func (c snsClient) ListSubscriptionsByTopic(
	ctx context.Context, in *sns.ListSubscriptionsByTopicInput, _ ...func(*sns.Options),
) (*sns.ListSubscriptionsByTopicOutput, error) {
	const op = "ListSubscriptionsByTopic"
	w, id := c.w, c.identity(ctx, op+" "+c.where)
	w.wait(time.Nanosecond)
	switch {
	case ctx.Err() != nil || c.killed():
		return nil, canceled(op, errKilled)
	case w.isAway(c.where):
		w.note(id, unreachable)
		return nil, unreachable.err(op)
	}
	if f := w.faultOf(c.process, op, id, w.seed.of(id)); f != none {
		w.note(id, f)
		return nil, f.err(op)
	}
	out := &sns.ListSubscriptionsByTopicOutput{}
	for _, to := range w.set.Others(c.where) {
		out.Subscriptions = append(out.Subscriptions, snstypes.Subscription{
			SubscriptionArn: aws.String(*in.TopicArn + ":sub-" + to), Endpoint: aws.String(namesOf(to).functionARN),
		})
	}
	return out, nil
}
