package health

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/iampolicy"
	"s3fanout/internal/replicaset"
)

// reconcile checks what compares the Region's bucket with the others, if the set
// has that.
func (c *checker) reconcile() {
	if c.facts.Set.Reconcile == nil {
		return
	}
	r, name := c.region.Reconcile, c.facts.Set.ReconcilerName()
	if exists(c, checkReconciler, r.Function, "function "+name) {
		c.reconciler(r.Function.Value)
	}
	if exists(c, checkReconcileTable, r.Table, "table "+name) {
		// One that is being updated answers as ever.
		if status := r.Table.Value; status != "ACTIVE" && status != "UPDATING" {
			c.find(checkReconcileTable, "table %s is %s", name, status)
		}
	}
	c.schedule(name, r.Schedule, c.here().ReconcilerARN(), "function "+name)
	if c.facts.Set.Reconcile.KeyRanges > 0 {
		c.schedule(c.facts.Set.RangesScheduleName(), r.RangesSchedule, c.here().ReconcileMachineARN(), "state machine "+name)
		c.machine(r.Machine)
	}
	c.reconcileRoles()
	c.proof()
}

// machine checks the state machine of ranges of keys.
func (c *checker) machine(look Look[Machine]) {
	name := c.facts.Set.ReconcilerName()
	if !exists(c, checkMachine, look, "state machine "+name) {
		return
	}
	m := look.Value
	if m.Status != "ACTIVE" {
		c.find(checkMachine, "state machine %s is %s", name, m.Status)
	}
	if want := c.here().ScheduleRoleARN(); m.RoleARN != want {
		c.find(checkMachine, "state machine %s has role %s, not %s", name, m.RoleARN, want)
	}
	if !sameJSON(m.Definition, c.facts.Set.RangesDefinition(c.here())) {
		c.find(checkMachine, "state machine %s is not defined as cdk.json says", name)
	}
}

// sameJSON says whether a text is the JSON of a value.
func sameJSON(text string, value any) bool {
	var have, want any
	raw, err := json.Marshal(value)
	return err == nil && json.Unmarshal(raw, &want) == nil && json.Unmarshal([]byte(text), &have) == nil && reflect.DeepEqual(have, want)
}

// reconcileRoles checks the roles of the comparison, and that its function may repair as
// the replicator.
func (c *checker) reconcileRoles() {
	p, r := c.roleContext(), c.region.Reconcile
	roleChecks{
		role: checkReconcileRole, trust: checkReconcileTrust, actions: checkReconcileActions,
		name: p.ReconcileRoleName(), arn: p.ReconcileRoleARN(),
		service: "lambda.amazonaws.com", source: p.ReconcilerARN(), needs: p.compareGrants(),
	}.check(c, r.Role)
	roleChecks{
		role: checkReconcileRole, trust: checkReconcileTrust, actions: checkReconcileActions,
		name: p.ScheduleRoleName(), arn: p.ScheduleRoleARN(),
		service: "scheduler.amazonaws.com", source: p.ARN("scheduler", "schedule-group/default"), needs: p.startGrants(), keyless: true,
	}.check(c, r.Starter)
	if r.Starter.State == Found && c.facts.Set.Reconcile.KeyRanges > 0 {
		c.ask(checkReconcileTrust, r.Starter.Value.Trust,
			subject{"sts:AssumeRole", "role " + p.ScheduleRoleName(), "aws iam get-role --role-name " + p.ScheduleRoleName()},
			c.byService("states.amazonaws.com", p.ReconcileMachineARN(), "sts:AssumeRole", ""))
	}
	if c.facts.Set.Reconcile.Copy && c.region.Role.State == Found {
		c.repairs(c.region.Role.Value.Trust)
	}
}

// repairs checks that the function that compares may take on the replicator's role.
func (c *checker) repairs(trust string) {
	ask := c.byPrincipal(c.here().ReconcileRoleARN(), "sts:AssumeRole", "")
	ask.Context["sts:rolesessionname"] = c.facts.Set.ReconcileSession()
	says, err := c.says(trust, ask)
	if err != nil {
		return // which is found already
	}
	role, by := "role "+c.here().RoleName(), "role "+c.here().ReconcileRoleName()
	switch says.Answer() {
	case iampolicy.No:
		c.find(checkReconcileTrust, "%s may not be assumed by %s, so that nothing is repaired", role, by)
	case iampolicy.Perhaps:
		c.unknown(checkReconcileTrust, "read the policy: aws iam get-role --role-name "+c.here().RoleName(),
			"%s may be assumed by %s: its trust policy has conditions that doctor does not understand", role, by)
	case iampolicy.Yes:
	}
}

func (c *checker) schedule(name string, look Look[Schedule], target, what string) {
	if !exists(c, checkSchedule, look, "schedule "+name) {
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
	info := c.info[checkLogging]
	info.Severity = Warning
	c.logging(info, name, f.Logging, c.facts.Set.ReconcilerLogGroupName())
	var differ []string
	want := functionenv.EncodeReconcile(functionenv.OfReconcile(c.facts.Set, c.here()))
	for _, variable := range slices.Sorted(maps.Keys(want)) {
		if f.Environment[variable] != want[variable] {
			differ = append(differ, variable)
		}
	}
	if differ != nil {
		c.find(checkReconciler, "function %s is not configured as cdk.json says: %s", name, strings.Join(differ, ", "))
	}
}

// proof looks at how old the last comparison is.
func (c *checker) proof() {
	r := c.region.Reconcile
	if r.Function.State == Absent || !answered(c, checkProof, r.ProofAge) {
		return
	}
	every := c.facts.Set.Reconcile.Every
	switch age := r.ProofAge.Value; {
	case r.ProofAge.State == Absent && c.paused() && r.Function.Value.Reserved == found(0):
		// It is stopped with its Region, which is found by itself.
	case r.ProofAge.State == Absent && r.ProofAge.Why != "":
		c.add(checkProof, Note, "the age of the last comparison is not known: %s", r.ProofAge.Why)
	case r.ProofAge.State == Absent && r.Function.State == Found && r.Function.Value.Deployed < proofWindow:
		when := "just now, and is started within 15 minutes"
		if d := r.Function.Value.Deployed; d >= time.Minute {
			when = d.Round(time.Minute).String() + " ago, and is started every 15 minutes"
		}
		c.add(checkProof, Note, "the function that compares has published no metrics yet; it was deployed %s", when)
	case r.ProofAge.State == Absent:
		c.find(checkProof, "the function that compares has published no metrics for %s", replicaset.Span(proofWindow))
	case age > 2*every:
		c.find(checkProof, "the last complete comparison began %s ago; cdk.json says every %s",
			age.Round(time.Minute), replicaset.Span(every))
	}
}
