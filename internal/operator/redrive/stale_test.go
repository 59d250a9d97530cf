package redrive_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// TestDeletedByTheNewestHandle lets a dead letter's hold run out while its function
// runs, so that the run receives it again and holds it by a newer handle. SQS may take
// a delete by the old one and do nothing; the run never sends that.
func TestDeletedByTheNewestHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		queue := w.queues[west]
		w.options.Parallel = 2
		w.functions[west].run = minutes(5)
		queue.errs["ChangeMessageVisibilityBatch"] = &smithy.GenericAPIError{Code: "RequestThrottled", Message: "slower"}
		queue.put(envelope("k", functionARN(west)))
		var handles []string
		queue.deleted = func(handle string) { handles = append(handles, handle) }
		run := w.watch(t)
		<-time.After(10 * time.Minute)
		run.end(t)
		if m := queue.messages[0]; m.receives < 2 || strings.Join(handles, " ") != m.handle {
			t.Errorf("received %d times, deleted by %v, want once by %s", m.receives, handles, m.handle)
		}
		if n := w.functions[west].invocations(); n != 1 || queue.left() != 0 {
			t.Errorf("%d invocations and %d letters left, want 1 and none", n, queue.left())
		}
	})
}

// TestChangeOfAnOldHandleIsNoChangeOfTheNewOne lets a dead letter come back between a
// request to extend it and its answer, which is about the old handle then: that it is
// refused does not mean that the newer hold is lost, nor that it lasts longer.
func TestChangeOfAnOldHandleIsNoChangeOfTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		queue := w.queues[west]
		w.options.Parallel = 2
		w.functions[west].run = minutes(10)
		queue.put(envelope("k", functionARN(west)))
		again := make(chan struct{})
		queue.answering = func(messages []types.Message) {
			if len(messages) > 0 && *messages[0].ReceiptHandle == "m000#2" {
				close(again)
			}
		}
		once := true
		queue.extending = func(handle string) {
			if once && handle == "m000#1" { // the hold has run out, and the dead letter is received again
				once = false
				queue.mu.Lock()
				queue.messages[0].visible = time.Now()
				queue.mu.Unlock()
				<-again
				<-time.After(time.Second) // the run has taken it by now
			}
		}
		run := w.watch(t)
		<-time.After(500 * time.Millisecond) // so as not to look while the queue is asked
		for range 9 {
			<-time.After(time.Minute)
			if queue.visible() != 0 {
				t.Errorf("the letter can be received by others while its function runs")
			}
		}
		<-time.After(2 * time.Minute)
		run.end(t)
		if m := queue.messages[0]; m.receives != 2 || !m.deleted || w.functions[west].invocations() != 1 {
			t.Errorf("received %d times, deleted %v, %d invocations; want twice, deleted, one",
				m.receives, m.deleted, w.functions[west].invocations())
		}
	})
}

// TestDeletedLetterIsRememberedForAWhile has SQS hand a dead letter out once more after
// it was deleted, as a server of its that missed the delete may. It is deleted again,
// and its function is not invoked a second time.
func TestDeletedLetterIsRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		queue := w.queues[west]
		queue.put(envelope("k", functionARN(west)))
		run := w.watch(t)
		for range 3 {
			<-time.After(100 * time.Second) // the run has swept several times
			queue.mu.Lock()
			if !queue.messages[0].deleted {
				t.Error("the letter was not deleted again")
			}
			queue.messages[0].deleted, queue.messages[0].visible = false, time.Now()
			queue.mu.Unlock()
		}
		<-time.After(100 * time.Second)
		run.end(t)
		if n := w.functions[west].invocations(); n != 1 || queue.left() != 0 || run.report.Regions[1].Replayed != 1 {
			t.Errorf("%d invocations, %d letters left, %d replayed; want 1, none, 1", n, queue.left(), run.report.Regions[1].Replayed)
		}
	})
}

// TestUnknownAge has a dead letter of which SQS does not say when it came. It meets
// neither bound, as it would if it counted as very old or as new.
func TestUnknownAge(t *testing.T) {
	for name, tt := range map[string]struct {
		older, newer time.Duration
		want         string
	}{"older": {older: time.Minute, want: "skipped"}, "newer": {newer: 1 << 62, want: "skipped"}, "any": {want: "replayed"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.options.Filter.OlderThan, w.options.Filter.NewerThan = tt.older, tt.newer
				w.queues[west].put(envelope("k", functionARN(west)))
				w.queues[west].messages[0].sent = time.Time{}
				if got, want := outcomes(w.run(t, context.Background())), west+" "+tt.want; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		})
	}
}
