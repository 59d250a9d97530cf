package backfill

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// approving runs a backfill from a to b that is asked about.
func (w *world) approving(t *testing.T, mostHeld int, approve func(context.Context, Estimate) error) (Report, error) {
	t.Helper()
	o := w.options(func(o *Options) {
		o.To = []string{"b"}
		o.Approve = func(ctx context.Context, e Estimate) (float64, error) { return 1.1 * e.Dollars(), approve(ctx, e) }
	})
	return runHolding(t.Context(), o, Observer{}, mostHeld)
}

// Nothing is written, and no role is used, before what everything costs is
// approved of.
func TestNothingIsCopiedBeforeItIsApprovedOf(t *testing.T) {
	refuse := errors.New("too much")
	for name, most := range map[string]int{"held": maxHeld, "too many to be held": 10} {
		w := newWorld("a", "b")
		w.fill(500)
		var asked []Estimate
		report, err := w.approving(t, most, func(_ context.Context, e Estimate) error {
			asked = append(asked, e)
			if len(w.copies) > 0 {
				t.Errorf("%s: %d copies began before it was asked", name, len(w.copies))
			}
			return refuse
		})
		if !errors.Is(err, refuse) {
			t.Errorf("%s: error %v, want %v", name, err, refuse)
		}
		if len(w.copies) > 0 || report.Left() != 500 {
			t.Errorf("%s: %d copies, %d left; want 0 and 500", name, len(w.copies), report.Left())
		}
		if len(asked) != 1 || asked[0].Requests.Copy != 500 || report.Estimate == nil || report.Estimate.Dollars() != asked[0].Dollars() {
			t.Errorf("%s: asked about %+v, report %+v; want 500 copies, asked once, and told in the report", name, asked, report.Estimate)
		}
	}
}

// What is held is listed once, as if nobody had asked; what is too much to be held is
// listed once more. Nothing is copied twice.
func TestApprovedWorkIsDoneOnce(t *testing.T) {
	// A bucket of one page takes one request for each time that it is listed. Of more
	// pages, how many requests a listing takes depends on where ranges are split.
	const onePage, severalPages = 150, 500
	for name, c := range map[string]struct{ most, listed int }{"held": {maxHeld, 1}, "too many to be held": {10, 2}} {
		for _, keys := range []int{onePage, severalPages} {
			w := newWorld("a", "b")
			w.fill(keys)
			report, err := w.approving(t, c.most, func(context.Context, Estimate) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			target := report.Targets[0]
			if target.Missing != keys || target.Copied != keys || len(w.copies) != keys || report.Left() != 0 {
				t.Errorf("%s: %+v, %d copies; want %d missing", name, target, len(w.copies), keys)
			}
			for key, n := range w.copies {
				if n != 1 {
					t.Errorf("%s: %s was copied %d times", name, key, n)
				}
			}
			if buckets := 2; keys == onePage && w.pages() != c.listed*buckets {
				t.Errorf("%s: %d pages listed, want %d of each bucket", name, w.pages(), c.listed)
			}
			if report.Estimate != nil {
				t.Errorf("%s: an estimate of what was done", name)
			}
		}
	}
}

// Who thinks for long finds what was deleted at the target meanwhile left so.
func TestWhatWasDeletedWhileSomebodyThoughtStaysDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.fill(20)
		report, err := w.approving(t, maxHeld, func(context.Context, Estimate) error {
			<-time.After(holdTime + time.Second)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.markers["b/key-00003"] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if target := report.Targets[0]; target.Copied != 19 || target.Deleted != 1 || w.copies["b/key-00003"] != 0 {
			t.Errorf("%+v; want 19 copied and one left deleted", target)
		}
	})
}

// What came while it was asked is copied too, up to what was agreed to. More than
// that ends the run, and what was copied before stays.
func TestNoMoreIsCopiedThanWasApprovedOf(t *testing.T) {
	for _, c := range []struct {
		name                  string
		came, atLeast, atMost int // what is queued when the run ends is not copied
		grown, waited         bool
	}{
		{name: "a few more", came: 20, atLeast: 520, atMost: 520},
		{name: "many more", came: 1000, atMost: 550, grown: true},
		{name: "many more, after a long time", came: 1000, atMost: 550, grown: true, waited: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld("a", "b")
				w.fill(500)
				most := 10
				if c.waited {
					most = maxHeld
				}
				o := w.options(func(o *Options) {
					o.To = []string{"b"}
					o.Approve = func(_ context.Context, e Estimate) (float64, error) {
						w.fill(500 + c.came)
						if c.waited {
							<-time.After(holdTime + time.Second)
						}
						return 1.1 * e.Dollars(), nil
					}
				})
				report, err := runHolding(t.Context(), o, Observer{}, most)
				if errors.Is(err, ErrGrown) != c.grown || !c.grown && err != nil {
					t.Errorf("error %v, grown %v", err, c.grown)
				}
				if n := len(w.keys("b")); n < c.atLeast || n > c.atMost {
					t.Errorf("%d copied, want %d to %d: %+v", n, c.atLeast, c.atMost, report.Targets[0])
				}
			})
		})
	}
}

// An end while somebody thinks is an interruption.
func TestInterruptedWhileItIsAsked(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(3)
	ctx, cancel := context.WithCancel(t.Context())
	report, err := Run(ctx, w.options(func(o *Options) {
		o.To = []string{"b"}
		o.Approve = func(ctx context.Context, _ Estimate) (float64, error) {
			cancel()
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}
	}), Observer{})
	if err != nil || !report.Interrupted || len(w.copies) > 0 {
		t.Errorf("error %v, interrupted %v, %d copies; want none, true, 0", err, report.Interrupted, len(w.copies))
	}
}

// Keys that are named are looked at alone, at a request for each bucket.
func TestNamedKeysAlone(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(500)
	report := w.fillIn(t, func(o *Options) {
		o.To, o.Keys = []string{"b"}, []string{"key-00007", "key-00400", "key-0"}
	}, Observer{})
	if got := w.keys("b"); len(got) != 2 || got[0] != "key-00007" || got[1] != "key-00400" {
		t.Errorf("copied %q, want the two that exist", got)
	}
	if report.Lists != 6 || w.pages() != 6 {
		t.Errorf("%d pages reported, %d listed; want one for each key and bucket", report.Lists, w.pages())
	}
}
