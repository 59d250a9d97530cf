package replicaset

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	account = "111122223333"
	tokyo   = "ap-northeast-1"
)

func media() Config {
	return Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", tokyo}}
}

func TestNames(t *testing.T) {
	c := media()
	m := c.Member(account, tokyo)
	for _, tc := range []struct{ what, got, want string }{
		{"TopicName", c.TopicName(), "media-object-created"},
		{"QueueName", c.QueueName(), "media-dead-letters"},
		{"FunctionName", c.FunctionName(), "media-replicator"},
		{"LogGroupName", c.LogGroupName(), "/aws/lambda/media-replicator"},
		{"RegionStackName", c.RegionStackName(tokyo), "media-ap-northeast-1"},
		{"MeshStackName", c.MeshStackName(tokyo), "media-ap-northeast-1-mesh"},
		{"Bucket", m.Bucket, "media-111122223333-ap-northeast-1"},
		{"Bucket with a token", c.Member("${AWS::AccountId}", tokyo).Bucket, "media-${AWS::AccountId}-ap-northeast-1"},
		{"RoleName", m.RoleName(), "media-replicator-ap-northeast-1"},
		{"JobRoleName", m.JobRoleName(), "media-batch-ap-northeast-1"},
		{"BucketARN", m.BucketARN(), "arn:aws:s3:::media-111122223333-ap-northeast-1"},
		{"BucketARNs", strings.Join(c.BucketARNs(account), " "), "arn:aws:s3:::media-111122223333-*"},
		{"TopicARN", m.TopicARN(), "arn:aws:sns:ap-northeast-1:111122223333:media-object-created"},
		{"QueueARN", c.Member(account, "cn-north-1").QueueARN(), "arn:aws-cn:sqs:cn-north-1:111122223333:media-dead-letters"},
		{"FunctionARN", m.FunctionARN(), "arn:aws:lambda:ap-northeast-1:111122223333:function:media-replicator"},
		{"LogGroupARN", m.LogGroupARN(), "arn:aws:logs:ap-northeast-1:111122223333:log-group:/aws/lambda/media-replicator"},
		{"RoleARN", m.RoleARN(), "arn:aws:iam::111122223333:role/media-replicator-ap-northeast-1"},
		{"JobRoleARN", m.JobRoleARN(), "arn:aws:iam::111122223333:role/media-batch-ap-northeast-1"},
		{"ReconcilerARN", m.ReconcilerARN(), "arn:aws:lambda:ap-northeast-1:111122223333:function:media-reconcile"},
		{"ReconcilerLogGroupARN", m.ReconcilerLogGroupARN(),
			"arn:aws:logs:ap-northeast-1:111122223333:log-group:/aws/lambda/media-reconcile"},
		{"ReconcileTableARN", m.ReconcileTableARN(), "arn:aws:dynamodb:ap-northeast-1:111122223333:table/media-reconcile"},
		{"ReconcileMachineARN", m.ReconcileMachineARN(), "arn:aws:states:ap-northeast-1:111122223333:stateMachine:media-reconcile"},
		{"InvokeTaskARN", m.InvokeTaskARN(), "arn:aws:states:::lambda:invoke"},
		{"ReconcileRoleARN", m.ReconcileRoleARN(), "arn:aws:iam::111122223333:role/media-reconcile-ap-northeast-1"},
		{"ScheduleRoleARN", m.ScheduleRoleARN(), "arn:aws:iam::111122223333:role/media-schedule-ap-northeast-1"},
		{"SessionARN", SessionARN(m.RoleARN(), "s"), "arn:aws:sts::111122223333:assumed-role/media-replicator-ap-northeast-1/s"},
		{"SessionARN of a role with a path", SessionARN("arn:aws-cn:iam::111122223333:role/a/b/c", "s"),
			"arn:aws-cn:sts::111122223333:assumed-role/c/s"},
		{"SessionARN of no role", SessionARN("c", "s"), ""},
		{"AccountARN", m.AccountARN(), "arn:aws:iam::111122223333:root"},
		{"ARN", m.ARN("kms", "key/k"), "arn:aws:kms:ap-northeast-1:111122223333:key/k"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s = %q, want %q", tc.what, tc.got, tc.want)
		}
	}
}

