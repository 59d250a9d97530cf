package redrive_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/redrive"
)

// watched is a watch that runs in the background of a bubble.
type watched struct {
	results []redrive.Result
	trouble []error
	report  redrive.Report
	stop    context.CancelFunc
	ended   chan struct{}
}

func (w *world) watch(t *testing.T) *watched {
	t.Helper()
	w.options.Watch = true
	ctx, stop := context.WithCancel(t.Context())
	run := &watched{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(run.ended)
		var err error
		run.report, err = redrive.Run(ctx, w.options, redrive.Observer{
			Finished: func(r redrive.Result) { run.results = append(run.results, r) },
			Trouble:  func(_ string, err error) { run.trouble = append(run.trouble, err) },
		})
		if err != nil {
			t.Error(err)
		}
	}()
	return run
}

// end interrupts the watch and waits for its end.
func (r *watched) end(t *testing.T) {
	t.Helper()
	start := time.Now()
	r.stop()
	<-r.ended
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s after the interruption", took)
	}
	if r.report.Interrupted {
		t.Error("interrupted, which is a watch's ordinary end")
	}
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.queues[west].put(envelope("before", functionARN(west)))
		run := w.watch(t)
		for range 3 {
			<-time.After(time.Hour)
			w.queues[west].put(envelope("later", functionARN(west)))
			<-time.After(21 * time.Second)
			if got := w.queues[west].left(); got != 0 {
				t.Errorf("left 21 s after a letter came: %d", got)
			}
		}
		// A poll takes 20 s, so an hour needs 180.
		if got := w.queues[east].called("ReceiveMessage"); got > 3*190 {
			t.Errorf("receives in 3 hours: got %d", got)
		}
		run.end(t)
		if got := run.report; got.Regions[1].Replayed != 4 || len(got.Regions[1].Results) != 0 || got.Left() != 0 || got.Err() != nil ||
			len(run.results) != 4 {
			t.Errorf("got %+v, %d results", got, len(run.results))
		}
	})
}

// TestWatchBacksOff has a dead letter that fails until it is fixed, between others that
// do not.
func TestWatchBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mu sync.Mutex // of tries
		var tries []time.Time
		var fixed atomic.Bool
		w.functions[west].run = func(_ context.Context, payload string) error {
			if !strings.Contains(payload, "bad") {
				return nil
			}
			mu.Lock()
			tries = append(tries, time.Now())
			mu.Unlock()
			if fixed.Load() {
				return nil
			}
			return errThrown
		}
		w.queues[west].put(envelope("bad", functionARN(west)))
		run := w.watch(t)
		for range 60 {
			<-time.After(time.Minute)
			w.queues[west].put(envelope("good", functionARN(west)))
			synctest.Wait()
			mu.Lock()
			since := time.Since(tries[len(tries)-1])
			mu.Unlock()
			free := w.queues[west].count(func(m *fakeMessage) bool { return m.id == "m000" && !m.visible.After(time.Now()) })
			if free != 0 && since < redrive.RetryFirst {
				t.Errorf("others can receive the letter %s after it failed", since)
			}
		}
		fixed.Store(true)
		<-time.After(redrive.RetryMost + time.Minute)
		run.end(t)
		least := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, redrive.RetryMost}
		for i := 1; i < len(tries); i++ {
			least := least[min(i, len(least))-1]
			// What is due is noticed by a sweep, 20 s, and received by a poll.
			if gap := tries[i].Sub(tries[i-1]); gap < least || gap > least+45*time.Second {
				t.Errorf("try %d came after %s, want %s", i+1, gap, least)
			}
		}
		if len(tries) < 7 {
			t.Errorf("tries in five quarters of an hour: got %d, want 7", len(tries))
		}
		for _, r := range run.results {
			if failed := r.Outcome == redrive.Failed; failed == r.Again.IsZero() {
				t.Errorf("%s: to be tried again at %s", r.Outcome, r.Again)
			}
		}
		if w.queues[west].left() != 0 || run.report.Left() != 0 || run.report.Regions[1].Replayed != 61 {
			t.Errorf("left %d, reported %d, replayed %d", w.queues[west].left(), run.report.Left(), run.report.Regions[1].Replayed)
		}
	})
}

