package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// topicProps configure newTopic.
type topicProps struct {
	Site site    // required
	Key  *string // ARN of the KMS key that encrypts messages; nil for none
}

// topicParts announce new objects of the Region's bucket.
type topicParts struct {
	awssns.CfnTopic
	// Policy lets S3 publish. S3 checks that when notifications are switched
	// on, so the bucket has to depend on it.
	Policy awssns.CfnTopicPolicy
}

// newTopic makes the topic. Only S3 may publish to it, only for the Region's
// own bucket and only while that bucket belongs to this account: a bucket's
// ARN has no account in it, and a deleted bucket's name is anybody's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
func newTopic(scope constructs.Construct, id string, props topicProps) topicParts {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	topic := awssns.NewCfnTopic(this, jsii.String("Default"), &awssns.CfnTopicProps{
		TopicName:      jsii.String(here.TopicName()),
		KmsMasterKeyId: optionalAny(props.Key),
	})
	policy := awssns.NewCfnTopicPolicy(this, jsii.String("Policy"), &awssns.CfnTopicPolicyProps{
		Topics: &[]*string{topic.Ref()},
		PolicyDocument: policyDocument(
			statement{
				sid:       "BucketPublishes",
				principal: service("s3.amazonaws.com"),
				actions:   []string{"sns:Publish"},
				resources: []string{*topic.Ref()},
				condition: map[string]any{
					"ArnEquals":    map[string]any{"aws:SourceArn": here.BucketARN()},
					"StringEquals": map[string]any{"aws:SourceAccount": here.Account},
				},
			},
			tlsOnly("sns:Publish", *topic.Ref()),
		),
	})
	return topicParts{CfnTopic: topic, Policy: policy}
}
