package redrive_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/operator/redrive"
)

// TestFunctionsDoNotWaitForTheQueue has SQS take about as long as an invocation, as from
// another continent. Dead letters are received ahead and deleted behind, so that
// replaying takes no longer than invoking alone.
func TestFunctionsDoNotWaitForTheQueue(t *testing.T) {
	const invocation, letters = 110 * time.Millisecond, 1600
	for _, parallel := range []int{1, 8, 64} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			queue := w.queues[west]
			w.options.Parallel = parallel
			queue.takes = map[string]time.Duration{"ReceiveMessage": 100 * time.Millisecond, "DeleteMessageBatch": 100 * time.Millisecond}
			var running, most atomic.Int64
			w.functions[west].run = func(context.Context, string) error {
				n := running.Add(1)
				defer running.Add(-1)
				most.Store(max(most.Load(), n))
				<-time.After(invocation)
				return nil
			}
			for range letters {
				queue.put(envelope("k", functionARN(west)))
			}
			began := time.Now()
			report := w.run(t, t.Context())
			took := time.Since(began)
			if report.Regions[1].Replayed != letters || queue.left() != 0 {
				t.Fatalf("%d of %d letters replayed, %d left", report.Regions[1].Replayed, letters, queue.left())
			}
			alone := time.Duration(letters/parallel) * invocation
			// Beyond that, the first answer and the last, which waits for more.
			if longest := alone*100/95 + 1500*time.Millisecond; took > longest {
				t.Errorf("%d at once: it took %v, want at most %v; invoking alone takes %v", parallel, took, longest, alone)
			}
			if got := most.Load(); got != int64(parallel) {
				t.Errorf("%d functions ran at once, want %d", got, parallel)
			}
			if n := queue.called("ReceiveMessage"); n > letters/10+parallel/3+5 { // those that the last ones find empty
				t.Errorf("%d receives for %d letters", n, letters)
			}
		})
	}
}

// TestDeletesShareRequests counts the requests that it takes to delete dead letters,
// and looks that each dead letter's function is done by then.
func TestDeletesShareRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		queue := w.queues[west]
		queue.takes = map[string]time.Duration{"DeleteMessageBatch": 10 * time.Millisecond}
		var done atomic.Int64
		w.functions[west].run = func(context.Context, string) error {
			<-time.After(5 * time.Millisecond)
			done.Add(1)
			return nil
		}
		var deleted atomic.Int64
		queue.deleted = func(string) {
			if n := deleted.Add(1); n > done.Load() {
				t.Errorf("%d letters are deleted after %d invocations", n, done.Load())
			}
		}
		for range 400 {
			queue.put(envelope("k", functionARN(west)))
		}
		if report := w.run(t, t.Context()); report.Regions[1].Replayed != 400 || queue.left() != 0 {
			t.Errorf("%d replayed, %d left", report.Regions[1].Replayed, queue.left())
		}
		if n := queue.called("DeleteMessageBatch"); n < 40 || n > 80 {
			t.Errorf("%d requests to delete 400 letters, want 40 to 80", n)
		}
	})
}

// TestDeleteThatDidNotHappenIsSaid has SQS refuse an entry of a batch, and say nothing of
// another, also when it is asked again: both dead letters may be in the queue still.
func TestDeleteThatDidNotHappenIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		queue := w.queues[west]
		queue.refusing, queue.vague = map[string]bool{"m001#1": true}, map[string]bool{"m002#1": true}
		for range 4 {
			queue.put(envelope("k", functionARN(west)))
		}
		report := w.run(t, t.Context())
		var left []string
		for _, r := range report.Regions[1].Results {
			if r.Outcome == redrive.NotDeleted && r.Err != nil {
				left = append(left, r.MessageID)
			}
		}
		slices.Sort(left)
		if !slices.Equal(left, []string{"m001", "m002"}) || report.Regions[1].Replayed != 2 || report.Left() != 2 || queue.visible() != 2 {
			t.Errorf("not deleted: %v, replayed %d, left %d, visible %d", left, report.Regions[1].Replayed, report.Left(), queue.visible())
		}
		if got := queue.called("DeleteMessageBatch"); got < 4 {
			t.Errorf("%d requests to delete, want three more than the first at least", got)
		}
	})
}

// TestInterruptedLettersAheadAreGivenBack interrupts a run that has received dead
// letters which no function has begun with: they are said to be left, and visible at
// once.
func TestInterruptedLettersAheadAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		queue := w.queues[west]
		w.options.Parallel = 1
		ctx, cancel := context.WithCancel(t.Context())
		w.functions[west].run = func(ctx context.Context, _ string) error {
			synctest.Wait()
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}
		ahead := 0
		queue.answering = func(messages []types.Message) { ahead += len(messages) }
		for range 100 {
			queue.put(envelope("k", functionARN(west)))
		}
		report := w.run(t, ctx)
		if ahead != 20 && ahead != 30 {
			t.Errorf("%d letters were received for one function, want 20, and perhaps a batch more", ahead)
		}
		got := strings.Count(outcomes(report), string(redrive.Interrupted))
		if got != ahead || report.Left() != ahead || !report.Interrupted {
			t.Errorf("%d letters are interrupted, %d left, want the %d received; interrupted: %v",
				got, report.Left(), ahead, report.Interrupted)
		}
		if queue.visible() != 100 || w.functions[west].invocations() != 1 {
			t.Errorf("%d visible, %d invocations; want all 100, and one", queue.visible(), w.functions[west].invocations())
		}
	})
}

// TestLettersAheadOfAFatalErrorAreLeft has a run end because dead letters cannot be
// deleted: all that it received are in the queue still, and in its report.
func TestLettersAheadOfAFatalErrorAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		queue := w.queues[west]
		w.options.Regions, w.options.Parallel = []string{west}, 2
		queue.errs["DeleteMessageBatch"] = &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
		received := 0
		queue.answering = func(messages []types.Message) { received += len(messages) }
		for range 100 {
			queue.put(envelope("k", functionARN(west)))
		}
		report := w.run(t, t.Context())
		if received < 10 || report.Left() != received || report.Interrupted || queue.visible() != 100 {
			t.Errorf("%d letters were received, %d are said to be left, interrupted %v, %d visible",
				received, report.Left(), report.Interrupted, queue.visible())
		}
		tried := w.functions[west].invocations()
		if tried == received || strings.Count(outcomes(report), string(redrive.NotInvoked)) != received-tried {
			t.Errorf("%d of %d letters were tried: %s", tried, received, outcomes(report))
		}
		if err := report.Err(); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "sqs:DeleteMessage") {
			t.Errorf("got %v, want one error", err)
		}
	})
}