// TestWatchEnds shows that an interrupted watch gives back what it has and
// says what that is.
func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Filter.Prefix = "a/"
		w.functions[west].run = func(ctx context.Context, payload string) error {
			if strings.Contains(payload, "bad") {
				return errThrown
			}
			return minutes(14)(ctx, payload)
		}
		for _, key := range []string{"a/bad", "a/slow", "b/other"} {
			w.queues[west].put(envelope(key, functionARN(west)))
		}
		run := w.watch(t)
		<-time.After(5 * time.Minute)
		if got := w.queues[west].visible(); got != 0 {
			t.Errorf("visible meanwhile: %d", got)
		}
		run.end(t)
		if got, want := outcomes(run.report), west+" failed, "+west+" interrupted, "+west+" skipped"; got != want ||
			run.report.Left() != 2 {
			t.Errorf("got %s, left %d; want %s, left 2", got, run.report.Left(), want)
		}
		if got := w.queues[west].visible(); got != 3 {
			t.Errorf("visible afterwards: got %d, want 3", got)
		}
	})
}

// TestWatchGivesBackToOthers interrupts a watch that waits for dead letters: what it
// gives back is not handed to its own receive, which SQS goes on with.
func TestWatchGivesBackToOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		letters  int
		function func(context.Context, string) error
	}{
		"all wait to be tried again": {12, func(context.Context, string) error { return errThrown }},
		"all are being replayed":     {3, minutes(14)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.functions[west].run = tt.function
				for range tt.letters {
					w.queues[west].put(envelope("k", functionARN(west)))
				}
				run := w.watch(t)
				<-time.After(30 * time.Second)
				run.end(t)
				if got := w.queues[west].visible(); got != tt.letters {
					t.Errorf("visible after the interruption: got %d, want all %d", got, tt.letters)
				}
			})
		})
	}
}

// TestWatchGivesBackOnce interrupts a watch that has a dead letter which waits to be
// tried again, one that is being replayed and one that nobody has begun with, while it
// receives. It gave the first back with a request of its own. As two goroutines gave
// back then, it is tried several times.
func TestWatchGivesBackOnce(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.options.Parallel, w.options.Regions = 1, []string{west}
			begun, replayed := make(chan struct{}), make(chan struct{})
			w.functions[west].run = func(_ context.Context, payload string) error {
				if strings.Contains(payload, "bad") {
					return errThrown
				}
				close(begun)
				<-replayed
				return nil
			}
			for _, key := range []string{"bad", "slow", "untried"} {
				w.queues[west].put(envelope(key, functionARN(west)))
			}
			run := w.watch(t)
			<-begun
			synctest.Wait()
			run.stop()
			synctest.Wait()
			close(replayed)
			<-run.ended
			requests := w.queues[west].gaveBack
			if len(requests) == 0 || !slices.Equal(requests[0], []string{"m000#1", "m002#1"}) {
				t.Errorf("gave back with the first request %v, want both letters that nobody works on", requests)
			}
			seen := map[string]bool{}
			for _, handle := range slices.Concat(requests...) {
				if seen[handle] {
					t.Errorf("gave back %s twice: %v", handle, requests)
				}
				seen[handle] = true
			}
			// The second is of what the receive under way was handed.
			if len(requests) > 2 || w.queues[west].visible() != 2 || w.queues[west].left() != 2 {
				t.Errorf("requests %v, visible %d, left %d; want at most 2 requests, 2 visible, 2 left",
					requests, w.queues[west].visible(), w.queues[west].left())
			}
		})
	}
}

// TestWatchHeldForHours holds a dead letter for longer than SQS lets anybody.
func TestWatchHeldForHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Filter.OlderThan = 30 * time.Hour
		w.queues[west].put(envelope("k", functionARN(west)))
		run := w.watch(t)
		<-time.After(29 * time.Hour)
		if w.functions[west].invocations() != 0 || w.queues[west].called("ReceiveMessage") > 29*200 {
			t.Errorf("invocations %d, receives %d", w.functions[west].invocations(), w.queues[west].called("ReceiveMessage"))
		}
		<-time.After(2 * time.Hour)
		run.end(t)
		if w.queues[west].left() != 0 || w.functions[west].invocations() != 1 {
			t.Error("the letter was not replayed when it was old enough")
		}
	})
}

