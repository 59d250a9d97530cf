package replicator

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event/eventtest"
)

func TestBudget(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		left  time.Duration
		spare [3]time.Duration // at the end of each step
	}{
		{15 * time.Minute, [3]time.Duration{5 * time.Second, 2 * time.Second, time.Second}},
		{50 * time.Second, [3]time.Duration{5 * time.Second, 2 * time.Second, time.Second}},
		{2 * time.Second, [3]time.Duration{200 * time.Millisecond, 80 * time.Millisecond, 40 * time.Millisecond}},
		{-time.Second, [3]time.Duration{}},
	} {
		end := now.Add(tt.left)
		ctx, cancel := context.WithDeadline(t.Context(), end)
		b := budgetOf(ctx, now)
		cancel()
		if got := [3]time.Duration{end.Sub(b.copying), end.Sub(b.handingOver), end.Sub(b.givingUp)}; got != tt.spare {
			t.Errorf("%v left: the steps end %v before, want %v", tt.left, got, tt.spare)
		}
	}
	if got := budgetOf(context.Background(), now); got != (budget{}) {
		t.Errorf("a deadline was invented: %v", got)
	}
}

// stuck is a world in which nothing is answered, whatever is asked.
type stuck struct{ handsOver bool }

func (s stuck) Copy(ctx context.Context, r copier.Request) (copier.Result, error) {
	<-ctx.Done()
	if !s.handsOver {
		return copier.Result{},
			&copier.Error{Op: "copy part of", Class: copier.Retryable, Err: errors.New("SlowDown: reduce your request rate")}
	}
	return copier.Result{Outcome: copier.Unfinished, Upload: &copier.Upload{Source: r.Source, UploadID: "upload-1", PartSize: 1}}, nil
}

func (stuck) Invoke(ctx context.Context, _ []byte) error {
	<-ctx.Done()
	return &InvokeError{Status: 429, Code: "TooManyRequestsException", Message: "Rate Exceeded."}
}

// Whatever hangs, the invocation ends before Lambda kills it, so that the dead letter
// has the reason. Copy, hand-over and clean-up had limits of their own before, which
// together went beyond the invocation's, and the dead letter said that the task had
// timed out.
func TestInvocationEndsInTimeWithItsReason(t *testing.T) {
	for _, total := range []time.Duration{3 * time.Second, time.Minute, 15 * time.Minute} {
		for name, tt := range map[string]struct {
			handsOver bool
			says      []string
		}{
			"the copy hangs": {false, []string{"SlowDown"}},
			"the hand-over hangs": {true,
				[]string{"not handed over", "TooManyRequestsException", "abort the upload: context deadline exceeded"}},
		} {
			synctest.Test(t, func(t *testing.T) {
				h, _ := newTestHandler(nil)
				world := stuck{tt.handsOver}
				h.Copier, h.Self, h.Now, h.Log = world, world, time.Now, slog.New(slog.DiscardHandler)
				h.Abort = func(ctx context.Context, _ copier.Upload) error {
					<-ctx.Done()
					return ctx.Err()
				}
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), total)
				defer cancel()
				_, err := h.Invoke(ctx, eventtest.Payload(eventtest.Message(eventtest.Upload("k"))))
				if took := time.Since(start); took >= total {
					t.Errorf("%s: the invocation took %v of %v", name, took, total)
				}
				for _, want := range tt.says {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: got %v, want it to say %q", name, err, want)
					}
				}
			})
		}
	}
}
