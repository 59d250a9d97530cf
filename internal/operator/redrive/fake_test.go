package redrive_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const account = "111122223333"

// fakeQueue is one SQS queue with visibility timeouts and receipt handles.
type fakeQueue struct {
	region string
	// errs makes the operation of that name fail.
	errs map[string]error
	// takes is how long the operation of that name takes.
	takes map[string]time.Duration
	// vague has a batch's answer say nothing of deleted messages with these handles,
	// and refusing says no.
	vague, refusing map[string]bool
	// restless makes messages visible again at once, whatever was asked for.
	restless bool
	// losing makes the first receive's answer empty, although it hands
	// messages out.
	losing bool
	// lenient answers a delete by an old handle with success, and does nothing.
	lenient bool
	// answering, if set, is called when a receive has chosen what it hands out,
	// deleted when a delete has been looked at, and extending before the
	// visibility of a message is changed.
	answering func(messages []types.Message)
	deleted   func(handle string)
	extending func(handle string)

	mu       sync.Mutex
	messages []*fakeMessage
	calls    map[string]int
	cut      int        // receives whose context ended while they waited
	gaveBack [][]string // handles, of each request that gave messages back
	changed  []chan struct{}

	abandoned []abandonedPoll
}

type fakeMessage struct {
	id, body string
	handle   string
	sent     time.Time
	visible  time.Time
	received time.Time // last
	receives int
	deleted  bool
}

func (f *fakeQueue) put(body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.messages = append(f.messages, &fakeMessage{id: fmt.Sprintf("m%03d", len(f.messages)), body: body, sent: time.Now()})
	f.wake()
}

// kill makes every further request fail, as if the client were dead.
func (f *fakeQueue) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, operation := range []string{"ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "GetQueueAttributes"} {
		f.errs[operation] = errors.New("connection reset")
	}
}

// spoil makes an operation fail.
func (f *fakeQueue) spoil(operation string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs[operation] = err
}

// heal takes all errors away.
func (f *fakeQueue) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.errs)
}

// visible and left count the messages that anybody could receive now, and all.
func (f *fakeQueue) visible() int {
	return f.count(func(m *fakeMessage) bool { return !m.visible.After(time.Now()) })
}
func (f *fakeQueue) left() int { return f.count(func(*fakeMessage) bool { return true }) }

func (f *fakeQueue) count(matches func(*fakeMessage) bool) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, m := range f.messages {
		if !m.deleted && matches(m) {
			n++
		}
	}
	return n
}

func (f *fakeQueue) called(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[operation]
}

func (f *fakeQueue) call(ctx context.Context, operation string) error {
	if d := f.takes[operation]; d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[operation]++
	if err := f.errs[operation]; err != nil {
		return &smithy.OperationError{ServiceID: "SQS", OperationName: operation, Err: err}
	}
	return ctx.Err()
}

func (f *fakeQueue) GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	if err := f.call(ctx, "GetQueueUrl"); err != nil {
		return nil, err
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: aws.String("https://sqs." + f.region + "/" + account + "/" + *in.QueueName)}, nil
}

func (f *fakeQueue) GetQueueAttributes(
	ctx context.Context, _ *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	if err := f.call(ctx, "GetQueueAttributes"); err != nil {
		return nil, err
	}
	visible := f.visible()
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"QueueArn":                              "arn:aws:sqs:" + f.region + ":" + account + ":media-dead-letters",
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(f.left() - visible),
	}}, nil
}

func (f *fakeQueue) ReceiveMessage(
	ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options),
) (*sqs.ReceiveMessageOutput, error) {
	if err := f.call(ctx, "ReceiveMessage"); err != nil {
		return nil, err
	}
	out := f.receive(in)
	if f.answering != nil {
		f.answering(out)
	}
	if f.losing {
		f.losing = false
		return &sqs.ReceiveMessageOutput{}, nil
	}
	if len(out) > 0 {
		return &sqs.ReceiveMessageOutput{Messages: out}, nil
	}
	out, err := f.poll(ctx, in)
	if err == nil && f.answering != nil {
		f.answering(out)
	}
	return &sqs.ReceiveMessageOutput{Messages: out}, err
}

// poll waits for messages that are sent or given back.
func (f *fakeQueue) poll(ctx context.Context, in *sqs.ReceiveMessageInput) ([]types.Message, error) {
	span := time.Duration(in.WaitTimeSeconds) * time.Second
	wait, until := time.NewTimer(span), time.Now().Add(span)
	defer wait.Stop()
	for {
		f.mu.Lock()
		changed := make(chan struct{})
		f.changed = append(f.changed, changed)
		f.mu.Unlock()
		if out := f.receive(in); len(out) > 0 {
			return out, nil
		}
		select {
		case <-changed:
		case <-wait.C:
			return f.receive(in), nil
		case <-ctx.Done():
			f.mu.Lock()
			defer f.mu.Unlock()
			f.cut++
			f.abandoned = append(f.abandoned, abandonedPoll{in, until})
			return nil, ctx.Err()
		}
	}
}

