package reconcile_test

import (
	"encoding/json"
	"testing"
	"time"

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
	proved := w.Now()
	event, err := json.Marshal(map[string]any{"prove": map[string]time.Time{"began": proved}})
	if err != nil {
		t.Fatal(err)
	}
	w.change = nil
	if _, err := w.invoke(string(event)); err != nil {
		t.Fatal(err)
	}
	if a := w.tick(); a.Status != reconcile.Idle {
		t.Errorf("with a new proof a tick is %s", a.Status)
	}
	w.wantCounts(w.tomorrow(), reconcile.Counts{Compared: 2, Missing: 1, Repaired: 1})
	if s := w.checkpoints.state(t); !s.Proof.After(proved) {
		t.Errorf("the proof is set back from %v to %v", proved, s.Proof)
	}
}
