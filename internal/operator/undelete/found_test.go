package undelete_test

import (
	"fmt"
	"slices"
	"testing"

	"s3fanout/internal/operator/undelete"
)

// Of each verdict the first keys are named, and the others counted, however many.
func TestRunNamesABoundedNumberOfKeys(t *testing.T) {
	w := newWorld(t, a)
	w.Remove(a, "lost")
	for i := range undelete.MaxFound + 5 {
		key := fmt.Sprintf("k%04d", i)
		w.Put(a, key, "v")
		w.Remove(a, key)
	}
	report, err := undelete.Run(t.Context(), undelete.Options{Members: w.members(), Span: lately(), DryRun: true}, undelete.Observer{})
	if err != nil || len(report.Found) != undelete.MaxFound+1 || report.Unnamed != 5 || report.Sum().Objects != undelete.MaxFound+5 {
		t.Errorf("%d of %d keys named, %d not; %v", len(report.Found), report.Sum().Objects, report.Unnamed, err)
	}
	if !slices.Contains(report.Found, undelete.Found{Key: "lost", Verdict: undelete.Lost}) {
		t.Error("the key that cannot be restored is not named")
	}
}
