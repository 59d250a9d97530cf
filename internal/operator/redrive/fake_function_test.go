package redrive_test

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
)

// fakeFunction is one Region's function.
type fakeFunction struct {
	// run answers an invocation; nil means success. An error that wraps
	// errThrown is the function's own.
	run func(ctx context.Context, payload string) error
	// answer is that of an invocation that succeeded; empty means null.
	answer string

	mu       sync.Mutex
	names    []string
	payloads []string
}

var errThrown = errors.New("thrown")

func (f *fakeFunction) invocations() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.payloads)
}

func (f *fakeFunction) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	f.mu.Lock()
	f.names = append(f.names, *in.FunctionName)
	f.payloads = append(f.payloads, string(in.Payload))
	f.mu.Unlock()
	done := &lambda.InvokeOutput{StatusCode: 200, Payload: []byte(cmp.Or(f.answer, "null"))}
	if f.run == nil {
		return done, nil
	}
	switch err := f.run(ctx, string(in.Payload)); {
	case errors.Is(err, errThrown):
		return &lambda.InvokeOutput{
			StatusCode: 200, FunctionError: aws.String("Unhandled"),
			Payload: []byte(`{"errorMessage":"target still gone","errorType":"ReplicationError"}`),
		}, nil
	case err != nil:
		return nil, &smithy.OperationError{ServiceID: "Lambda", OperationName: "Invoke", Err: err}
	}
	return done, nil
}

// fakeTopics answers for one topic, a subscription a page.
type fakeTopics struct {
	subscriptions []snstypes.Subscription
	err           error
	once          error         // of the first answer
	takes         time.Duration // each answer

	mu    sync.Mutex
	calls int
}

func (f *fakeTopics) ListSubscriptionsByTopic(
	ctx context.Context, in *sns.ListSubscriptionsByTopicInput, _ ...func(*sns.Options),
) (*sns.ListSubscriptionsByTopicOutput, error) {
	if f.takes > 0 {
		select {
		case <-time.After(f.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if once := f.once; once != nil {
		f.once = nil
		return nil, &smithy.OperationError{ServiceID: "SNS", OperationName: "ListSubscriptionsByTopic", Err: once}
	}
	if f.err != nil {
		return nil, &smithy.OperationError{ServiceID: "SNS", OperationName: "ListSubscriptionsByTopic", Err: f.err}
	}
	page, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &sns.ListSubscriptionsByTopicOutput{}
	if page < len(f.subscriptions) {
		out.Subscriptions = f.subscriptions[page : page+1]
	}
	if page+1 < len(f.subscriptions) {
		out.NextToken = aws.String(strconv.Itoa(page + 1))
	}
	return out, nil
}
