package health

import (
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

func reconcileSet() replicaset.Config {
	set := testSet()
	set.Reconcile = &replicaset.Reconcile{Every: 24 * time.Hour, Copy: true}
	return set
}

// reconcileTroubles are what keeps the buckets from being compared.
func reconcileTroubles() []trouble {
	with := func(change func(*Reconcile)) func(*Region) { return func(r *Region) { change(&r.Reconcile) } }
	return []trouble{
		{"no function that compares", with(func(r *Reconcile) { r.Function = Look[Reconciler]{State: Absent} }), checkReconciler, Warning, "function media-reconcile"},
		{"a failed one", with(func(r *Reconcile) { r.Function.Value.State = "Failed" }), checkReconciler, Warning, "is Failed"},
		{"one with another role", with(func(r *Reconcile) { r.Function.Value.RoleARN = "arn:x" }), checkReconciler, Warning, "has role arn:x"},
		{"a stopped one", with(func(r *Reconcile) { r.Function.Value.Reserved = found(0) }), checkReconciler, Warning, "reserved concurrency is 0"},
		{"compared at another time", with(func(r *Reconcile) { r.Function.Value.Environment["S3FANOUT_RECONCILE_EVERY"] = "6h0m0s" }),
			checkReconciler, Warning, "S3FANOUT_RECONCILE_EVERY"},
		{"no table", with(func(r *Reconcile) { r.Table = Look[string]{State: Absent} }), checkReconcileTable, Warning, "table media-reconcile"},
		{"no schedule", with(func(r *Reconcile) { r.Schedule = Look[Schedule]{State: Absent} }), checkSchedule, Warning, "schedule media-reconcile"},
		{"a schedule switched off", with(func(r *Reconcile) { r.Schedule.Value.State = "DISABLED" }), checkSchedule, Warning, "is DISABLED"},
		{"a schedule of something else", with(func(r *Reconcile) { r.Schedule.Value.Target = "arn:y" }), checkSchedule, Warning, "starts arn:y"},
		{"schedule denied", with(func(r *Reconcile) { r.Schedule = Look[Schedule]{Why: denied} }), checkSchedule, Unknown, denied},
		{"an old comparison", with(func(r *Reconcile) { r.ProofAge = found(49 * time.Hour) }), checkProof, Warning, "began 49h0m0s ago; it is to be every 1 day"},
		{"no comparison", with(func(r *Reconcile) { r.ProofAge = Look[time.Duration]{State: Absent} }), checkProof, Note, "nothing for 3 hours"},
		{"metrics denied", with(func(r *Reconcile) { r.ProofAge = Look[time.Duration]{Why: denied} }), checkProof, Unknown, denied},
	}
}

// In a paused Region what repairs is stopped too, and that is no finding of its own.
func TestReconcileIsPausedWithItsRegion(t *testing.T) {
	facts := healthyOf(reconcileSet())
	stopped(pausedFor(time.Hour))(&facts.Regions[1])
	facts.Regions[1].Reconcile.Function.Value.Reserved = found(0)
	if got := Check(facts); len(got) != 1 || got[0].Check != CheckPaused {
		t.Errorf("findings %+v, want that it is paused", got)
	}
}

// Nothing of it is looked at without reconcile.
func TestWithoutReconcileNothingIsMissing(t *testing.T) {
	if got := Check(healthyOf(reconcileSet())); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
	for _, c := range reconcileTroubles() {
		facts := healthyOf(reconcileSet())
		c.change(&facts.Regions[1])
		facts.Set.Reconcile = nil
		if got := Check(facts); len(got) != 0 {
			t.Errorf("%s: findings %+v without reconcile", c.name, got)
		}
	}
}
