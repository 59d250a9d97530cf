package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of a run on an emulator: what is beyond them is a loop or a leak, and
// ends the run.
const (
	maxProcesses = 400
	maxVersions  = 2_000 // of a bucket, where the suite makes some hundreds
)

// bound is a number that may not become too large. What cannot be counted, as
// before there are buckets, is not held against the run.
type bound struct {
	what  string
	limit int
	count func(ctx context.Context) (int, error)
	most  int // seen at once
}

// bounds watches a run and ends it when it goes beyond.
type bounds struct {
	mu   sync.Mutex
	list []*bound
}

// add watches one thing more.
func (b *bounds) add(one bound) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append(b.list, &one)
}

// look counts once; the error says what is beyond its limit.
func (b *bounds) look(ctx context.Context) error {
	b.mu.Lock()
	list := slices.Clone(b.list)
	b.mu.Unlock()
	for _, one := range list {
		n, err := one.count(ctx)
		if err != nil {
			continue
		}
		b.mu.Lock()
		one.most = max(one.most, n)
		b.mu.Unlock()
		if n > one.limit {
			return fmt.Errorf("%d %s, %d are the limit", n, one.what, one.limit)
		}
	}
	return nil
}

// String tells the most that there were.
func (b *bounds) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, one := range b.list {
		list = append(list, fmt.Sprintf("%d %s of %d", one.most, one.what, one.limit))
	}
	return strings.Join(list, ", ")
}

// run looks every second until ctx ends, and cancels with the reason.
func (b *bounds) run(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := b.look(ctx); err != nil {
			cancel(err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