// abandonedPoll is a receive that was cut off. SQS does not see that, and hands
// it the next messages.
type abandonedPoll struct {
	in    *sqs.ReceiveMessageInput
	until time.Time
}

// wake wakes the polls, those that were cut off first. The lock is held.
func (f *fakeQueue) wake() {
	for _, p := range f.abandoned {
		if time.Now().Before(p.until) {
			f.handOut(p.in)
		}
	}
	f.abandoned = nil
	for _, c := range f.changed {
		close(c)
	}
	f.changed = nil
}

func (f *fakeQueue) receive(in *sqs.ReceiveMessageInput) []types.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.handOut(in)
}

// handOut hands out what is visible. The lock is held.
func (f *fakeQueue) handOut(in *sqs.ReceiveMessageInput) []types.Message {
	var out []types.Message
	for _, m := range f.messages {
		if m.deleted || m.visible.After(time.Now()) || len(out) == int(in.MaxNumberOfMessages) {
			continue
		}
		m.receives++
		m.received = time.Now()
		m.handle = fmt.Sprintf("%s#%d", m.id, m.receives)
		if !f.restless {
			m.visible = time.Now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
		}
		out = append(out, types.Message{
			MessageId: aws.String(m.id), ReceiptHandle: aws.String(m.handle), Body: aws.String(m.body),
			Attributes: m.attributes(),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"ErrorCode":    {DataType: aws.String("Number"), StringValue: aws.String("404")},
				"ErrorMessage": {DataType: aws.String("String"), StringValue: aws.String("function not found")},
			},
		})
	}
	return out
}

func (m *fakeMessage) attributes() map[string]string {
	if m.sent.IsZero() {
		return nil
	}
	return map[string]string{"SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10)}
}

// with runs change on the message that the handle holds; an old handle is
// refused.
func (f *fakeQueue) with(handle string, change func(*fakeMessage)) *types.ReceiptHandleIsInvalid {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.messages {
		if m.handle == handle && !m.deleted {
			change(m)
			return nil
		}
	}
	return &types.ReceiptHandleIsInvalid{}
}

func (f *fakeQueue) DeleteMessageBatch(
	ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options),
) (*sqs.DeleteMessageBatchOutput, error) {
	if err := f.call(ctx, "DeleteMessageBatch"); err != nil {
		return nil, err
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		switch {
		case f.vague[*e.ReceiptHandle]:
			continue
		case f.refusing[*e.ReceiptHandle]:
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{
				Id: e.Id, Code: aws.String("InternalError"), Message: aws.String("not now"),
			})
			continue
		}
		err := f.with(*e.ReceiptHandle, func(m *fakeMessage) { m.deleted = true })
		if f.deleted != nil {
			defer f.deleted(*e.ReceiptHandle)
		}
		if err == nil || f.lenient {
			out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
			continue
		}
		out.Failed = append(out.Failed, types.BatchResultErrorEntry{
			Id: e.Id, Code: aws.String(err.ErrorCode()), Message: aws.String("no"), SenderFault: true,
		})
	}
	return out, nil
}

func (f *fakeQueue) ChangeMessageVisibilityBatch(
	ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	if err := f.call(ctx, "ChangeMessageVisibilityBatch"); err != nil {
		return nil, err
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	f.noteGivenBack(in)
	for _, e := range in.Entries {
		if f.extending != nil {
			f.extending(*e.ReceiptHandle)
		}
		refusal := ""
		err := f.with(*e.ReceiptHandle, func(m *fakeMessage) {
			until := time.Now().Add(time.Duration(e.VisibilityTimeout) * time.Second)
			switch {
			case !m.visible.After(time.Now()):
				refusal = "MessageNotInflight"
			case until.Sub(m.received) > 12*time.Hour:
				refusal = "InvalidParameterValue"
			default:
				m.visible = until
			}
			f.wake()
		})
		if err != nil {
			refusal = err.ErrorCode()
		}
		if refusal != "" {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{
				Id: e.Id, Code: aws.String(refusal), Message: aws.String("no"), SenderFault: true,
			})
		}
	}
	return out, nil
}

func (f *fakeQueue) noteGivenBack(in *sqs.ChangeMessageVisibilityBatchInput) {
	var handles []string
	for _, e := range in.Entries {
		if e.VisibilityTimeout == 0 {
			handles = append(handles, *e.ReceiptHandle)
		}
	}
	if handles != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.gaveBack = append(f.gaveBack, handles)
	}
}
