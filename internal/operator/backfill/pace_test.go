package backfill

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/copier"
)

// A target that takes at most 50 copies at once, and answers SlowDown to more,
// ends up with about that many under way, and with every object.
func TestConcurrencyFollowsWhatS3Takes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.fill(5_000)
		refused, begun, later := 0, 0, 0 // later than the first that begin all at once
		w.onCopy = func(ctx context.Context, region string, _ copier.Object) error {
			w.mu.Lock()
			over := w.flying[region] > 50
			if begun++; begun > 2*firstConcurrency {
				later = max(later, w.flying[region])
			}
			if over {
				refused++
			}
			w.mu.Unlock()
			if over {
				return slowDown()
			}
			return smithytime.SleepWithContext(ctx, 100*time.Millisecond)
		}
		began := time.Now()
		report := w.fillIn(t, nil, Observer{})
		if b := report.Targets[1]; b.Copied != 5_000 || b.Failed != 0 {
			t.Errorf("%+v", b)
		}
		// At 50 all the time it would take 10 s, and 4,000 tries a second would be
		// refused with 256 under way.
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("took %v", took)
		}
		if refused > firstConcurrency+250 || refused == 0 || later > 110 {
			t.Errorf("%d refused, %d at once at most", refused, later)
		}
	})
}

// As long as more copies at once are more copies a second, their number doubles up to
// the most allowed, and no further; nothing is copied twice, and no goroutine waits for
// each key.
func TestConcurrencyGrowsToItsMostAndNoFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		w.fill(5_000)
		before, goroutines := runtime.NumGoroutine(), 0
		w.onCopy = func(ctx context.Context, region string, _ copier.Object) error {
			w.mu.Lock()
			goroutines = max(goroutines, runtime.NumGoroutine()-before)
			w.mu.Unlock()
			// One slow target does not slow the other down.
			return smithytime.SleepWithContext(ctx,
				map[string]time.Duration{"b": 100 * time.Millisecond, "c": 400 * time.Millisecond}[region])
		}
		w.fillIn(t, func(o *Options) { o.Concurrency = 600 }, Observer{})
		if w.most["b"] != 600 || w.most["c"] != 600 {
			t.Errorf("at once: %v, want 600 each", w.most)
		}
		for key, n := range w.copies {
			if n != 1 {
				t.Errorf("%s was copied %d times", key, n)
			}
		}
		if len(w.copies) != 10_000 || goroutines > 2*600+100 {
			t.Errorf("%d copies with %d goroutines", len(w.copies), goroutines)
		}
	})
}

// A target that takes at most 600 copies at once finds more than 256 and about so many
// under way, as soon as doubling gets there.
func TestConcurrencyGrowsPast256UntilS3SaysSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.fill(12_000)
		refused := 0
		random := rand.New(rand.NewPCG(1, 1))
		w.onCopy = func(ctx context.Context, region string, _ copier.Object) error {
			w.mu.Lock()
			over := w.flying[region] > 600
			if over {
				refused++
			}
			takes := 80*time.Millisecond + time.Duration(random.Int64N(int64(40*time.Millisecond)))
			w.mu.Unlock()
			if over {
				return slowDown()
			}
			return smithytime.SleepWithContext(ctx, takes)
		}
		began := time.Now()
		report := w.fillIn(t, func(o *Options) { o.Concurrency = 1024 }, Observer{})
		if b := report.Targets[1]; b.Copied != 12_000 || b.Failed != 0 {
			t.Errorf("%+v", b)
		}
		// At 600 all the time it takes 2 s, at 256 it would take 4.7.
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("took %v", took)
		}
		if refused == 0 || refused > 100 || w.most["b"] < 600 || w.most["b"] > 650 {
			t.Errorf("%d refused, %d at once at most", refused, w.most["b"])
		}
	})
}

// What a listing holds up says nothing of the target.
func TestPaceOfASlowListing(t *testing.T) {
	now := time.Unix(0, 0)
	p := newPace(firstConcurrency, 1024, now)
	for range 10_000 {
		now = now.Add(time.Millisecond)
		p = p.success(firstConcurrency/2-1, now)
	}
	if p.limit() != firstConcurrency {
		t.Errorf("%d at once although a listing had fewer than that", p.limit())
	}
}

// A target that ends 2,000 copies a second, however many wait there, is not sent many
// more at once than that takes: they would take memory and gain nothing.
func TestConcurrencyStaysWhereMoreDoesNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.fill(8_000)
		var free time.Time
		w.onCopy = func(ctx context.Context, _ string, _ copier.Object) error {
			w.mu.Lock()
			if now := time.Now(); free.Before(now) {
				free = now
			}
			free = free.Add(time.Second / 2000)
			wait := time.Until(free) + 50*time.Millisecond
			w.mu.Unlock()
			return smithytime.SleepWithContext(ctx, wait)
		}
		began := time.Now()
		report := w.fillIn(t, func(o *Options) { o.To, o.Concurrency = []string{"b"}, 4096 }, Observer{})
		if took := time.Since(began); report.Targets[0].Copied != 8_000 || took > 5*time.Second {
			t.Errorf("%d in %v, want all in little more than 4 s", report.Targets[0].Copied, took)
		}
		if w.most["b"] > 1100 {
			t.Errorf("%d at once of 2,048 that are allowed, want two doublings of %d at most", w.most["b"], firstConcurrency)
		}
	})
}

