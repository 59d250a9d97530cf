package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
)

// Copies are spread over time, and more so once S3 asks for less.
func TestCopiesArePaced(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.Rate = 10 })
	const n = 60
	lost := func(prefix string) {
		for i := range n {
			w.Put(there, fmt.Sprintf("%s/%02d", prefix, i), "body")
		}
	}
	took := func() time.Duration {
		w.Pass(reconcile.Grace + w.config.Every)
		began := w.Now()
		if _, err := w.invoke(`{"tick": true}`); err != nil {
			t.Fatal(err)
		}
		return w.Now().Sub(began)
	}
	w.change = func(h *reconcile.Handler) { h.Parallel = 1 }
	lost("calm")
	calm := took()
	if least := (n - 1) * time.Second / 10; calm < least || calm > least+time.Second {
		t.Errorf("%d copies took %s, want %s", n, calm, least)
	}
	lost("busy")
	busy := 0
	w.change = func(h *reconcile.Handler) {
		h.Parallel = 1
		h.Copier = copying{h.Copier, func(context.Context, copier.Request) error {
			if busy++; busy > 2 {
				return nil
			}
			return &copier.Error{Class: copier.Retryable, Err: &smithy.GenericAPIError{Code: "SlowDown"}}
		}}
	}
	if slow := took(); slow < 2*calm {
		t.Errorf("after SlowDown %d copies took %s, before %s", n, slow, calm)
	}
}

// However many keys are looked at, few are copied at once.
func TestFewCopiesAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 40 {
		w.Put(there, fmt.Sprintf("%02d", i), "body")
	}
	var flying, most atomic.Int64
	w.change = func(h *reconcile.Handler) {
		h.PageSize = 0
		h.Copier = copying{h.Copier, func(ctx context.Context, _ copier.Request) error {
			now := flying.Add(1)
			defer flying.Add(-1)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			// Until all that are looked at at once, by two HEADs each, have come as far.
			for w.Calls("HeadObject") < 2*reconcile.Parallel || most.Load() < reconcile.Copies {
				select {
				case <-time.After(time.Millisecond):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return errors.New("seen enough")
		}}
	}
	w.Pass(reconcile.Grace)
	if _, err := w.invoke(`{"tick": true}`); err == nil {
		t.Error("copies that all fail are no error")
	}
	if got := most.Load(); got != reconcile.Copies {
		t.Errorf("%d copies at once, want %d", got, reconcile.Copies)
	}
}
