package reconcile

import (
	"context"
	"errors"
	"testing"
)

// Whoever waits until somebody else has asked for lifecycle rules waits no longer than
// its context.
func TestWaitingForRulesEndsWithTheContext(t *testing.T) {
	r := &rules{asking: make(chan struct{}, 1)}
	r.asking <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.of(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
