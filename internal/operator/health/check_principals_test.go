package health

import (
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// operatorsSet lets two operators in, or none.
func operatorsSet(arns ...string) replicaset.Config {
	set := testSet()
	set.OperatorARNs = append([]string{}, arns...)
	return set
}

// A trust policy that lets in others than operatorArns lists, or not those, was
// never seen, and another account's role in it lets nobody in.
func TestOperatorsAreThoseOfTheConfiguration(t *testing.T) {
	const ann, ops, foreign = "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::{account}:role/ops", "arn:aws:iam::444455556666:role/ops"
	anybody, nobody := operators(testSet(), testSet().Member(account, "eu-west-1"))[0],
		`{"Effect":"Deny","Principal":"*","Action":"sts:TagSession"}`
	trust := func(set replicaset.Config) string { return operators(set, set.Member(account, "eu-west-1"))[0] }
	for _, tt := range []struct {
		name     string
		set      replicaset.Config
		old, new string // in the trust policy of eu-west-1
		as       Severity
		what     string // empty: nothing is found
	}{
		{"none is listed", testSet(), "", "", "", ""},
		{"two are", operatorsSet(ann, ops), "", "", "", ""},
		{"nobody may", operatorsSet(), "", "", "", ""},
		{"one is not let in", operatorsSet(ann, ops), `"arn:aws:iam::111122223333:role/ops"`,
			`"arn:aws:iam::111122223333:role/old"`, Failed,
			"may not be assumed by arn:aws:iam::111122223333:role/ops, which operatorArns lists"},
		{"nobody is let in", testSet(), anybody, nobody, Failed, "roles and users of the account may not assume"},
		{"all are let in", operatorsSet(ann), trust(operatorsSet(ann)), anybody, Failed, "any role or user of the account"},
		{"all are let in where nobody may", operatorsSet(), `{"Effect":"Allow"`, anybody + `,{"Effect":"Allow"`, Failed,
			"any role or user of the account"},
		{"by another session name", operatorsSet(ann), "-operator", "-admin", Failed,
			"may not be assumed by arn:aws:iam::111122223333:user/ann"},
		{"of another account", operatorsSet(ann, foreign), "", "", Failed,
			"operatorArns lists " + foreign + ", but role media-replicator-eu-west-1 trusts its own account 111122223333 alone"},
		{"perhaps", operatorsSet(ann), `"ArnEquals":{`, `"StringEqualsIgnoreCase":{"aws:PrincipalOrgID":"o"},"ArnEquals":{`, Unknown,
			"may be assumed by " + ann},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts := healthyOf(tt.set)
			region := &facts.Regions[1]
			if tt.old != "" {
				if !strings.Contains(region.Role.Value.Trust, tt.old) {
					t.Fatalf("%s has no %s", region.Role.Value.Trust, tt.old)
				}
				region.Role.Value.Trust = strings.Replace(region.Role.Value.Trust, tt.old, tt.new, 1)
			}
			var got []Finding
			for _, f := range Check(facts) {
				if f.Region == "eu-west-1" {
					got = append(got, f)
				}
			}
			switch {
			case tt.what == "" && len(got) > 0:
				t.Errorf("findings %+v, want none", got)
			case tt.what != "" &&
				(len(got) != 1 || got[0].Check != checkOperator || got[0].Severity != tt.as || !strings.Contains(got[0].What, tt.what)):
				t.Errorf("findings %+v, want one that says %q", got, tt.what)
			}
		})
	}
}
