package replicaset

import (
	"slices"
	"testing"
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
	for _, tc := range []struct{ what, got, want string }{
		{"BucketName", c.BucketName(account, tokyo), "media-111122223333-ap-northeast-1"},
		{"BucketName with a token", c.BucketName("${AWS::AccountId}", tokyo), "media-${AWS::AccountId}-ap-northeast-1"},
		{"TopicName", c.TopicName(), "media-object-created"},
		{"QueueName", c.QueueName(), "media-dead-letters"},
		{"FunctionName", c.FunctionName(), "media-replicator"},
		{"RoleName", c.RoleName(tokyo), "media-replicator-ap-northeast-1"},
		{"JobRoleName", c.JobRoleName(tokyo), "media-batch-ap-northeast-1"},
		{"JobRoleARN", c.JobRoleARN("aws", tokyo, account), "arn:aws:iam::111122223333:role/media-batch-ap-northeast-1"},
		{"LogGroupName", c.LogGroupName(), "/aws/lambda/media-replicator"},
		{"RegionStackName", c.RegionStackName(tokyo), "media-ap-northeast-1"},
		{"MeshStackName", c.MeshStackName(tokyo), "media-ap-northeast-1-mesh"},
		{"BucketARN", c.BucketARN("aws", tokyo, account), "arn:aws:s3:::media-111122223333-ap-northeast-1"},
		{"TopicARN", c.TopicARN("aws", tokyo, account), "arn:aws:sns:ap-northeast-1:111122223333:media-object-created"},
		{"QueueARN", c.QueueARN("aws-cn", "cn-north-1", account), "arn:aws-cn:sqs:cn-north-1:111122223333:media-dead-letters"},
		{"FunctionARN", c.FunctionARN("aws", tokyo, account), "arn:aws:lambda:ap-northeast-1:111122223333:function:media-replicator"},
		{"LogGroupARN", c.LogGroupARN("aws", tokyo, account), "arn:aws:logs:ap-northeast-1:111122223333:log-group:/aws/lambda/media-replicator"},
		{"RoleARN", c.RoleARN("aws", tokyo, account), "arn:aws:iam::111122223333:role/media-replicator-ap-northeast-1"},
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
