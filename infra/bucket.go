package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// unfinishedUploadDays is how long the parts of an upload that nobody
// completes are kept, and paid for.
const unfinishedUploadDays = 7

// BucketProps configure NewBucket. All fields are required.
type BucketProps struct {
	Site  site
	Topic Topic // receives the notifications
}

// NewBucket makes the Region's bucket: private, versioned, encrypted, reached
// over TLS only, and announcing each new object to the topic. It outlives its
// stack, because a replica set that is taken down must not take the data with
// it.
//
// Copies name the version that an event names, which is why the bucket has to
// be versioned.
func NewBucket(scope constructs.Construct, id string, props BucketProps) awss3.CfnBucket {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	bucket := awss3.NewCfnBucket(this, jsii.String("Default"), &awss3.CfnBucketProps{
		BucketName: jsii.String(here.BucketName(here.account, here.region)),
		VersioningConfiguration: &awss3.CfnBucket_VersioningConfigurationProperty{
			Status: jsii.String("Enabled"),
		},
		PublicAccessBlockConfiguration: &awss3.CfnBucket_PublicAccessBlockConfigurationProperty{
			BlockPublicAcls:       jsii.Bool(true),
			BlockPublicPolicy:     jsii.Bool(true),
			IgnorePublicAcls:      jsii.Bool(true),
			RestrictPublicBuckets: jsii.Bool(true),
		},
		OwnershipControls: &awss3.CfnBucket_OwnershipControlsProperty{
			Rules: []any{&awss3.CfnBucket_OwnershipControlsRuleProperty{
				ObjectOwnership: jsii.String("BucketOwnerEnforced"),
			}},
		},
		BucketEncryption: &awss3.CfnBucket_BucketEncryptionProperty{
			ServerSideEncryptionConfiguration: []any{&awss3.CfnBucket_ServerSideEncryptionRuleProperty{
				ServerSideEncryptionByDefault: &awss3.CfnBucket_ServerSideEncryptionByDefaultProperty{
					SseAlgorithm: jsii.String("AES256"),
				},
			}},
		},
		LifecycleConfiguration: &awss3.CfnBucket_LifecycleConfigurationProperty{
			Rules: []any{&awss3.CfnBucket_RuleProperty{
				Id:     jsii.String("abort-unfinished-uploads"),
				Status: jsii.String("Enabled"),
				AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{
					DaysAfterInitiation: jsii.Number(unfinishedUploadDays),
				},
			}},
		},
		NotificationConfiguration: &awss3.CfnBucket_NotificationConfigurationProperty{
			TopicConfigurations: []any{&awss3.CfnBucket_TopicConfigurationProperty{
				Event: jsii.String("s3:ObjectCreated:*"),
				Topic: props.Topic.Ref(),
			}},
		},
	})
	bucket.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	bucket.AddResourceDependency(props.Topic.Policy, jsii.String("S3 checks that it may publish"))

	arn := *bucket.AttrArn()
	policy := awss3.NewCfnBucketPolicy(this, jsii.String("Policy"), &awss3.CfnBucketPolicyProps{
		Bucket:         bucket.Ref(),
		PolicyDocument: policyDocument(tlsOnly("s3:*", arn, arn+"/*")),
	})
	// The bucket that stays behind must stay closed to plain HTTP.
	policy.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	return bucket
}
