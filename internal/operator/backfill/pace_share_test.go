package backfill

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/copier"
)

// Nineteen targets that take whatever they are sent share what one process does at once:
// at the start, and at most.
func TestManyTargetsShareTheCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		regions := []string{"from"}
		for i := range 19 {
			regions = append(regions, fmt.Sprintf("to-%02d", i))
		}
		w := newWorld(regions...)
		for i := range 2000 {
			w.put("from", fmt.Sprintf("key-%05d", i), 1, 0)
		}
		flying, first, most := 0, 0, 0
		began := time.Now()
		w.onCopy = func(ctx context.Context, _ string, _ copier.Object) error {
			w.mu.Lock()
			if flying++; time.Since(began) < time.Second {
				first = max(first, flying)
			}
			most = max(most, flying)
			w.mu.Unlock()
			defer func() {
				w.mu.Lock()
				flying--
				w.mu.Unlock()
			}()
			return smithytime.SleepWithContext(ctx, time.Second)
		}
		report := w.fillIn(t, func(o *Options) { o.To = regions[1:] }, Observer{})
		for _, target := range report.Targets {
			if target.Copied != 2000 {
				t.Errorf("%+v", target)
			}
		}
		if want := 19 * leastFirst; first != want {
			t.Errorf("%d copies began at once, want %d", first, want)
		}
		if most > mostTogether || most < mostTogether*9/10 {
			t.Errorf("%d copies at once, want nearly %d and no more", most, mostTogether)
		}
	})
}

func TestShare(t *testing.T) {
	for _, c := range []struct{ targets, concurrency, begin, most int }{
		{1, DefaultConcurrency, 256, 640},
		{2, DefaultConcurrency, 256, 640},
		{1, 64, 64, 64},
		{4, DefaultConcurrency, 128, 512},
		{19, DefaultConcurrency, 32, 107},
		{19, 8, 8, 8},
	} {
		if begin, most := share(c.targets, c.concurrency); begin != c.begin || most != c.most {
			t.Errorf("%d targets, %d: %d at first and %d at most, want %d and %d", c.targets, c.concurrency, begin, most, c.begin, c.most)
		}
	}
}
