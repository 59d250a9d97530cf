package health

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/control"
	"s3fanout/internal/replicaset"
)

// Clients are the requests that are made to a Region. All of them read. They
// are called concurrently.
type Clients struct {
	STS        STS
	S3         S3
	SNS        SNS
	Lambda     Lambda
	IAM        IAM
	SQS        SQS
	KMS        KMS
	CloudWatch CloudWatch
	Points     Points
	Scheduler  Scheduler
	DynamoDB   DynamoDB
	States     States
	Trails     Trails
}

// STS is what is asked of STS.
type STS interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// S3 is what is asked of S3.
type S3 interface {
	HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
	GetBucketVersioning(context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error)
	GetBucketNotificationConfiguration(
		context.Context, *s3.GetBucketNotificationConfigurationInput, ...func(*s3.Options),
	) (*s3.GetBucketNotificationConfigurationOutput, error)
	GetBucketLifecycleConfiguration(
		context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options),
	) (*s3.GetBucketLifecycleConfigurationOutput, error)
	GetBucketEncryption(context.Context, *s3.GetBucketEncryptionInput, ...func(*s3.Options)) (*s3.GetBucketEncryptionOutput, error)
	// Of adopted buckets, and of those that are reached by access points alone.
	GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error)
	// Of adopted buckets alone.
	GetBucketRequestPayment(
		context.Context, *s3.GetBucketRequestPaymentInput, ...func(*s3.Options),
	) (*s3.GetBucketRequestPaymentOutput, error)
	GetBucketOwnershipControls(
		context.Context, *s3.GetBucketOwnershipControlsInput, ...func(*s3.Options),
	) (*s3.GetBucketOwnershipControlsOutput, error)
	GetObjectLockConfiguration(
		context.Context, *s3.GetObjectLockConfigurationInput, ...func(*s3.Options),
	) (*s3.GetObjectLockConfigurationOutput, error)
}

// KMS is what is asked of KMS, about the keys of adopted buckets.
type KMS interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error)
}

// SNS is what is asked of SNS.
type SNS interface {
	GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error)
	ListSubscriptionsByTopic(
		context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options),
	) (*sns.ListSubscriptionsByTopicOutput, error)
	GetSubscriptionAttributes(
		context.Context, *sns.GetSubscriptionAttributesInput, ...func(*sns.Options),
	) (*sns.GetSubscriptionAttributesOutput, error)
}

// Lambda is what is asked of Lambda.
type Lambda interface {
	GetFunctionConfiguration(
		context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options),
	) (*lambda.GetFunctionConfigurationOutput, error)
	GetFunctionConcurrency(
		context.Context, *lambda.GetFunctionConcurrencyInput, ...func(*lambda.Options),
	) (*lambda.GetFunctionConcurrencyOutput, error)
	GetFunctionEventInvokeConfig(
		context.Context, *lambda.GetFunctionEventInvokeConfigInput, ...func(*lambda.Options),
	) (*lambda.GetFunctionEventInvokeConfigOutput, error)
	GetPolicy(context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error)
	// Of functions without concurrency alone.
	ListTags(context.Context, *lambda.ListTagsInput, ...func(*lambda.Options)) (*lambda.ListTagsOutput, error)
}

// IAM is what is asked of IAM, which is the same in every Region.
type IAM interface {
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	ListRolePolicies(context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error)
	GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error)
	ListAttachedRolePolicies(
		context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options),
	) (*iam.ListAttachedRolePoliciesOutput, error)
}

// SQS is what is asked of SQS.
type SQS interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// Scheduler is what is asked of EventBridge Scheduler, of sets with reconcile.
type Scheduler interface {
	GetSchedule(context.Context, *scheduler.GetScheduleInput, ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error)
}

// DynamoDB is what is asked of DynamoDB, of sets with reconcile.
type DynamoDB interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
}

// States is what is asked of Step Functions, of sets with ranges of keys.
type States interface {
	DescribeStateMachine(context.Context, *sfn.DescribeStateMachineInput, ...func(*sfn.Options)) (*sfn.DescribeStateMachineOutput, error)
}

// CloudWatch is what is asked of CloudWatch, by Measure, and of sets with reconcile.
type CloudWatch interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// NewProbers makes the requests of Probe in each Region. The sessions of the
// functions' roles begin with the first request that needs one.
func NewProbers(config aws.Config, set replicaset.Config, account string, regions []string) map[string]Prober {
	probers := make(map[string]Prober, len(regions))
	for _, region := range regions {
		regional := config.Copy()
		client := sts.NewFromConfig(awsapi.First(config))
		role := set.Member(account, region).RoleARN()
		regional.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = set.OperatorSession()
		}))
		// The SDK's checksums of parts would have to be repeated in the completion.
		regional.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		probers[region] = Prober{
			Write:  awsapi.NewS3(regional, region, account, awsapi.RequestTime, 1),
			Remove: awsapi.NewS3(config, region, account, awsapi.RequestTime, 1),
		}
	}
	return probers
}

// lookTime bounds a request that looks at one thing.
const lookTime = 10 * time.Second

// atOnce is about how many requests to a Region are under way at once.
const atOnce = 10

// NewClients makes the clients of each Region from the SDK's configuration. It
// is they that tell the account, so each request to S3 has to name it.
func NewClients(config aws.Config, regions []string) map[string]Clients {
	http := awsapi.HTTPClient(config, lookTime, atOnce)
	clients := make(map[string]Clients, len(regions))
	for _, region := range regions {
		regional, first := config.Copy(), awsapi.First(config)
		regional.Region, regional.HTTPClient, first.Region = region, http, region
		clients[region] = Clients{
			STS:        sts.NewFromConfig(first),
			S3:         awsapi.NewS3(config, region, "", lookTime, atOnce),
			SNS:        sns.NewFromConfig(regional),
			Lambda:     lambda.NewFromConfig(regional),
			IAM:        iam.NewFromConfig(regional),
			SQS:        sqs.NewFromConfig(regional),
			KMS:        kms.NewFromConfig(regional),
			CloudWatch: cloudwatch.NewFromConfig(regional),
			Points:     control.New(config, PointsRegion, lookTime),
			Scheduler:  scheduler.NewFromConfig(regional),
			DynamoDB:   dynamodb.NewFromConfig(regional),
			States:     sfn.NewFromConfig(regional),
			Trails:     cloudtrail.NewFromConfig(regional),
		}
	}
	return clients
}
