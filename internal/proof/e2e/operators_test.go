package e2e

import (
	"strings"
	"testing"

	"s3fanout/internal/sandbox"
)

// Where operatorArns lists who may assume the function's role, nobody else may,
// whatever the account's own policies allow him.
func TestOnlyListedOperatorsGetSessions(t *testing.T) {
	t.Parallel()
	a := editable(t, careful(t)) // lists the administrator
	a.edit("careful-us-east-1", func(resources map[string]any) int {
		resources["Powerful"] = map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{
			"RoleName": "powerful",
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + sandbox.AccountID + ":root"},
				"Action": "sts:AssumeRole",
			}}},
			"Policies": []any{map[string]any{"PolicyName": "all", "PolicyDocument": map[string]any{
				"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}},
			}}},
		}}
		return 1
	})
	w := start(t, a.files)
	set := carefulSet()
	powerful := w.mustAssume("arn:aws:iam::"+sandbox.AccountID+":role/powerful", "tester")
	for _, region := range w.regions {
		role := set.Member(w.state.AccountID, region).RoleARN()
		if _, err := w.administrator().assume(t, role, set.OperatorSession()); err != nil {
			t.Errorf("%s: who is listed: %v", region, err)
		}
		if _, err := powerful.assume(t, role, set.OperatorSession()); !accessDenied(err) {
			t.Errorf("%s: who is not listed: %v, want it denied", region, err)
		}
	}
}

// What a backfill writes is told from what the function writes by the session's
// name, and the filters drop the events of both.
func TestABackfillDiffersFromTheFunction(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-*-mesh", withoutSubscriber("eu-west-1"))
	w := start(t, a.files)
	w.upload("us-east-1", object{key: "k", body: "body"})
	w.settle()
	w.wantIn("ap-northeast-1", object{key: "k", body: "body"}) // the function's copy
	w.wantMissing("eu-west-1", "k")
	before := invocations(w.sandbox.Stats())
	if code, out := w.backfill("--to", "eu-west-1"); code != 0 {
		t.Fatalf("exit %d\n%s", code, out)
	}
	w.settle()
	w.wantIn("eu-west-1", object{key: "k", body: "body"})
	if woken := invocations(w.sandbox.Stats()) - before; woken != 0 {
		t.Errorf("the backfill woke %d functions", woken)
	}
	for region, session := range map[string]string{"ap-northeast-1": "s3fanout-replicator", "eu-west-1": "s3fanout-replicator-operator"} {
		writers := []string{}
		for caller, operations := range w.sandbox.Stats().Regions[region].S3 {
			if operations["CopyObject"] > 0 {
				writers = append(writers, caller)
			}
		}
		want := "arn:aws:sts::" + sandbox.AccountID + ":assumed-role/s3fanout-replicator-" + region + "/" + session
		if len(writers) != 1 || writers[0] != want {
			t.Errorf("%s: copied by %s, want by %s", region, strings.Join(writers, ", "), want)
		}
	}
}
