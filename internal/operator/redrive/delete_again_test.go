package redrive_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/operator/redrive"
)

// failingDeletes is a queue that fails entries of a batch, each so many times.
type failingDeletes struct {
	*fakeQueue
	// failed and unnamed are by handle: how often an entry fails by SQS's fault, and how
	// often the answer does not name it. blamed fail by the sender's, always.
	failed, unnamed map[string]int
	blamed          map[string]bool
	tries           map[string][]time.Time
}

func (f *failingDeletes) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, options ...func(*sqs.Options)) (
	*sqs.DeleteMessageBatchOutput, error,
) {
	out := &sqs.DeleteMessageBatchOutput{}
	passed := &sqs.DeleteMessageBatchInput{QueueUrl: in.QueueUrl}
	fail := func(e types.DeleteMessageBatchRequestEntry, code string, blamed bool) {
		out.Failed = append(out.Failed, types.BatchResultErrorEntry{
			Id: e.Id, Code: aws.String(code), Message: aws.String("not now"), SenderFault: blamed,
		})
	}
	f.mu.Lock()
	for _, e := range in.Entries {
		handle := aws.ToString(e.ReceiptHandle)
		f.tries[handle] = append(f.tries[handle], time.Now())
		n := len(f.tries[handle])
		switch {
		case n <= f.failed[handle]:
			fail(e, "InternalError", false)
		case n <= f.unnamed[handle]:
		case f.blamed[handle]:
			fail(e, "AccessDenied", true)
		default:
			passed.Entries = append(passed.Entries, e)
		}
	}
	f.mu.Unlock()
	if len(passed.Entries) == 0 {
		return out, nil
	}
	done, err := f.fakeQueue.DeleteMessageBatch(ctx, passed, options...)
	if err != nil {
		return nil, err
	}
	out.Successful, out.Failed = append(out.Successful, done.Successful...), append(out.Failed, done.Failed...)
	return out, nil
}

// TestDeleteIsTriedAgain has SQS fail some dead letters of a batch for a while, and
// others for good: only the latter are left, and those that are the sender's fault at
// once.
func TestDeleteIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Regions = []string{west}
		queue := &failingDeletes{
			fakeQueue: w.queues[west], tries: map[string][]time.Time{},
			failed:  map[string]int{"m001#1": 1, "m003#1": 3, "m004#1": 1000},
			unnamed: map[string]int{"m002#1": 2, "m005#1": 1000},
			blamed:  map[string]bool{"m006#1": true},
		}
		clients := w.options.Clients[west]
		clients.SQS = queue
		w.options.Clients[west] = clients
		for range 7 {
			queue.put(envelope("k", functionARN(west)))
		}
		report := w.run(t, t.Context())
		var left []string
		for _, r := range report.Regions[0].Results {
			if r.Outcome == redrive.NotDeleted && r.Err != nil {
				left = append(left, r.MessageID)
			}
		}
		slices.Sort(left)
		if !slices.Equal(left, []string{"m004", "m005", "m006"}) || report.Regions[0].Replayed != 4 || queue.left() != 3 ||
			queue.visible() != 3 {
			t.Errorf("not deleted: %v, replayed %d, left %d, visible %d", left, report.Regions[0].Replayed, queue.left(), queue.visible())
		}
		for handle, want := range map[string]int{
			"m000#1": 1, "m001#1": 2, "m002#1": 3, "m003#1": 4, "m004#1": 4, "m005#1": 4, "m006#1": 1,
		} {
			tries := queue.tries[handle]
			if len(tries) != want {
				t.Errorf("%s: %d tries, want %d", handle, len(tries), want)
			}
			for i := 2; i < len(tries); i++ {
				if tries[i].Sub(tries[i-1]) <= tries[i-1].Sub(tries[i-2]) {
					t.Errorf("%s: tried at %v, want growing pauses", handle, tries)
				}
			}
		}
		if got := w.functions[west].invocations(); got != 7 {
			t.Errorf("%d invocations, want one a letter", got)
		}
	})
}

// TestDeleteIsTriedAgainWhenInterrupted ends a run between the tries of a delete.
func TestDeleteIsTriedAgainWhenInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Regions = []string{west}
		queue := &failingDeletes{fakeQueue: w.queues[west], tries: map[string][]time.Time{}, failed: map[string]int{"m000#1": 3}}
		clients := w.options.Clients[west]
		clients.SQS = queue
		w.options.Clients[west] = clients
		queue.put(envelope("k", functionARN(west)))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		report := w.run(t, ctx)
		if report.Regions[0].Replayed != 1 || queue.left() != 0 {
			t.Errorf("replayed %d, left %d; want the letter deleted all the same", report.Regions[0].Replayed, queue.left())
		}
	})
}
