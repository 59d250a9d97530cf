package e2e

import (
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox"
)

// What lies in the account beside the replica set, in us-east-1. Its names
// begin as the replica set's do.
const (
	outsideBucket   = "s3fanout-" + sandbox.AccountID + "-us-east-1-other"
	outsideQueueURL = "/" + sandbox.AccountID + "/s3fanout-other"
	outsideTopic    = "arn:aws:sns:us-east-1:" + sandbox.AccountID + ":s3fanout-object-created-other"
	strangerRole    = "arn:aws:iam::" + sandbox.AccountID + ":role/stranger"
)

// withOutside starts an assembly of replica set s3fanout in an account that
// has more than it: a bucket, a queue, a topic, and a role without any
// permission that everybody may assume.
func withOutside(t *testing.T, assembly fs.FS) *world {
	t.Helper()
	a := editable(t, assembly)
	a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
		resources["OtherBucket"] = map[string]any{"Type": "AWS::S3::Bucket", "Properties": map[string]any{
			"BucketName": outsideBucket, "VersioningConfiguration": map[string]any{"Status": "Enabled"},
		}}
		resources["OtherQueue"] = map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"QueueName": "s3fanout-other"}}
		resources["OtherTopic"] = map[string]any{
			"Type": "AWS::SNS::Topic", "Properties": map[string]any{"TopicName": "s3fanout-object-created-other"},
		}
		resources["Stranger"] = map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{
			"RoleName": "stranger",
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + sandbox.AccountID + ":root"},
				"Action": "sts:AssumeRole",
			}}},
		}}
		return 1
	})
	w := start(t, a.files)
	// The sandbox names the Region's last bucket and topic, which may be these.
	w.state.Regions = maps.Clone(w.state.Regions)
	set := defaultSet()
	for _, region := range w.regions {
		r := w.state.Regions[region]
		member := set.Member(w.state.AccountID, region)
		r.Bucket, r.TopicARN = member.Bucket, member.TopicARN()
		w.state.Regions[region] = r
	}
	return w
}

// defaultSet has the names of the committed assembly.
func defaultSet() replicaset.Config {
	return replicaset.Config{Name: "s3fanout", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}}
}

// identity is somebody who signs requests.
type identity struct {
	name     string
	endpoint string
	aws.CredentialsProvider
}

func (i identity) in(region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(i.endpoint), Credentials: i.CredentialsProvider, RetryMaxAttempts: 1,
		APIOptions: []func(*middleware.Stack) error{requestbody.Keep},
	}
}

func (w *world) administrator() identity {
	return identity{
		"administrator", w.state.Endpoint, credentials.NewStaticCredentialsProvider(w.state.AccessKeyID, w.state.SecretAccessKey, ""),
	}
}

// assume is a session of a role that the identity begins.
func (i identity) assume(t *testing.T, roleARN, session string) (identity, error) {
	out, err := sts.NewFromConfig(i.in("us-east-1")).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(roleARN), RoleSessionName: aws.String(session),
	})
	if err != nil {
		return identity{}, err
	}
	c := out.Credentials
	return identity{
		roleARN[strings.LastIndex(roleARN, "/")+1:], i.endpoint,
		credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken),
	}, nil
}

// mustAssume is assume by the administrator, where nothing can be wrong.
func (w *world) mustAssume(roleARN, session string) identity {
	w.t.Helper()
	i, err := w.administrator().assume(w.t, roleARN, session)
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}
