package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// unfinishedUploadDays is how long the parts of an upload that nobody
// completes are kept, and paid for.
const unfinishedUploadDays = 7

// bucketProps configure newBucket. All fields but Key are required.
type bucketProps struct {
	Site  site
	Topic topicParts // receives the notifications
	// Key is the ARN of the KMS key that encrypts objects; nil for S3's own keys.
	Key *string
}

// newBucket makes the Region's bucket: private, versioned, encrypted, reached
// over TLS only, and announcing each new object to the topic. It outlives its
// stack unless the configuration says otherwise, because a replica set that is
// taken down must not take the data with it. Even then CloudFormation refuses
// to delete a bucket that is not empty, and nothing here empties it.
//
// Copies name the version that an event names, which is why the bucket has to
// be versioned.
func newBucket(scope constructs.Construct, id string, props bucketProps) awss3.CfnBucket {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	bucket := awss3.NewCfnBucket(this, jsii.String("Default"), &awss3.CfnBucketProps{
		BucketName:      jsii.String(here.Bucket),
		BucketNamespace: optionalString(here.BucketNamespace),
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
			ServerSideEncryptionConfiguration: []any{encryptionRule(props.Key)},
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
			TopicConfigurations: here.announcements(props.Topic.Ref()),
		},
		LoggingConfiguration: here.accessLogging(),
	})
	bucket.ApplyRemovalPolicy(here.removal(), nil)
	bucket.AddResourceDependency(props.Topic.Policy, jsii.String("S3 checks that it may publish"))

	arn := *bucket.AttrArn()
	policy := awss3.NewCfnBucketPolicy(this, jsii.String("Policy"), &awss3.CfnBucketPolicyProps{
		Bucket:         bucket.Ref(),
		PolicyDocument: policyDocument(here.bucketPolicy(arn)...),
	})
	// The bucket that stays behind must stay closed to plain HTTP.
	policy.ApplyRemovalPolicy(here.removal(), nil)
	return bucket
}

// bucketPolicy are the statements of the policy of the bucket with the ARN.
func (s site) bucketPolicy(arn string) []statement {
	statements := []statement{tlsOnly("s3:*", arn, arn+"/*")}
	if !s.OnlyByAccessPoint() {
		return statements
	}
	// Of objects alone, so that the account can still change the policy. The alias
	// of the access point is not known before the bucket is there, so it is any of
	// the account's; those of one Region have a Region in their ARNs. Both parts have
	// to hold
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html).
	return append(statements, statement{
		sid:       "OnlyByAccessPoint",
		deny:      true,
		principal: "*",
		actions:   []string{"s3:*"},
		resources: []string{arn + "/*"},
		condition: map[string]any{"ArnNotLike": map[string]any{
			"s3:DataAccessPointArn": s.AccessPointPattern(s.Account),
			"aws:PrincipalArn":      oneOrMany(s.DirectAccess(s.Account)),
		}},
	})
}

// encryptionRule encrypts objects by default. A bucket key saves nearly all of
// the requests to KMS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
func encryptionRule(key *string) *awss3.CfnBucket_ServerSideEncryptionRuleProperty {
	if key == nil {
		return &awss3.CfnBucket_ServerSideEncryptionRuleProperty{
			ServerSideEncryptionByDefault: &awss3.CfnBucket_ServerSideEncryptionByDefaultProperty{
				SseAlgorithm: jsii.String("AES256"),
			},
		}
	}
	return &awss3.CfnBucket_ServerSideEncryptionRuleProperty{
		BucketKeyEnabled: jsii.Bool(true),
		ServerSideEncryptionByDefault: &awss3.CfnBucket_ServerSideEncryptionByDefaultProperty{
			SseAlgorithm:   jsii.String("aws:kms"),
			KmsMasterKeyId: key,
		},
	}
}

// announcements tell the topic of new objects, and of deletions and changes of
// tags where these are followed: of all keys, or of those that one of the filters
// matches. A configuration has one kind of event and one filter here:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
//
// What lifecycle rules delete has events of its own and stays in its Region, and so
// does the end of a version.
func (s site) announcements(topic *string) []any {
	if len(s.Filters) == 0 {
		return announce(topic, s.Events(s.Follow), nil)
	}
	var all []any
	for _, f := range s.Filters {
		var rules []any
		for _, part := range []struct{ name, value string }{{"prefix", f.Prefix}, {"suffix", f.Suffix}} {
			if part.value != "" {
				rules = append(rules, &awss3.CfnBucket_FilterRuleProperty{
					Name:  jsii.String(part.name),
					Value: jsii.String(replicaset.EncodeFilterValue(part.value)),
				})
			}
		}
		all = append(all, announce(topic, s.Events(s.FollowOf(f)), &awss3.CfnBucket_NotificationFilterProperty{
			S3Key: &awss3.CfnBucket_S3KeyFilterProperty{Rules: rules},
		})...)
	}
	return all
}

// announce are the configurations for the events of the keys that a filter
// matches; nil matches all.
func announce(topic *string, events []string, filter *awss3.CfnBucket_NotificationFilterProperty) []any {
	var all []any
	for _, event := range events {
		all = append(all, &awss3.CfnBucket_TopicConfigurationProperty{
			Event:  jsii.String(event),
			Topic:  topic,
			Filter: filter,
		})
	}
	return all
}

// accessLogging says where S3 logs the requests to the bucket, nil if it does
// not. The log bucket is not ours: its policy has to let S3 write.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
func (s site) accessLogging() *awss3.CfnBucket_LoggingConfigurationProperty {
	bucket, prefix := s.AccessLogs(s.Account, s.Region)
	if bucket == "" {
		return nil
	}
	return &awss3.CfnBucket_LoggingConfigurationProperty{
		DestinationBucketName: jsii.String(bucket),
		LogFilePrefix:         jsii.String(prefix),
	}
}

// removal is what happens to what holds data when its stack goes.
func (s site) removal() awscdk.RemovalPolicy {
	if s.DestroysOnRemoval() {
		return awscdk.RemovalPolicy_DESTROY
	}
	return awscdk.RemovalPolicy_RETAIN
}
