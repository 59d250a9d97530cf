package redrive_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/redrive"
)

// minutes is a function that runs for so long, on the bubble's clock.
func minutes(n int) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(n) * time.Minute):
			return nil
		}
	}
}

// TestHeldWhileTheFunctionRuns looks at the queue through a function's whole
// run: nobody else could receive the dead letters.
func TestHeldWhileTheFunctionRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.functions[west].run = minutes(14)
		for range 25 {
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		w.options.Parallel = 25
		go func() {
			for range 13 {
				<-time.After(time.Minute)
				if got := w.queues[west].visible(); got != 0 {
					t.Errorf("%d letters can be received while their functions run", got)
				}
			}
		}()
		report := w.run(t, t.Context())
		if got := strings.Count(outcomes(report), string(redrive.Replayed)); got != 25 || w.queues[west].left() != 0 {
			t.Errorf("replayed: got %d, left %d", got, w.queues[west].left())
		}
		for _, m := range w.queues[west].messages {
			if m.receives != 1 {
				t.Errorf("%s was received %d times", m.id, m.receives)
			}
		}
		// Ten dead letters a request, not more often than holding them needs.
		if got := w.queues[west].called("ChangeMessageVisibilityBatch"); got == 0 || got > 3*15*60/40 {
			t.Errorf("extensions: got %d", got)
		}
	})
}

// TestKilled stops a run in its tracks, at work on some dead letters and holding others
// that failed.
func TestKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ctx, cancel := context.WithCancel(t.Context())
		w.functions[west].run = func(ctx context.Context, payload string) error {
			if strings.Contains(payload, "bad") {
				return errThrown
			}
			return minutes(14)(ctx, payload)
		}
		w.queues[west].put(envelope("bad", functionARN(west)))
		for range 3 {
			w.queues[west].put(envelope("k", functionARN(west)))
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = redrive.Run(ctx, w.options, redrive.Observer{})
		}()
		<-time.After(7*time.Minute + 11*time.Second)
		if got := w.queues[west].visible(); got != 0 {
			t.Errorf("visible before: got %d, want 0", got)
		}
		w.queues[west].kill()
		<-time.After(redrive.HoldTime)
		if got := w.queues[west].visible(); got != 4 {
			t.Errorf("visible %s after the death: got %d, want all 4", redrive.HoldTime, got)
		}
		cancel()
		<-ended

		w.queues[west].heal()
		w.functions[west].run = nil
		if report := w.run(t, t.Context()); report.Regions[1].Replayed != 4 || report.Left() != 0 {
			t.Errorf("the next run: got %s", outcomes(report))
		}
	})
}

// TestExtensionFails lets some extensions fail. Whatever comes of it, each
// dead letter is replayed and none is lost.
func TestExtensionFails(t *testing.T) {
	tests := []struct {
		name    string
		err     error
		class   error // of the run's error; nil means none that ends the run
		lenient bool  // of the queue
	}{
		{"throttled", &smithy.GenericAPIError{Code: "RequestThrottled", Message: "slower"}, nil, false},
		{"throttled, old handles taken", &smithy.GenericAPIError{Code: "RequestThrottled", Message: "slower"}, nil, true},
		{"denied", &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}, awsapi.ErrDenied, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.options.Parallel = 2
				w.queues[west].lenient = tt.lenient
				w.functions[west].run = minutes(5)
				for range 4 {
					w.queues[west].put(envelope("k", functionARN(west)))
				}
				w.queues[west].errs["ChangeMessageVisibilityBatch"] = tt.err
				report := w.run(t, t.Context())
				err := report.Err()
				if tt.class == nil && awsapi.Hopeless(err) || tt.class != nil && !errors.Is(err, tt.class) {
					t.Errorf("got %v, want %v", err, tt.class)
				}
				for _, r := range report.Regions[1].Results {
					if tt.class == nil && r.Outcome != redrive.Replayed {
						t.Errorf("%s: %s: %s", r.MessageID, r.Outcome, r.Detail)
					}
				}
				if left := w.queues[west].left(); tt.class == nil && left != 0 {
					t.Errorf("left: got %d, want 0", left)
				}
				if tt.class != nil && w.functions[west].invocations() != 2 {
					t.Errorf("invocations: got %d, want the 2 under way and no more", w.functions[west].invocations())
				}
				w.queues[west].heal()
				<-time.After(redrive.HoldTime)
				w.run(t, t.Context())
				if got := w.queues[west].left(); got != 0 {
					t.Errorf("left: got %d, want 0", got)
				}
			})
		})
	}
}

// TestLostToAnother shows that a dead letter whose hold has run out, and that somebody
// else has received since, is no harm to either.
func TestLostToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.functions[west].run = minutes(4)
		w.queues[west].put(envelope("k", functionARN(west)))
		w.queues[west].errs["ChangeMessageVisibilityBatch"] = &smithy.GenericAPIError{Code: "InternalError", Message: "later"}
		first := make(chan redrive.Report)
		go func() { first <- w.run(t, t.Context()) }()
		<-time.After(redrive.HoldTime + 30*time.Second)
		w.queues[west].heal()
		second := w.run(t, t.Context())
		report := <-first
		for _, r := range append(report.Regions[1].Results, second.Regions[1].Results...) {
			if r.Outcome != redrive.Replayed && r.Outcome != redrive.NotDeleted {
				t.Errorf("got %s: %s", r.Outcome, r.Detail)
			}
		}
		if m := w.queues[west].messages[0]; m.receives != 2 || !m.deleted {
			t.Errorf("received %d times, deleted %v; want twice, and deleted", m.receives, m.deleted)
		}
	})
}

// TestDeletedByAnother shows that a dead letter which is gone when it would be given
// back is no failure.
func TestDeletedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.queues[west].put(envelope("k", functionARN(west)))
		w.functions[west].run = func(context.Context, string) error {
			_ = w.queues[west].with(w.queues[west].messages[0].handle, func(m *fakeMessage) { m.deleted = true })
			return errThrown
		}
		if report := w.run(t, t.Context()); report.Err() != nil {
			t.Errorf("got %v, want no error", report.Err())
		}
	})
}
