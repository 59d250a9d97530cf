package health

import (
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// ownRolesSet has roles of somebody else's, whose IDs are those of healthyRegion
// if they are known.
func ownRolesSet(known bool) replicaset.Config {
	set := testSet()
	set.FunctionRoleARN = "arn:aws:iam::{account}:role/team/copies-{region}"
	if known {
		set.RoleIDs = map[string]string{}
		for i, r := range healthyOf(set).Regions {
			set.RoleIDs[set.Regions[i]] = r.Role.Value.ID
		}
	}
	return set
}

// ownRolesFacts are those of a set without findings: where nobody knows the
// roles' IDs, the subscriptions have no filter.
func ownRolesFacts(known bool) Facts {
	facts := healthyOf(ownRolesSet(known))
	for i := range facts.Regions {
		for j := range facts.Regions[i].Subscriptions.Value {
			if settings := &facts.Regions[i].Subscriptions.Value[j].Settings.Value; !known {
				settings.FilterPolicy, settings.FilterScope = "", ""
			}
		}
	}
	return facts
}

func TestDoctorOfRolesOfOnesOwn(t *testing.T) {
	for _, known := range []bool{false, true} {
		if got := Check(ownRolesFacts(known)); len(got) != 0 {
			t.Errorf("IDs known: %t: findings %+v, want none", known, got)
		}
	}
	for _, tt := range []struct {
		what        string
		known       bool
		change      func(*Region)
		check, text string
		fix         string
	}{
		{"role gone", false, func(r *Region) { r.Role = Look[Role]{State: Absent} }, checkRole, "role copies-eu-west-1 does not exist",
			"have role copies-eu-west-1 changed"},
		{"action missing", false, func(r *Region) { replace(&r.Role.Value.Policies.Value[0], "s3:PutObjectTagging", "s3:GetObjectAcl") },
			checkActions, "role copies-eu-west-1 may not s3:PutObjectTagging on arn:aws:s3:::media-111122223333-eu-west-1/*",
			"have role copies-eu-west-1 changed"},
		{"trust missing", false, func(r *Region) { replace(&r.Role.Value.Trust, "lambda.amazonaws.com", "ec2.amazonaws.com") },
			checkTrust, "copies-eu-west-1", "have role copies-eu-west-1 changed"},
		{"what is attached is not read", false, func(r *Region) {
			replace(&r.Role.Value.Policies.Value[0], "s3:PutObjectTagging", "s3:GetObjectAcl")
			r.Role.Value.Attached.Value = []string{"team-policy"}
		}, checkActions, "its own policies do not allow it, and doctor does not read the attached ones",
			"aws iam simulate-principal-policy"},
		{"another role", false, func(r *Region) { r.Function.Value.RoleARN += "2" }, checkRoleOf,
			"not arn:aws:iam::111122223333:role/team/copies-eu-west-1", ""},
		{"no filter though the ID is known", true, func(r *Region) { r.Subscriptions.Value[0].Settings.Value.FilterPolicy = "" },
			checkReplicaFilter, "no filter for replica events", "check that roleIds in cdk.json are right"},
		{"another ID", true, func(r *Region) { r.Role.Value.ID = "AROANEW" }, checkReplicaFilter, "but copies-eu-west-1 is AROANEW",
			"check that roleIds in cdk.json are right"},
		{"a filter though no ID is known", false, func(r *Region) {
			s := &r.Subscriptions.Value[0].Settings.Value
			s.FilterScope, s.FilterPolicy = "MessageBody",
				`{"Records":{"userIdentity":{"principalId":[{"anything-but":{"prefix":"AWS:AROA1:"}}]}}}`
		}, checkFilter, "another filter than deployed", ""},
	} {
		facts := ownRolesFacts(tt.known)
		tt.change(&facts.Regions[1])
		findings := Check(facts)
		wantFinding(t, tt.what, findings, tt.check, tt.text)
		for _, f := range findings {
			if f.Check == tt.check && !strings.Contains(f.Fix, tt.fix) {
				t.Errorf("%s: the fix is %q, want …%s…", tt.what, f.Fix, tt.fix)
			}
			if f.Check == checkAttached {
				t.Errorf("%s: %+v", tt.what, f)
			}
		}
	}
	// With a prefix that is left out, the filter drops that and nothing else.
	facts := ownRolesFacts(false)
	facts.Set.Exclude = replicaset.Exclusions{{Prefix: "tmp/"}}
	for i := range facts.Regions {
		facts.Regions[i].Function.Value.Environment["S3FANOUT_EXCLUDE"] = "tmp/:"
		for j := range facts.Regions[i].Subscriptions.Value {
			s := &facts.Regions[i].Subscriptions.Value[j].Settings.Value
			s.FilterScope, s.FilterPolicy = "MessageBody", `{"Records":{"s3":{"object":{"key":[{"anything-but":{"prefix":"tmp/"}}]}}}}`
		}
	}
	if got := Check(facts); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
}