func TestOthers(t *testing.T) {
	c := media()
	if got, want := c.Others("eu-west-1"), []string{"us-east-1", tokyo}; !slices.Equal(got, want) {
		t.Errorf("Others(eu-west-1) = %v, want %v", got, want)
	}
	if got := c.Others("eu-west-2"); !slices.Equal(got, c.Regions) {
		t.Errorf("Others of a Region outside the set = %v, want all: %v", got, c.Regions)
	}
	if !c.Contains(tokyo) || c.Contains("eu-west-2") {
		t.Errorf("Contains: got %v and %v, want true and false", c.Contains(tokyo), c.Contains("eu-west-2"))
	}
}

func TestMembers(t *testing.T) {
	c := media()
	all := c.Members(account)
	var regions []string
	for _, m := range all {
		regions = append(regions, m.Region)
		if m != c.Member(account, m.Region) || m.Account != account || m.Set != "media" {
			t.Errorf("Members has %+v, Member says %+v", m, c.Member(account, m.Region))
		}
		if found, ok := all.WithBucket(m.Bucket); !ok || found != m {
			t.Errorf("WithBucket(%q) = %+v, %v; want %+v", m.Bucket, found, ok, m)
		}
		if found, ok := all.In(m.Region); !ok || found != m {
			t.Errorf("In(%q) = %+v, %v; want %+v", m.Region, found, ok, m)
		}
	}
	if !slices.Equal(regions, c.Regions) {
		t.Errorf("Members are in %v, want the configuration's order: %v", regions, c.Regions)
	}
	if found, ok := all.WithBucket("media"); ok {
		t.Errorf("WithBucket of a stranger's bucket = %+v", found)
	}
	if found, ok := all.In("eu-west-2"); ok {
		t.Errorf("In a Region that the set lacks = %+v", found)
	}
	if got, want := all.Except("eu-west-1"), (Members{all[0], all[2]}); !slices.Equal(got, want) || len(all) != 3 {
		t.Errorf("Except(eu-west-1) = %+v, want %+v; all are %+v", got, want, all)
	}
}

// TestSetsShareNoName draws two sets whose names are made to collide: nothing that
// one of them makes in an account is called as something of the other.
func TestSetsShareNoName(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "media", "replicator", "batch", "us-east-1", "eu-west-1", "mesh", "dead-letters",
		"object-created",
		"alarms", "adopt", "reconcile", "schedule", "replica-set", "role-id", account, "an"})
	rapid.Check(t, func(t *rapid.T) {
		draw := func(what string) Config {
			names := rapid.SliceOfN(part, 1, 4).Draw(t, what)
			c := media()
			c.Name = strings.Join(names, "-")
			if rapid.Bool().Draw(t, what+" in the account's namespace") {
				c.BucketNamespace = AccountRegionalNamespace
			}
			return c
		}
		one, other := draw("one"), draw("other")
		if one.Name == other.Name || one.Validate() != nil || other.Validate() != nil {
			t.Skip("not two valid sets")
		}
		have := map[string]bool{}
		for _, name := range everyName(one) {
			have[name] = true
		}
		for _, name := range everyName(other) {
			if have[name] {
				t.Errorf("%s and %s both have %s", one.Name, other.Name, name)
			}
		}
	})
}

// everyName lists what a set makes, with the kind of thing before it, since only
// things of a kind share names.
func everyName(c Config) []string {
	var names []string
	for _, m := range c.Members(account) {
		names = append(names, "bucket "+m.Bucket, "role "+m.RoleName(), "role "+m.JobRoleName(), "role "+m.AdopterName(),
			"function "+m.AdopterName(),
			"topic "+m.TopicARN(), "topic "+m.ARN("sns", c.AlarmTopicName()), "queue "+m.QueueARN(), "function "+c.FunctionName(),
			"function "+c.ReconcilerName(), "role "+m.ReconcileRoleName(), "role "+m.ScheduleRoleName(),
			"alias "+c.KeyAlias(), "stack "+c.RegionStackName(m.Region), "stack "+c.MeshStackName(m.Region))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
