package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// Adopter is the program behind the custom resource of a Region whose bucket
// exists already.
const Adopter = replicaset.Adopter

const (
	adopterMemoryMiB = 128 // it makes a few requests a deployment
	// adopterSeconds is enough for what the function waits for: permissions that
	// are not known everywhere yet, and S3 to show what was written.
	adopterSeconds = 120
	// answerSeconds is how long CloudFormation waits for an answer: for the
	// invocation and the two more by which Lambda repeats one that was lost. Its
	// default is an hour
	// (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html).
	answerSeconds = 900
)

// adoptionProps configure newAdoption. All fields are required.
type adoptionProps struct {
	Site  site // whose bucket is adopted
	Topic topicParts
	Code  Code
}

// newAdoption puts the set's entries into the notifications of a bucket that
// exists already, and has them taken out when the stack goes or the bucket leaves.
// CloudFormation has nothing for one entry of a bucket's notifications, so a
// custom resource does it, with a function and a role for this bucket alone.
//
// All of it is named after the bucket. Another bucket is another construct: it is
// made before the old one goes, whose role may still reach the old bucket then, and
// a deployment that is rolled back never touches what was there before.
func newAdoption(scope constructs.Construct, props adoptionProps) awscdk.CfnResource {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String("Adoption-"+here.AdopterName()))
	logs := awslogs.NewCfnLogGroup(this, jsii.String("LogGroup"), &awslogs.CfnLogGroupProps{
		LogGroupName:    jsii.String(here.AdopterLogGroupName()),
		RetentionInDays: jsii.Number(here.LogRetention()),
	})
	roleARN := jsii.String(here.AdoptRoleIn(here.Account, here.Region))
	if !here.OwnRoles() {
		roleARN = newAdopterRole(this, here).AttrArn()
	}
	code := props.Code(Adopter)
	function := awslambda.NewCfnFunction(this, jsii.String("Function"), &awslambda.CfnFunctionProps{
		FunctionName: jsii.String(here.AdopterName()),
		Description: jsii.String(
			"Lets bucket " + here.Bucket + " send events of new objects to replica set " + here.Name + ", when CloudFormation deploys it",
		),
		Runtime:       jsii.String("provided.al2023"),
		Architectures: jsii.Strings(here.Architecture()),
		Handler:       jsii.String("bootstrap"),
		Code:          locationOf(this, code),
		Role:          roleARN,
		Timeout:       jsii.Number(adopterSeconds),
		MemorySize:    jsii.Number(adopterMemoryMiB),
		LoggingConfig: logging(logs.Ref()),
	})
	code.BindToResource(function, nil)
	adopted := awscdk.NewCfnResource(this, jsii.String("Default"), &awscdk.CfnResourceProps{
		Type: jsii.String("Custom::S3FanoutAdoptedBucket"),
		Properties: &map[string]any{
			"ServiceToken":   function.AttrArn(),
			"ServiceTimeout": answerSeconds,
			"Bucket":         here.Bucket,
			"Account":        here.Account,
			"IdPrefix":       here.AnnouncementPrefix(),
			"Announcements":  here.adoptedAnnouncements(props.Topic.Ref()),
		},
	})
	adopted.AddResourceDependency(props.Topic.Policy, jsii.String("S3 checks that it may publish"))
	return adopted
}

func newAdopterRole(scope constructs.Construct, here site) awsiam.CfnRole {
	return newPlainRole(scope, here.AdopterName(), "adopt", here.adopt()...)
}

// adoptedAnnouncements are the set's entries in the form that the function reads.
func (s site) adoptedAnnouncements(topic *string) []any {
	var all []any
	for _, a := range s.Announcements() {
		entry := map[string]any{"Id": a.ID, "TopicArn": topic, "Events": a.Events}
		for name, value := range map[string]string{"Prefix": a.Filter.Prefix, "Suffix": a.Filter.Suffix} {
			if value != "" {
				entry[name] = replicaset.EncodeFilterValue(value)
			}
		}
		all = append(all, entry)
	}
	return all
}

// adopt are the statements of the adopting function's policy.
func (s site) adopt() []statement {
	return []statement{
		{
			sid:       "EditNotifications",
			actions:   []string{"s3:GetBucketNotification", "s3:PutBucketNotification", "s3:GetBucketVersioning"},
			resources: []string{s.BucketARN()},
			condition: s.ownBuckets(),
		},
		{
			sid:       "WriteLogs",
			actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			resources: []string{s.AdopterLogGroupARN() + ":*"},
		},
	}
}

// adoptedBucket is a handle of the bucket that is adopted.
func (s site) adoptedBucket(scope constructs.Construct) awss3.IBucket {
	attributes := &awss3.BucketAttributes{BucketName: jsii.String(s.Bucket), BucketArn: jsii.String(s.BucketARN())}
	if arn := s.BucketKeyARNs[s.Region]; arn != "" {
		attributes.EncryptionKey = awskms.Key_FromKeyArn(scope, jsii.String("BucketKey"), jsii.String(arn))
	}
	return awss3.Bucket_FromBucketAttributes(scope, jsii.String("Bucket"), attributes)
}
