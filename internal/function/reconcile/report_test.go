package reconcile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
)

// Metrics are those that alarms and reports read, with a zero of what was left where
// that is so, and no other.
func TestMetrics(t *testing.T) {
	w := newWorld(t, nil)
	w.everywhere("same", "body")
	w.Put(there, "lost", "body")
	w.tick()
	w.Pass(time.Hour)
	if _, err := w.invoke(`{"tick": true}`); err != nil {
		t.Fatal(err)
	}
	lines := w.lines("reconcile")
	if len(lines) != 2 {
		t.Fatalf("lines: %v", lines)
	}
	for i, want := range []map[string]float64{
		{"KeysCompared": 2, "KeysMissing": 1, "KeysRepaired": 1, "KeysUnrepaired": 0, "ProofAge": 0, "ProofTime": 0},
		{"ProofAge": 3600},
	} {
		envelope, _ := lines[i]["_aws"].(map[string]any)
		directive := envelope["CloudWatchMetrics"].([]any)[0].(map[string]any)
		if directive["Namespace"] != "s3fanout" ||
			!reflect.DeepEqual(directive["Dimensions"], []any{[]any{"ReplicaSet", "TargetRegion"}}) ||
			lines[i]["ReplicaSet"] != "media" || lines[i]["TargetRegion"] != here || envelope["Timestamp"] == nil {
			t.Errorf("line %v", lines[i])
		}
		got := map[string]float64{}
		for _, m := range directive["Metrics"].([]any) {
			name := m.(map[string]any)["Name"].(string)
			got[name] = lines[i][name].(float64)
			wantUnit := "Count"
			if name == "ProofAge" || name == "ProofTime" {
				wantUnit = "Seconds"
			}
			if unit := m.(map[string]any)["Unit"]; unit != wantUnit {
				t.Errorf("%s is in %v", name, unit)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("line %d has %v, want %v", i, got, want)
		}
	}
}

// A bounded number of keys is named, and the rest counted.
func TestNamedKeysAreBounded(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.Copy = false })
	w.change = func(h *reconcile.Handler) { h.PageSize = 0 }
	const n = 130
	for i := range n {
		w.Put(there, fmt.Sprintf("%03d", i), "body")
	}
	w.wantCounts(w.tick(), reconcile.Counts{Compared: n, Missing: n, Unrepaired: n})
	named, rest := w.lines("key not repaired"), w.lines("not all keys that were not repaired are named; s3fanout verify lists all")
	if len(named) != 100 || len(rest) != 1 || rest[0]["keys"] != 30.0 {
		t.Errorf("%d keys are named, then %v", len(named), rest)
	}
	if !slices.ContainsFunc(named, func(line map[string]any) bool { return line["sourceRegion"] == there }) {
		t.Errorf("no line says who has it: %v", named[0])
	}
}

// The zero by which the alarm not-repaired ends is that of a whole comparison: it is
// not written by one that left keys in an earlier invocation or range.
func TestAZeroIsOfTheWholeComparison(t *testing.T) {
	zeros := func(w *world) (n int) {
		for _, line := range w.lines("reconcile") {
			if line["KeysUnrepaired"] == 0.0 {
				n++
			}
		}
		return n
	}
	w := newWorld(t, nil)
	for _, key := range []string{"archived", "large", "z"} {
		w.Put(there, key, "body")
	}
	pauses := func(w *world, large string) {
		w.pauses(large)
		paused := w.change
		w.change = func(h *reconcile.Handler) {
			paused(h)
			h.Copier = copying{h.Copier, func(_ context.Context, r copier.Request) error {
				if r.Source.Key == "archived" {
					return &copier.Error{Class: copier.Permanent, Err: errors.New("archived")}
				}
				return nil
			}}
		}
	}
	pauses(w, "large")
	if a := w.tick(); a.Status != reconcile.Paused || a.Unrepaired != 1 {
		t.Fatalf("got %+v", a)
	}
	if a := w.tick(); a.Status != reconcile.Complete || zeros(w) != 0 {
		t.Errorf("got %+v, and %d zeros", a, zeros(w))
	}

	ranges := newWorld(t, func(c *functionenv.Reconcile) { c.KeyRanges = 4 })
	ranges.Buckets = w.Buckets
	ranges.Put(there, "more/large", "body")
	ranges.Pass(reconcile.Grace)
	pauses(ranges, "more/large")
	answers := func() (list []reconcile.Answer) {
		item := &reconcile.Range{}
		for item != nil {
			event, err := json.Marshal(reconcile.Event{Range: item, Began: ranges.Now()})
			if err != nil {
				t.Fatal(err)
			}
			a, err := ranges.invoke(string(event))
			if err != nil {
				t.Fatal(err)
			}
			item, list = a.Range, append(list, a)
		}
		return list
	}
	prove := func(last reconcile.Answer) {
		event, err := json.Marshal(reconcile.Event{Prove: &reconcile.Prove{Began: ranges.Now(), Ranges: []reconcile.Answer{last}}})
		if err == nil {
			_, err = ranges.invoke(string(event))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	of := answers()
	if len(of) != 2 || of[0].Unrepaired != 1 || of[1].Unrepaired != 0 || of[1].RangeUnrepaired != 1 {
		t.Fatalf("got %+v", of)
	}
	if prove(of[1]); zeros(ranges) != 0 {
		t.Errorf("%d zeros beside a key that is left", zeros(ranges))
	}
	ranges.change = nil
	of = answers()
	if prove(of[len(of)-1]); zeros(ranges) != 1 {
		t.Errorf("%d zeros once nothing is left", zeros(ranges))
	}
}
