package reconcile_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/replicaset"
)

// What was compared by one configuration is no proof of another one: a comparison
// under way begins anew where it would leave something out.
func TestAComparisonIsOfOneConfiguration(t *testing.T) {
	filter := func(prefixes ...string) (list []replicaset.Filter) {
		for _, prefix := range prefixes {
			list = append(list, replicaset.Filter{Prefix: prefix})
		}
		return list
	}
	for name, tt := range map[string]struct {
		change func(*functionenv.Reconcile)
		anew   bool
	}{
		"a filter more":    {func(c *functionenv.Reconcile) { c.Filters = filter("a/", "m/") }, true},
		"less is left out": {func(c *functionenv.Reconcile) { c.Exclude = nil }, true},
		"a Region less":    {func(c *functionenv.Reconcile) { c.Sources = c.Sources[:1] }, true},
		"follow mode":      {followAll, true},
		"counted only":     {func(c *functionenv.Reconcile) { c.Copy = false }, true},
		"how often":        {func(c *functionenv.Reconcile) { c.Every = 12 * time.Hour }, false},
		"how fast":         {func(c *functionenv.Reconcile) { c.Rate = 7 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *functionenv.Reconcile) {
				c.Filters, c.Exclude = filter("m/"), replicaset.Exclusions{{Prefix: "m/tmp/"}}
			})
			for _, key := range []string{"a/lost", "m/1", "m/large", "m/z"} {
				w.Put(there, key, "body")
			}
			w.pauses("large")
			if a := w.tick(); a.Status != reconcile.Paused || w.checkpoints.state(t).After != "m/1" {
				t.Fatalf("got %+v", a)
			}
			began := w.checkpoints.state(t).Began
			tt.change(&w.config)
			w.change = nil
			if a := w.tick(); a.Status != reconcile.Complete || a.Began.Equal(began) == tt.anew {
				t.Errorf("%s, and began %v after the one before", a.Status, a.Began.Sub(began))
			}
			if len(w.config.Filters) > 1 {
				w.shows("a/lost", "body", "body", "-")
			}
		})
	}
}

// overtake proves that another comparison, which began now, is complete.
func (w *world) overtake() (began time.Time) {
	w.t.Helper()
	began = w.Now()
	event, err := json.Marshal(map[string]any{"prove": map[string]time.Time{"began": began}})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.invoke(string(event)); err != nil {
		w.t.Fatal(err)
	}
	return began
}

// A comparison that a newer proof has overtaken does not set the proof back.
func TestAProofIsNotSetBack(t *testing.T) {
	w := newWorld(t, nil)
	w.Put(there, "1", "body")
	w.Put(there, "large", "body")
	w.pauses("large")
	if a := w.tick(); a.Status != reconcile.Paused {
		t.Fatalf("got %+v", a)
	}
	w.Pass(time.Hour)
	w.change = nil
	proved := w.overtake()
	if a := w.tick(); a.Status != reconcile.Idle {
		t.Errorf("with a new proof a tick is %s", a.Status)
	}
	w.wantCounts(w.tomorrow(), reconcile.Counts{Compared: 2, Missing: 1, Repaired: 1})
	if s := w.checkpoints.state(t); !s.Proof.After(proved) {
		t.Errorf("the proof is set back from %v to %v", proved, s.Proof)
	}
}

// A save whose answer is lost may have been done: the next one does not take it for
// somebody else's, whenever the answer to that question comes.
func TestALostSaveIsNoConflict(t *testing.T) {
	lost := errors.New("no answer")
	for name, fails := range map[string]func(n int, save func() error) error{
		"done, at once known": func(n int, save func() error) error { return cmp.Or(save(), onlyAt(n, 2, lost)) },
		"done at the end":     func(n int, save func() error) error { return cmp.Or(save(), onlyAt(n, 9, lost)) },
		"not done": func(n int, save func() error) error {
			if n == 2 {
				return lost
			}
			return save()
		},
		"done, and known late": func(n int, save func() error) error { return cmp.Or(save(), onlyAt(n, 3, errLate)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			const n = 10
			for i := range n {
				w.Put(there, fmt.Sprint(i), "body")
			}
			saves := 0
			w.checkpoints.fails = func(save func() error) error {
				saves++
				err := fails(saves, save)
				if errors.Is(err, errLate) {
					w.checkpoints.silent = 1
				}
				return err
			}
			w.change = func(h *reconcile.Handler) {
				h.Parallel = 1
				h.Copier = copying{h.Copier, func(context.Context, copier.Request) error {
					w.Pass(time.Minute)
					return nil
				}}
			}
			w.wantCounts(w.tick(), reconcile.Counts{Compared: n, Missing: n, Repaired: n})
			if s := w.checkpoints.state(t); s.Lease != nil || s.Proof.IsZero() || saves < 9 {
				t.Errorf("after %d saves: %+v\n%s", saves, s, w.log)
			}
		})
	}
}

// errLate is a lost answer after which the table does not answer at first either.
var errLate = errors.New("no answer, to the next question neither")

func onlyAt(n, at int, err error) error {
	if n == at {
		return err
	}
	return nil
}
