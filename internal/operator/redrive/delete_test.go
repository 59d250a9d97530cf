package redrive_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/operator/redrive"
)

// TestBackAtTheMomentOfItsDelete lets a dead letter come back to the queue, and be
// received again by the run, while its delete is on its way with the handle from
// before: SQS refuses that, or takes it and does nothing. Its answer may come when the
// run holds the dead letter by the newer handle already.
func TestBackAtTheMomentOfItsDelete(t *testing.T) {
	for _, lenient := range []bool{false, true} {
		for _, watch := range []bool{false, true} {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("lenient %v, watch %v, late %v", lenient, watch, late), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { backAtTheMomentOfItsDelete(t, lenient, watch, late) })
				})
			}
		}
	}
}

func backAtTheMomentOfItsDelete(t *testing.T, lenient, watch, late bool) {
	w := newWorld()
	queue := w.queues[west]
	queue.lenient = lenient
	slow, tried := make(chan struct{}), make(chan struct{})
	w.functions[west].run = func(_ context.Context, payload string) error {
		if strings.Contains(payload, "slow") {
			<-slow
		}
		return nil
	}
	queue.put(envelope("slow", functionARN(west)))
	queue.put(envelope("quick", functionARN(west)))
	w.options.Parallel = 2
	queue.deleted = func(handle string) {
		switch handle {
		case "m000#1":
			close(tried)
			if late {
				<-time.After(time.Second)
			}
		case "m001#1": // there is room for another dead letter now
			queue.mu.Lock()
			queue.messages[0].visible = time.Now()
			queue.mu.Unlock()
		}
	}
	queue.answering = func(messages []types.Message) {
		for _, m := range messages {
			if *m.ReceiptHandle == "m000#2" {
				close(slow)
				<-tried
			}
		}
	}
	var report redrive.Report
	if watch {
		run := w.watch(t)
		<-time.After(redrive.HoldTime + time.Minute)
		run.end(t)
		report = run.report
	} else {
		report = w.run(t, t.Context())
	}
	for _, r := range report.Regions[1].Results {
		if r.Outcome != redrive.Replayed {
			t.Errorf("%s: %s: %s", r.MessageID, r.Outcome, r.Detail)
		}
	}
	if n := report.Regions[1].Replayed; n != 2 {
		t.Errorf("%d letters were replayed, want 2", n)
	}
	if queue.left() != 0 || report.Left() != 0 || w.functions[west].invocations() != 2 {
		t.Errorf("left %d, said to be left %d, %d invocations; want none and 2",
			queue.left(), report.Left(), w.functions[west].invocations())
	}
}

// TestSlowTopicIsAskedOnce lets dead letters wait for one answer about a topic, which
// is a failure: they share it, rather than asking in turn.
func TestSlowTopicIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.topics[east].err = fmt.Errorf("not now")
		w.topics[east].takes = time.Minute
		for range 8 {
			w.queues[east].put(notice(topicARN, subscriptionARN))
		}
		w.options.Parallel = 8
		began := time.Now()
		report := w.run(t, t.Context())
		if took := time.Since(began); took > 90*time.Second {
			t.Errorf("it took %v, want about the minute of one answer", took)
		}
		if got := strings.Count(outcomes(report), string(redrive.NotInvoked)); got != 8 || w.topics[east].calls != 1 {
			t.Errorf("%d letters were not invoked after %d requests, want 8 after one", got, w.topics[east].calls)
		}
	})
}

// TestWaitForATopicEnds shows that an interrupted run does not wait for it.
func TestWaitForATopicEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.topics[east].takes = time.Hour
		for range 4 {
			w.queues[east].put(notice(topicARN, subscriptionARN))
		}
		w.options.Parallel = 4
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		w.run(t, ctx)
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it took %v after an interruption at one minute", took)
		}
		if w.queues[east].visible() != 4 {
			t.Errorf("%d letters are visible, want all 4", w.queues[east].visible())
		}
	})
}
