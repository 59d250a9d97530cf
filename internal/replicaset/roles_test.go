package replicaset

import (
	"strings"
	"testing"
)

func TestOwnRolesAreNamed(t *testing.T) {
	made, own := media(), media()
	own.FunctionRoleARN, own.JobRoleARN, own.AdoptRoleARN = "arn:aws:iam::{account}:role/team/copies-{region}",
		"arn:aws:iam::{account}:role/jobs", "arn:aws:iam::{account}:role/adopts-{region}"
	m, o := made.Member(account, tokyo), own.Member(account, tokyo)
	for _, tt := range []struct{ what, got, want string }{
		{"made role", m.RoleARN(), "arn:aws:iam::" + account + ":role/media-replicator-ap-northeast-1"},
		{"made role's name", m.RoleName(), "media-replicator-ap-northeast-1"},
		{"made job role", m.JobRoleARN(), "arn:aws:iam::" + account + ":role/media-batch-ap-northeast-1"},
		{"adopting role", made.AdoptRoleIn(account, tokyo), ""},
		{"own role", o.RoleARN(), "arn:aws:iam::" + account + ":role/team/copies-ap-northeast-1"},
		{"own role's name", o.RoleName(), "copies-ap-northeast-1"},
		{"own job role", o.JobRoleARN(), "arn:aws:iam::" + account + ":role/jobs"},
		{"own job role's name", o.JobRoleName(), "jobs"},
		{"own adopting role", own.AdoptRoleIn(account, tokyo), "arn:aws:iam::" + account + ":role/adopts-ap-northeast-1"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.what, tt.got, tt.want)
		}
	}
}

