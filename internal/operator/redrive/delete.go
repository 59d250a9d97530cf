package redrive

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/aws/awsapi"
)

// delete takes a letter out of the queue, also if ctx has ended: its work is
// done. A letter that came back meanwhile, as its hold had run out, is held by
// another receipt handle, and deleted by that, also where SQS took the old one:
// it says that a letter is deleted, too, where the handle was not the newest
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html).
func (q *queue) delete(ctx context.Context, m types.Message) error {
	ctx, cancel := linger(ctx)
	defer cancel()
	for handle := q.newest(m); ; {
		_, err := q.clients.SQS.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(q.url), ReceiptHandle: aws.String(handle)})
		old := handle
		if err == nil {
			if handle = q.deleted(m, old); handle == old {
				return nil
			}
			continue
		}
		if expired(err) {
			q.asked(ctx) // its answer may be on its way
			handle = q.newest(m)
		}
		if handle == old { // somebody else's, or another trouble
			return awsapi.Explain(q.region, "queue "+q.options.Config.QueueName(), err)
		}
	}
}

// deleted remembers that a letter was deleted by a handle, unless it is held by
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