// TestWatchSeesTroubleThrough takes a Region away for an hour, and refuses
// another for good.
func TestWatchSeesTroubleThrough(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.queues[east].spoil("GetQueueUrl", refused) // from the beginning
		run := w.watch(t)
		<-time.After(time.Minute)
		w.queues[east].heal()
		w.queues[west].spoil("ReceiveMessage", refused)
		w.queues[asia].spoil("ReceiveMessage", &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"})
		<-time.After(time.Hour)
		if got := w.queues[west].called("ReceiveMessage"); got > 90 {
			t.Errorf("asked a Region that is away %d times in an hour", got)
		}
		w.queues[west].heal()
		w.queues[west].put(envelope("k", functionARN(west)))
		w.queues[east].put(envelope("k", functionARN(east)))
		w.queues[asia].heal()
		w.queues[asia].put(envelope("k", functionARN(asia)))
		<-time.After(2 * time.Minute)
		run.end(t)
		if w.queues[west].left() != 0 || run.report.Regions[1].Err != nil {
			t.Errorf("left %d, error %v: want the Region that came back emptied", w.queues[west].left(), run.report.Regions[1].Err)
		}
		if w.queues[east].left() != 0 {
			t.Error("the Region that was away at first was not emptied")
		}
		if !slices.Contains(run.trouble, nil) {
			t.Error("was not told of the end of the trouble")
		}
		if w.queues[asia].left() != 1 || !errors.Is(run.report.Err(), awsapi.ErrDenied) {
			t.Errorf("left %d, error %v: want the other one given up", w.queues[asia].left(), run.report.Err())
		}
		if !slices.ContainsFunc(run.trouble, func(err error) bool { return errors.Is(err, awsapi.ErrUnreachable) }) ||
			!slices.ContainsFunc(run.trouble, func(err error) bool { return errors.Is(err, awsapi.ErrDenied) }) {
			t.Errorf("told of %v, want of both", run.trouble)
		}
	})
}

// TestWatchAsksAFunctionAgain shows that a function which was denied is used
// once it is allowed.
func TestWatchAsksAFunctionAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var allowed atomic.Bool
		w.functions[west].run = func(context.Context, string) error {
			if !allowed.Load() {
				return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
			}
			return nil
		}
		for range 50 {
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		run := w.watch(t)
		<-time.After(50 * time.Second)
		if got := w.functions[west].invocations(); got > redrive.DefaultParallel {
			t.Errorf("asked %d times, without success", got)
		}
		allowed.Store(true)
		<-time.After(5 * time.Minute)
		run.end(t)
		if w.queues[west].left() != 0 || run.report.Regions[1].Replayed != 50 || run.report.Err() != nil {
			t.Errorf("left %d, replayed %d, error %v", w.queues[west].left(), run.report.Regions[1].Replayed, run.report.Err())
		}
	})
}

// TestWatchEndsAfterMax shows that a watch of one dead letter is one dead letter.
func TestWatchEndsAfterMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Max, w.options.Regions = 2, []string{west}
		run := w.watch(t)
		for range 3 {
			<-time.After(time.Minute)
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		<-run.ended
		if w.queues[west].left() != 1 || w.queues[west].visible() != 1 || !run.report.Regions[0].Limited {
			t.Errorf("left %d, visible %d, limited %v", w.queues[west].left(), w.queues[west].visible(), run.report.Regions[0].Limited)
		}
	})
}

// TestWatchOfRestlessQueue shows that a queue which hands out the same dead letters all
// the time is not hammered.
func TestWatchOfRestlessQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.queues[west].restless = true
		w.functions[west].run = func(context.Context, string) error { return errThrown }
		w.queues[west].put(envelope("k", functionARN(west)))
		run := w.watch(t)
		<-time.After(time.Hour)
		run.end(t)
		if got := w.functions[west].invocations(); got > 8 {
			t.Errorf("invocations in an hour: got %d", got)
		}
		if got := w.queues[west].called("ReceiveMessage"); got > 3700 {
			t.Errorf("receives in an hour: got %d, want one a second at most", got)
		}
	})
}

// TestWatchAsksATopicAgain shows that a watch learns of new subscriptions.
func TestWatchAsksATopicAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		run := w.watch(t)
		for range 2 {
			for range 3 {
				w.queues[east].put(notice(topicARN, subscriptionARN))
			}
			<-time.After(10 * time.Minute)
		}
		run.end(t)
		if w.topics[east].calls != 2 || w.queues[east].left() != 0 {
			t.Errorf("listings: got %d, want 2; left %d", w.topics[east].calls, w.queues[east].left())
		}
	})
}