func TestValidateRoles(t *testing.T) {
	const each, one = "arn:aws:iam::{account}:role/copies-{region}", "arn:aws:iam::111122223333:role/team/copies"
	ids := func(first, second, third string) map[string]string {
		return map[string]string{"us-east-1": first, "eu-west-1": second, tokyo: third}
	}
	a, b, c := "AROA"+strings.Repeat("A", 17), "AROA"+strings.Repeat("B", 17), "AROA"+strings.Repeat("C", 17)
	for _, tt := range []struct {
		what   string
		change func(*Config)
		want   string
	}{
		{"a role for each Region", func(s *Config) { s.FunctionRoleARN = each }, ""},
		{"a role for all", func(s *Config) { s.FunctionRoleARN = one }, ""},
		{"IDs", func(s *Config) { s.FunctionRoleARN, s.RoleIDs = each, ids(a, b, c) }, ""},
		{"one ID", func(s *Config) { s.FunctionRoleARN, s.RoleIDs = one, ids(a, a, a) }, ""},
		{"a name too long if it were made",
			func(s *Config) { s.FunctionRoleARN, s.Name, s.Buckets = each, strings.Repeat("m", 45), nil }, "name: "},
		{"no ARN", func(s *Config) { s.FunctionRoleARN = "copies-{region}" },
			`roleArn: "copies-{region}" is not the ARN of a role; use one such as arn:aws:iam::{account}:role/replicator-{region}`},
		{"a wildcard", func(s *Config) { s.FunctionRoleARN = "arn:aws:iam::{account}:role/*" },
			`roleArn: "arn:aws:iam::{account}:role/*" is not the ARN of a role`},
		{"a session", func(s *Config) { s.FunctionRoleARN = "arn:aws:sts::111122223333:assumed-role/r/s" }, `roleArn: "arn:aws:sts::`},
		{"another partition", func(s *Config) { s.FunctionRoleARN = "arn:aws-cn:iam::{account}:role/r" }, `roleArn: "arn:aws-cn:`},
		{"a name too long", func(s *Config) {
			s.FunctionRoleARN = "arn:aws:iam::{account}:role/" + strings.Repeat("r", 60) + "-{region}"
		},
			"roleArn: it makes a name of 70 characters in us-east-1, 64 are allowed; use a shorter one"},
		{"a boundary", func(s *Config) {
			s.FunctionRoleARN, s.PermissionsBoundary = each, "arn:aws:iam::{account}:policy/b"
		}, "permissionsBoundary: it limits roles that the set makes, and with roleArn they are yours; leave it out"},
		{"jobs without a role", func(s *Config) { s.FunctionRoleARN, s.BatchOperations = each, true },
			"jobRoleArn: with roleArn the roles are yours, and batchOperations needs one more; name it, or leave batchOperations out"},
		{"jobs", func(s *Config) { s.FunctionRoleARN, s.JobRoleARN, s.BatchOperations = each, one, true }, ""},
		{"a role of jobs without jobs", func(s *Config) { s.FunctionRoleARN, s.JobRoleARN = each, one },
			"jobRoleArn: nothing needs it without batchOperations; leave it out"},
		{"a role of jobs alone", func(s *Config) { s.JobRoleARN, s.BatchOperations = one, true },
			"jobRoleArn: roleArn is missing; name your role of the functions too, or leave jobRoleArn out to have all roles made"},
		{"adopted without a role", func(s *Config) {
			s.FunctionRoleARN, s.Buckets = each, map[string]string{"us-east-1": "my-old-bucket"}
		}, "adoptRoleArn: with roleArn the roles are yours, and buckets needs one more; name it, or leave buckets out"},
		{"adopted", func(s *Config) {
			s.FunctionRoleARN, s.AdoptRoleARN, s.Buckets = each, one, map[string]string{"us-east-1": "my-old-bucket"}
		}, ""},
		{"reconcile without a role", func(s *Config) { s.FunctionRoleARN, s.Reconcile = each, &Reconcile{Every: MinReconcileEvery} },
			"reconcileRoleArn: with roleArn the roles are yours, and reconcile needs one more; name it, or leave reconcile out"},
		{"reconcile without a role of its schedule", func(s *Config) {
			s.FunctionRoleARN, s.ReconcileRoleARN, s.Reconcile = each, one, &Reconcile{Every: MinReconcileEvery}
		}, "scheduleRoleArn: with roleArn the roles are yours, and reconcile needs one more; name it, or leave reconcile out"},
		{"reconcile", func(s *Config) {
			s.FunctionRoleARN, s.ReconcileRoleARN, s.ScheduleRoleARN, s.Reconcile = each, one, one, &Reconcile{Every: MinReconcileEvery}
		}, ""},
		{"a role of a schedule without one", func(s *Config) { s.FunctionRoleARN, s.ScheduleRoleARN = each, one },
			"scheduleRoleArn: nothing needs it without reconcile; leave it out"},
		{"IDs of roles that are made", func(s *Config) { s.RoleIDs = ids(a, b, c) },
			"roleIds: roleArn is missing, and the set knows the roles that it makes; leave roleIds out"},
		{"an ID too few", func(s *Config) { s.FunctionRoleARN, s.RoleIDs = each, map[string]string{"us-east-1": a} },
			"roleIds: eu-west-1 has none; give the ID of each Region's role, or leave roleIds out"},
		{"an ARN for an ID", func(s *Config) { s.FunctionRoleARN, s.RoleIDs = each, ids(a, one, c) },
			"roleIds.eu-west-1: arn:aws:iam::111122223333:role/team/copies is not the ID of a role, which begins with AROA; ask for it: " +
				"aws iam get-role --role-name copies-eu-west-1 --query Role.RoleId"},
		{"a user's ID", func(s *Config) { s.FunctionRoleARN, s.RoleIDs = each, ids("AIDA"+strings.Repeat("A", 17), b, c) },
			"roleIds.us-east-1: AIDA"},
		{"one ID for several roles", func(s *Config) { s.FunctionRoleARN, s.RoleIDs = each, ids(a, b, a) },
			"roleIds.ap-northeast-1: it is that of us-east-1, but roleArn names a role for each Region; ask IAM for its ID"},
		{"several IDs of one role", func(s *Config) { s.FunctionRoleARN, s.RoleIDs = one, ids(a, a, b) },
			"roleIds.ap-northeast-1: it differs from that of us-east-1, but roleArn names one role for both; ask IAM for its ID"},
		{"an ID too many", func(s *Config) {
			s.FunctionRoleARN, s.RoleIDs = each, ids(a, b, c)
			s.RoleIDs["eu-west-2"] = a
		}, "roleIds.eu-west-2: it is not one of regions; remove it"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			got := ""
			if err := set(tt.change).Validate(); err != nil {
				got = strings.TrimPrefix(err.Error(), "s3fanout.")
			}
			if got != tt.want && (tt.want == "" || !strings.HasPrefix(got, tt.want)) || strings.Contains(got, "\n") {
				t.Errorf("got  %s\nwant %s…", got, tt.want)
			}
		})
	}
}
