package redrive

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/awsapi"
)

// delete takes a letter out of the queue, also if ctx has ended: its work is
// done. A letter that came back meanwhile, as its hold had run out, is held by
// another receipt handle, and deleted by that.
func (q *queue) delete(ctx context.Context, m types.Message) error {
	ctx, cancel := linger(ctx, graceTime)
	defer cancel()
	handle := q.newest(m)
	for {
		_, err := q.clients.SQS.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(q.url), ReceiptHandle: aws.String(handle)})
		if err == nil {
			return nil
		}
		old := handle
		if expired(err) {
			q.asked(ctx) // its answer may be on its way
			handle = q.newest(m)
		}
		if handle == old { // somebody else's, or another trouble
			return awsapi.Explain(q.region, "queue "+q.options.Config.QueueName(), err)
		}
	}
}

// newest is the receipt handle that the run holds a letter by.
func (q *queue) newest(m types.Message) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h := q.held[aws.ToString(m.MessageId)]; h != nil {
		return h.handle
	}
	return aws.ToString(m.ReceiptHandle)
}

// asked waits until the receive that is under way, if one is, has brought what
// it brings.
func (q *queue) asked(ctx context.Context) {
	q.mu.Lock()
	asking := q.asking
	q.mu.Unlock()
	if asking == nil {
		return
	}
	select {
	case <-asking:
	case <-ctx.Done():
	}
}

// discard deletes a letter again that is back after it was replayed: SQS says
// that a letter is deleted, too, where the handle was not the newest
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html).
// If that fails, the letter stays for the next run, and is replayed twice,
// which is harmless.
func (q *queue) discard(ctx context.Context, m types.Message) {
	if q.delete(ctx, m) != nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.held, aws.ToString(m.MessageId))
}
