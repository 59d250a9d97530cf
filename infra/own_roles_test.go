package infra

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

// rolesOfMine is a set that needs each kind of role, and has none made.
func rolesOfMine() replicaset.Config {
	return replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, BatchOperations: true,
		Buckets:          map[string]string{"eu-west-1": "my-old-bucket"},
		Reconcile:        &replicaset.Reconcile{Every: 24 * time.Hour, Copy: true},
		FunctionRoleARN:  "arn:aws:iam::{account}:role/team/copies-{region}",
		AdoptRoleARN:     "arn:aws:iam::{account}:role/adopts",
		JobRoleARN:       "arn:aws:iam::{account}:role/jobs-{region}",
		ReconcileRoleARN: "arn:aws:iam::{account}:role/compares",
		ScheduleRoleARN:  "arn:aws:iam::{account}:role/team/schedules-{region}",
		AuditTrail:       &replicaset.AuditTrail{},
		OwnAuditRoleARN:  "arn:aws:iam::{account}:role/trail-{region}",
	}
}

// TestOwnRoles compares a set with roles of somebody else's with one that has its
// roles made: everything but roles and their policies is the same, and names the
// roles that are given.
func TestOwnRoles(t *testing.T) {
	own := rolesOfMine()
	made := own
	made.FunctionRoleARN, made.AdoptRoleARN, made.JobRoleARN, made.ReconcileRoleARN, made.ScheduleRoleARN, made.OwnAuditRoleARN = "", "",
		"", "", "", ""
	ofOwn, ofMade := synthesize(t, own), synthesize(t, made)
	for _, region := range own.Regions {
		for _, kind := range []string{"AWS::IAM::Role", "AWS::IAM::Policy"} {
			if n := len(ofOwn.regions[region].all(kind)); n != 0 {
				t.Errorf("%s: %d resources of type %s, want none", region, n, kind)
			}
		}
		if len(ofOwn.regions[region].exports) != 0 {
			t.Errorf("%s exports %v; of what is not made, nothing is known", region, ofOwn.regions[region].exports)
		}
		want := ofMade.regions[region]
		want.resources = slices.DeleteFunc(slices.Clone(want.resources), func(r resource) bool {
			return strings.HasPrefix(r.Type, "AWS::IAM::")
		})
		before, after := ofMade.member(region).RoleARN(), ofOwn.member(region).RoleARN()
		if after != "arn:aws:iam::"+testAccount+":role/team/copies-"+region || ofOwn.member(region).RoleName() != "copies-"+region {
			t.Errorf("the role is %s, called %s", after, ofOwn.member(region).RoleName())
		}
		adopter := ofMade.member(region).IAMARN("role/" + ofMade.member(region).AdopterName())
		roles := strings.NewReplacer(before, after, adopter, "arn:aws:iam::"+testAccount+":role/adopts",
			ofMade.member(region).ReconcileRoleARN(), "arn:aws:iam::"+testAccount+":role/compares",
			ofMade.member(region).ScheduleRoleARN(), "arn:aws:iam::"+testAccount+":role/team/schedules-"+region)
		var adjusted []string
		for _, text := range shapes(t, want) {
			adjusted = append(adjusted, roles.Replace(text))
		}
		slices.Sort(adjusted)
		if got := shapes(t, ofOwn.regions[region]); !slices.Equal(got, adjusted) {
			t.Errorf("%s: got\n%s\nwant\n%s", region, strings.Join(got, "\n"), strings.Join(adjusted, "\n"))
		}
	}
}

// TestFilterOfOwnRoles has the subscriptions drop replicas' events where the
// configuration says the roles' IDs, and deliver them where nobody knows them.
func TestFilterOfOwnRoles(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*replicaset.Config)
		want   string // with the Region's ID as ID; "" for no filter
	}{
		{"nothing known", func(*replicaset.Config) {}, ""},
		{"IDs", func(c *replicaset.Config) {
			c.RoleIDs = map[string]string{"us-east-1": "AROAUSEAST1XXXXXXXXXX", "eu-west-1": "AROAEUWEST1XXXXXXXXXX"}
		}, `{"Records":{"userIdentity":{"principalId":[{"anything-but":{"prefix":"AWS:ID:"}}]}}}`},
		{"a prefix that is left out", func(c *replicaset.Config) { c.Exclude = replicaset.Exclusions{{Prefix: "tmp/"}} },
			`{"Records":{"s3":{"object":{"key":[{"anything-but":{"prefix":"tmp/"}}]}}}}`},
		{"deletions", func(c *replicaset.Config) { c.Follow = deletions }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := rolesOfMine()
			tt.change(&set)
			s := synthesize(t, set)
			for _, region := range set.Regions {
				r := s.meshes[region].one(t, "AWS::SNS::Subscription")
				want, scope := any(nil), any(nil)
				if tt.want != "" {
					want, scope = parsed(t, strings.ReplaceAll(tt.want, ":ID:", ":"+set.RoleIDs[region]+":")), "MessageBody"
				}
				equal(t, region+": filter", r.at("FilterPolicy"), want)
				equal(t, region+": scope", r.at("FilterPolicyScope"), scope)
			}
		})
	}
}

func parsed(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}
