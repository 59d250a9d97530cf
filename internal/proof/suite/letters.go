package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queue is the URL of a Region's dead-letter queue.
func (w *world) queue(ctx context.Context, region string) (*string, error) {
	out, err := w.clients[region].sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(w.o.set.QueueName())})
	if err != nil {
		return nil, fmt.Errorf("find the dead-letter queue in %s: %w", region, err)
	}
	return out.QueueUrl, nil
}

// letters counts the failed events that wait in a Region, those in flight too.
func (w *world) letters(ctx context.Context, region string) (int, error) {
	url, err := w.queue(ctx, region)
	if err != nil {
		return 0, err
	}
	names := []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible}
	out, err := w.clients[region].sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: names})
	if err != nil {
		return 0, fmt.Errorf("count the failed events in %s: %w", region, err)
	}
	n := 0
	for _, name := range names {
		one, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("count the failed events in %s: %w", region, err)
		}
		n += one
	}
	return n, nil
}

// letter waits for a failed event in a Region and returns it; it stays.
func (w *world) letter(ctx context.Context, region string) (m types.Message, err error) {
	url, err := w.queue(ctx, region)
	if err != nil {
		return m, err
	}
	err = poll(ctx, time.Second, arrival, func(ctx context.Context) (bool, string, error) {
		out, err := w.clients[region].sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: url, VisibilityTimeout: 1, MaxNumberOfMessages: 1, MessageAttributeNames: []string{"All"},
		})
		if err != nil || len(out.Messages) == 0 {
			return false, "no failed event is in the dead-letter queue of " + region, err
		}
		m = out.Messages[0]
		return true, "", nil
	})
	return m, err
}

// drained waits until a Region's dead-letter queue is empty.
func (w *world) drained(ctx context.Context, region string) error {
	return poll(ctx, time.Second, arrival, func(ctx context.Context) (bool, string, error) {
		n, err := w.letters(ctx, region)
		return n == 0, fmt.Sprintf("%d failed events are in the dead-letter queue of %s", n, region), err
	})
}

// redrive runs s3fanout redrive on a Region until it has nothing left to do: a
// queue can hold a message back for a while.
func (w *world) redrive(ctx context.Context, region string) error {
	return poll(ctx, 2*time.Second, arrival, func(ctx context.Context) (bool, string, error) {
		out, err := w.s3fanout(ctx, "redrive", "--region", region)
		if err != nil {
			return false, "", err
		}
		n, err := w.letters(ctx, region)
		return out.code == 0 && n == 0, fmt.Sprintf("redrive ended with %d, %d are left: %s", out.code, n, out.last()), err
	})
}