// One object that hangs for an hour holds one slot, and large ones have slots
// of their own.
func TestSlowObjectsHoldNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.fill(2000)
		for _, key := range []string{"0 large", "1 large", "2 large"} {
			w.put("a", key, copier.DefaultThreshold+1, 0)
		}
		began := time.Now()
		var last time.Duration
		large := 0
		w.onCopy = func(ctx context.Context, _ string, o copier.Object) error {
			switch {
			case o.Size > copier.DefaultThreshold:
				w.mu.Lock()
				if large++; large > largeConcurrency {
					t.Errorf("%d large objects at once", large)
				}
				w.mu.Unlock()
				defer func() {
					w.mu.Lock()
					large--
					w.mu.Unlock()
				}()
				return smithytime.SleepWithContext(ctx, time.Hour)
			case o.Key == "key-00000":
				return smithytime.SleepWithContext(ctx, time.Hour)
			}
			err := smithytime.SleepWithContext(ctx, 10*time.Millisecond)
			w.mu.Lock()
			last = max(last, time.Since(began))
			w.mu.Unlock()
			return err
		}
		report := w.fillIn(t, nil, Observer{})
		if report.Targets[1].Copied != 2003 {
			t.Errorf("%+v", report.Targets[1])
		}
		if last > 5*time.Second {
			t.Errorf("the small objects took %v", last)
		}
	})
}

// A listing of millions of keys waits for the copies, and does not pile up what
// is to be copied.
func TestListingWaitsForCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.fill(10_000)
		released := make(chan struct{})
		w.onCopy = func(context.Context, string, copier.Object) error { <-released; return nil }
		done := make(chan Report)
		go func() {
			report, err := Run(t.Context(), w.options(nil), Observer{})
			if err != nil {
				t.Error(err)
			}
			done <- report
		}()
		synctest.Wait()
		w.mu.Lock()
		begun, listed := len(w.copies), w.listed
		w.mu.Unlock()
		if begun != firstConcurrency {
			t.Errorf("%d copies were begun, want %d", begun, firstConcurrency)
		}
		// Beyond the queue there are a few pages that have been asked for ahead.
		if listed < smallQueue || listed > smallQueue+firstConcurrency+20*pageSize {
			t.Errorf("%d keys were listed, want little more than the queue takes, %d", listed, smallQueue)
		}
		close(released)
		if report := <-done; report.Targets[1].Copied != 10_000 {
			t.Errorf("%+v", report.Targets[1])
		}
	})
}

// The first signal ends the run: nothing more begins, copies by one request get
// the grace, copies in parts are given up, and the next run does what is left.
func TestInterruption(t *testing.T) {
	for _, c := range []struct {
		name   string
		takes  time.Duration
		copied int
	}{
		{"within the grace", 3 * time.Second, firstConcurrency},
		{"longer than the grace", time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld("a", "b")
				w.fill(5000)
				w.put("a", "0 large", copier.DefaultThreshold+1, 0)
				w.onCopy = func(ctx context.Context, _ string, o copier.Object) error {
					d := c.takes
					if o.Size > copier.DefaultThreshold {
						d = 4 * time.Second
					}
					if smithytime.SleepWithContext(ctx, d) != nil {
						return failed(copier.Retryable, 0, "canceled")
					}
					return nil
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Second, cancel)
				began := time.Now()
				report, err := Run(ctx, w.options(nil), Observer{})
				b := report.Targets[1]
				if err != nil || !report.Interrupted || b.Copied != c.copied || b.Failed != 0 || report.Left() == 0 {
					t.Errorf("%v, interrupted %v, %+v; want %d copied", err, report.Interrupted, b, c.copied)
				}
				if took := time.Since(began); took > time.Second+DefaultGrace {
					t.Errorf("ended %v after the beginning", took)
				}
				if w.aborted != 1 {
					t.Errorf("%d copies in parts were given up, want 1", w.aborted)
				}
				begun := len(w.copies)
				w.onCopy = nil
				report = w.fillIn(t, nil, Observer{})
				if b := report.Targets[1]; b.Missing != 5001-c.copied || b.Copied != b.Missing {
					t.Errorf("again: %+v", b)
				}
				twice := 0
				for _, n := range w.copies {
					if n > 1 {
						twice++
					}
				}
				if want := begun - c.copied; twice != want {
					t.Errorf("%d objects were copied twice, want the %d that were under way", twice, want)
				}
			})
		})
	}
}

func TestInterruptedListing(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(200)
	ctx, cancel := context.WithCancel(t.Context())
	w.onList = func(string) error { cancel(); return nil }
	report, err := Run(ctx, w.options(func(o *Options) { o.DryRun = true }), Observer{})
	if err != nil || !report.Interrupted {
		t.Errorf("%v, interrupted %v", err, report.Interrupted)
	}
}

func TestProgressNeverRunsBackwardsOrAtOnce(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(500)
	inside, last := false, Progress{}
	w.fillIn(t, nil, Observer{Progress: func(p Progress) {
		if inside || p.Ended < last.Ended || p.Missing < last.Missing || p.Ended > p.Missing {
			t.Errorf("%+v after %+v", p, last)
		}
		inside, last = true, p
		inside = false
	}})
	if want := (Progress{Keys: last.Keys, Missing: 500, MissingBytes: 50_000, Ended: 500, Bytes: 50_000, Listed: true}); last != want {
		t.Errorf("at the end %+v, want %+v", last, want)
	}
}
