package redrive_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatchKeepsWhatItTried interrupts a watch with a dead letter that failed, and is
// received again by then, but waits for the only function: the watch tells that it
// failed.
func TestWatchKeepsWhatItTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Parallel, w.options.Regions = 1, []string{west}
		w.functions[west].run = func(ctx context.Context, payload string) error {
			if strings.Contains(payload, "bad") {
				return errThrown
			}
			return minutes(14)(ctx, payload)
		}
		for _, key := range []string{"bad", "slow"} {
			w.queues[west].put(envelope(key, functionARN(west)))
		}
		run := w.watch(t)
		<-time.After(5 * time.Minute)
		run.end(t)
		if got, want := outcomes(run.report), west+" failed, "+west+" interrupted"; got != want || run.report.Left() != 2 {
			t.Errorf("got %s, left %d; want %s, left 2", got, run.report.Left(), want)
		}
		if got := w.queues[west].visible(); got != 2 {
			t.Errorf("visible afterwards: got %d, want 2", got)
		}
	})
}
