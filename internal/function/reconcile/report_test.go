package reconcile_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
)

// Metrics are those that alarms and reports read, without zeros.
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
		{"KeysCompared": 2, "KeysMissing": 1, "KeysRepaired": 1, "ProofAge": 0, "ProofTime": 0},
		{"ProofAge": 3600},
	} {
		envelope, _ := lines[i]["_aws"].(map[string]any)
		directive := envelope["CloudWatchMetrics"].([]any)[0].(map[string]any)
		if directive["Namespace"] != "s3fanout" || !reflect.DeepEqual(directive["Dimensions"], []any{[]any{"ReplicaSet", "TargetRegion"}}) ||
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
	named, rest := w.lines("key not repaired"), w.lines("more keys were not repaired than are named; s3fanout verify names all")
	if len(named) != 100 || len(rest) != 1 || rest[0]["keys"] != 30.0 {
		t.Errorf("%d keys are named, then %v", len(named), rest)
	}
	if !slices.ContainsFunc(named, func(line map[string]any) bool { return line["sourceRegion"] == there }) {
		t.Errorf("no line says who has it: %v", named[0])
	}
}
