package redrive_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/operator/redrive"
)

// TestInterrupted ends the context while functions run and while another
// Region's queue is being polled.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ctx, cancel := context.WithCancel(t.Context())
		w.functions[west].run = func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}
		for range 20 {
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		go func() {
			synctest.Wait()
			cancel()
		}()
		start := time.Now()
		report := w.run(t, ctx)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %s after the interruption", took)
		}
		if !report.Interrupted || report.Err() != nil {
			t.Errorf("interrupted: %v, error: %v", report.Interrupted, report.Err())
		}
		if got := strings.Count(outcomes(report), string(redrive.Interrupted)); got != 20 || report.Left() != 20 {
			t.Errorf("interrupted letters: got %d, %d left, want the 20 received: those under way, and those ahead", got, report.Left())
		}
		if got := w.queues[west].visible(); got != 20 {
			t.Errorf("visible afterwards: got %d, want all 20", got)
		}
		for region, q := range w.queues {
			if q.cut != 0 {
				t.Errorf("%s: a receive was cut off, its letters would be stranded", region)
			}
		}
	})
}

// TestInterruptedAfterSuccess shows that a dead letter whose function succeeded is
// deleted although the context has ended meanwhile.
func TestInterruptedAfterSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ctx, cancel := context.WithCancel(t.Context())
		w.functions[west].run = func(context.Context, string) error {
			cancel()
			return nil
		}
		w.queues[west].put(envelope("k", functionARN(west)))
		report := w.run(t, ctx)
		if got, want := outcomes(report), west+" replayed"; got != want || w.queues[west].left() != 0 {
			t.Errorf("got %s, %d left, want %s", got, w.queues[west].left(), want)
		}
	})
}

func TestTwoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.functions[west].run = func(context.Context, string) error {
			<-time.After(14 * time.Minute) // on the bubble's clock
			return nil
		}
		for range 40 {
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if report := w.run(t, t.Context()); report.Err() != nil {
					t.Error(report.Err())
				}
			})
		}
		wg.Wait()
		if got := w.functions[west].invocations(); got != 40 {
			t.Errorf("invocations: got %d, want 40, each letter once", got)
		}
		if got := w.queues[west].left(); got != 0 {
			t.Errorf("left: got %d, want 0", got)
		}
	})
}

// TestHeldByAnother shows that a run which sees nothing does not claim that
// there is nothing.
func TestHeldByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.queues[west].put(envelope("k", functionARN(west)))
		w.queues[west].messages[0].visible = time.Now().Add(redrive.HoldTime)
		report := w.run(t, t.Context())
		if report.Regions[1].Held != 1 || report.Left() != 1 {
			t.Errorf("held: got %d, left %d, want 1", report.Regions[1].Held, report.Left())
		}
	})
}

// TestAnswerLost hands dead letters out in an answer that does not arrive, and nothing
// says so.
func TestAnswerLost(t *testing.T) {
	for _, letters := range []int{1, 25} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.queues[west].losing = true
			for range letters {
				w.queues[west].put(envelope("k", functionARN(west)))
			}
			report := w.run(t, t.Context())
			want := w.queues[west].left()
			if report.Regions[1].Held != want || report.Left() != want || want == 0 {
				t.Errorf("%d letters: held %d, left %d, want %d", letters, report.Regions[1].Held, report.Left(), want)
			}
		})
	}
}

// TestHeldComesBack shows that a dead letter which another run lets go in time is not
// counted as held.
func TestHeldComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.queues[west].put(envelope("k", functionARN(west)))
		w.queues[west].put(envelope("k", functionARN(west)))
		w.queues[west].messages[0].visible = time.Now().Add(500 * time.Millisecond)
		report := w.run(t, t.Context())
		if got, want := outcomes(report), west+" replayed, "+west+" replayed"; got != want || report.Left() != 0 {
			t.Errorf("got %s with %d left, want %s", got, report.Left(), want)
		}
	})
}

// TestSignalAfterTheWork ends the context when everything is done.
func TestSignalAfterTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ctx, cancel := context.WithCancel(t.Context())
		w.queues[west].put(envelope("k", functionARN(west)))
		go func() {
			synctest.Wait() // all Regions ask for more, and get none
			cancel()
		}()
		report := w.run(t, ctx)
		if got, want := outcomes(report), west+" replayed"; got != want || report.Interrupted {
			t.Errorf("got %s, interrupted %v, want %s", got, report.Interrupted, want)
		}
	})
}

// TestLongRun runs for longer than the 12 hours that SQS lets a dead letter be held:
// one that failed comes back and must not be tried twice.
func TestLongRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Parallel = 1
		w.functions[west].run = func(_ context.Context, payload string) error {
			<-time.After(15 * time.Minute) // on the bubble's clock
			if strings.Contains(payload, "bad") {
				return errThrown
			}
			return nil
		}
		w.queues[west].put(envelope("bad", functionARN(west)))
		for range 60 {
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		report := w.run(t, t.Context())
		if got := w.functions[west].invocations(); got != 61 {
			t.Errorf("invocations: got %d, want 61", got)
		}
		if got := w.queues[west].messages[0].receives; got != 2 {
			t.Errorf("the failed letter was received %d times, want again after 12 hours and not before", got)
		}
		if got := w.queues[west].visible(); got != 1 || report.Left() != 1 || report.Err() != nil {
			t.Errorf("visible: got %d, reported %d, %v, want 1", got, report.Left(), report.Err())
		}
	})
}

func TestEndsOnRestlessQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.queues[west].restless = true
		w.functions[west].run = func(context.Context, string) error { return errThrown }
		for range 15 {
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		w.run(t, t.Context())
		if got := w.functions[west].invocations(); got < 1 || got > 15 {
			t.Errorf("invocations: got %d, want each letter at most once", got)
		}
	})
}
