package redrive

import (
	"context"
	"s3fanout/internal/aws/awsapi"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// level is how many dead letters are in a queue, as SQS estimates it. An estimate can
// be up to a minute behind
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html).
type level struct {
	visible int // can be received
	held    int // received by somebody, not deleted yet
}

// measure asks for the queue's level and ARN.
func (q *queue) measure(ctx context.Context) (now level, queueARN string, err error) {
	out, err := q.clients.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(q.url),
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameQueueArn,
			types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		},
	})
	if err != nil {
		return level{}, "", awsapi.Explain(q.region, "queue "+q.options.Config.QueueName(), err)
	}
	attribute := func(name types.QueueAttributeName) string { return out.Attributes[string(name)] }
	// Without an estimate the work is the same.
	now.visible, _ = strconv.Atoi(attribute(types.QueueAttributeNameApproximateNumberOfMessages))
	now.held, _ = strconv.Atoi(attribute(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible))
	return now, attribute(types.QueueAttributeNameQueueArn), nil
}

// unread estimates how many dead letters are in the queue that the run did not read. It
// asks again only where there is a doubt. ended says that the queue gave nothing new;
// otherwise what is visible is for the next run, and no dead letter that was missed.
func (q *queue) unread(ctx context.Context, before level, ended bool) (int, error) {
	read, holding := q.counts()
	if !doubtful(before, read) {
		return 0, nil
	}
	after, _, err := q.measure(ctx)
	if err != nil {
		return before.held, err
	}
	if !ended {
		after.visible = 0
	}
	return missed(before, after, read, holding), nil
}

// doubtful says that the dead letters read do not account for those announced. A run
// that read none always looks twice before it says that there are none.
func doubtful(before level, read int) bool {
	return read == 0 || read < before.visible+before.held
}

// missed is how many dead letters a run did not see: those in the queue afterwards
// except the ones that it is holding. Where it read some, at most those that were
// announced and not read count: SQS's numbers may still have dead letters that the run
// has just deleted.
func missed(before, after level, read, holding int) int {
	n := max(0, after.visible+after.held-holding)
	if read > 0 {
		n = min(n, max(0, before.visible+before.held-read))
	}
	return n
}

// counts are how many dead letters the run has read, and how many it is holding.
func (q *queue) counts() (read, holding int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.seen), len(q.held)
}
