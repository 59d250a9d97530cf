package health

import (
	"maps"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

// reconcile checks what compares the Region's bucket with the others, if the set
// has that.
func (c *checker) reconcile() {
	if c.facts.Set.Reconcile == nil {
		return
	}
	r, name := c.region.Reconcile, c.facts.Set.ReconcilerName()
	if there(c, checkReconciler, r.Function, "function "+name) {
		c.reconciler(r.Function.Value)
	}
	if there(c, checkReconcileTable, r.Table, "table "+name) {
		// One that is being updated answers as ever.
		if status := r.Table.Value; status != "ACTIVE" && status != "UPDATING" {
			c.find(checkReconcileTable, "table %s is %s", name, status)
		}
	}
	c.schedule(name, r.Schedule, c.here().ReconcilerARN(), "function "+name)
	if c.facts.Set.Reconcile.KeyRanges > 0 {
		c.schedule(c.facts.Set.RangesScheduleName(), r.RangesSchedule, c.here().ReconcileMachineARN(), "state machine "+name)
	}
	c.proof()
}

func (c *checker) schedule(name string, look Look[Schedule], target, what string) {
	if !there(c, checkSchedule, look, "schedule "+name) {
		return
	}
	switch s := look.Value; {
	case s.State != "ENABLED":
		c.find(checkSchedule, "schedule %s is %s", name, s.State)
	case s.Target != target:
		c.find(checkSchedule, "schedule %s starts %s, not %s", name, s.Target, what)
	}
}

func (c *checker) reconciler(f Reconciler) {
	name := c.facts.Set.ReconcilerName()
	if f.State != "Active" && f.State != "Inactive" && f.State != "" {
		c.find(checkReconciler, "function %s is %s", name, f.State)
	}
	if want := c.here().ReconcileRoleARN(); f.RoleARN != want {
		c.find(checkReconciler, "function %s has role %s, not %s", name, f.RoleARN, want)
	}
	if f.Reserved.State == Found && f.Reserved.Value == 0 && !c.paused() { // it is paused with the Region
		c.find(checkReconciler, "function %s may not run: its reserved concurrency is 0", name)
	}
	var differ []string
	want := functionenv.EncodeReconcile(functionenv.OfReconcile(c.facts.Set, c.here()))
	for _, variable := range slices.Sorted(maps.Keys(want)) {
		if f.Environment[variable] != want[variable] {
			differ = append(differ, variable)
		}
	}
	if differ != nil {
		c.find(checkReconciler, "function %s is configured otherwise than cdk.json says: %s", name, strings.Join(differ, ", "))
	}
}

// proof looks at how old the last comparison is.
func (c *checker) proof() {
	r := c.region.Reconcile
	if r.Function.State == Absent || !told(c, checkProof, r.ProofAge) {
		return
	}
	every := c.facts.Set.Reconcile.Every
	switch age := r.ProofAge.Value; {
	case r.ProofAge.State == Absent && c.paused() && r.Function.Value.Reserved == found(0):
		// It is stopped with its Region, which is found by itself.
	case r.ProofAge.State == Absent && r.ProofAge.Why != "":
		c.add(checkProof, Note, "how old the last comparison is cannot be told: %s", r.ProofAge.Why)
	case r.ProofAge.State == Absent && r.Function.State == Found && r.Function.Value.Deployed < proofWindow:
		c.add(checkProof, Note, "the function that compares has told nothing yet; it was deployed %s ago",
			r.Function.Value.Deployed.Round(time.Minute))
	case r.ProofAge.State == Absent:
		c.find(checkProof, "the function that compares has told nothing for %s", replicaset.Span(proofWindow))
	case age > 2*every:
		c.find(checkProof, "the last complete comparison began %s ago; it is to be every %s", age.Round(time.Minute), replicaset.Span(every))
	}
}
