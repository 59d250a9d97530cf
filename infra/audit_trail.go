package infra

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudtrail"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// AuditTrailProps configure NewAuditTrail.
type AuditTrailProps struct {
	Config Config // required, with an AuditTrail
}

// NewAuditTrail makes the audit trail of a set in the scope, whose stack has to be in
// Config.AuditTrail's StackRegion, by default the first Region of the set: the trail
// records all Regions from there.
func NewAuditTrail(scope constructs.Construct, id string, props AuditTrailProps) (constructs.Construct, error) {
	set, err := props.Config.set()
	if err != nil {
		return nil, err
	}
	stack, err := stackOf(scope)
	if err != nil {
		return nil, err
	}
	if set.AuditTrail == nil {
		return nil, fmt.Errorf("replica set %s has no audit trail; set Config.AuditTrail", set.Name)
	}
	if region := *stack.Region(); *awscdk.Token_IsUnresolved(region) || region != set.AuditRegion() {
		return nil, fmt.Errorf(
			"stack %s is not in %s; make the audit trail in a stack there, or name another Region in Config.AuditTrail.StackRegion",
			*stack.StackName(), set.AuditRegion(),
		)
	}
	here := newSite(*stack.Account(), set, set.AuditRegion())
	this := constructs.NewConstruct(scope, jsii.String(id))
	tag(this, here.Config)
	addAuditTrail(this, here)
	return this, nil
}

// newAuditStack makes the stack of the audit trail of a set.
func newAuditStack(scope constructs.Construct, set replicaset.Config) awscdk.Stack {
	stack := newStack(scope, set, set.AuditStackName(),
		"Replica set "+set.Name+": who writes and deletes objects, recorded by CloudTrail in all Regions", set.AuditRegion())
	addAuditTrail(stack, newSite(*stack.Account(), set, set.AuditRegion()))
	return stack
}

// addAuditTrail makes the trail and where its events go: the log bucket, which is the
// record, with digests that show a change, and a log group, which can be queried. The
// trail knows buckets and roles by their names, so that it needs no other stack and
// changes nothing in any, above all not the policy of an adopted bucket.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html
func addAuditTrail(scope constructs.Construct, here site) {
	here.boundRoles(scope)
	bucket, policy := newAuditBucket(scope, "LogBucket", here)
	// It goes with its stack, and does not stand in the way of the next one: the log
	// bucket has the same events.
	logs := awslogs.NewCfnLogGroup(scope, jsii.String("LogGroup"), &awslogs.CfnLogGroupProps{
		LogGroupName:    jsii.String(here.AuditLogGroupName()),
		RetentionInDays: jsii.Number(here.AuditTrail.Retention()),
	})
	roleARN := jsii.String(here.AuditRoleARN(here.Account))
	if !here.OwnRoles() {
		roleARN = newAuditRole(scope, here).AttrArn()
	}
	trail := awscloudtrail.NewCfnTrail(scope, jsii.String("Trail"), &awscloudtrail.CfnTrailProps{
		TrailName:                  jsii.String(here.AuditTrailName()),
		IsLogging:                  jsii.Bool(true),
		IsMultiRegionTrail:         jsii.Bool(true),
		IncludeGlobalServiceEvents: jsii.Bool(true), // what a trail of all Regions has to have; the selectors leave them out
		EnableLogFileValidation:    jsii.Bool(true),
		S3BucketName:               bucket.Ref(),
		CloudWatchLogsLogGroupArn:  logs.AttrArn(),
		CloudWatchLogsRoleArn:      roleARN,
		AdvancedEventSelectors: []any{&awscloudtrail.CfnTrail_AdvancedEventSelectorProperty{
			Name:           jsii.String("writes of objects"),
			FieldSelectors: here.auditSelectors(),
		}},
	})
	trail.AddResourceDependency(policy, jsii.String("CloudTrail checks that it may write"))
	for _, query := range here.AuditQueries(here.Account) {
		awslogs.NewCfnQueryDefinition(scope, jsii.String(query.ID), &awslogs.CfnQueryDefinitionProps{
			Name:          jsii.String(query.Name),
			QueryString:   jsii.String(query.Text),
			LogGroupNames: &[]any{logs.Ref()},
		})
	}
}

func (s site) auditSelectors() []any {
	list := func(values []string) *[]*string {
		if values == nil {
			return nil
		}
		return jsii.Strings(values...)
	}
	var all []any
	for _, selector := range s.AuditSelectors(s.Account) {
		all = append(all, &awscloudtrail.CfnTrail_AdvancedFieldSelectorProperty{
			Field:      jsii.String(selector.Field),
			EqualTo:    list(selector.Equals),
			StartsWith: list(selector.StartsWith),
			NotEquals:  list(selector.NotEquals),
		})
	}
	return all
}

// newAuditBucket makes the trail's log bucket, which is no member of the set. Nobody
// has to know its name, so that CloudFormation chooses one that is free.
func newAuditBucket(scope constructs.Construct, id string, here site) (awss3.CfnBucket, awss3.CfnBucketPolicy) {
	this := constructs.NewConstruct(scope, jsii.String(id))
	bucket := awss3.NewCfnBucket(this, jsii.String("Default"), &awss3.CfnBucketProps{
		PublicAccessBlockConfiguration: &awss3.CfnBucket_PublicAccessBlockConfigurationProperty{
			BlockPublicAcls:       jsii.Bool(true),
			BlockPublicPolicy:     jsii.Bool(true),
			IgnorePublicAcls:      jsii.Bool(true),
			RestrictPublicBuckets: jsii.Bool(true),
		},
		OwnershipControls: &awss3.CfnBucket_OwnershipControlsProperty{
			Rules: []any{&awss3.CfnBucket_OwnershipControlsRuleProperty{ObjectOwnership: jsii.String("BucketOwnerEnforced")}},
		},
		BucketEncryption: &awss3.CfnBucket_BucketEncryptionProperty{ServerSideEncryptionConfiguration: []any{encryptionRule(nil)}},
		LifecycleConfiguration: &awss3.CfnBucket_LifecycleConfigurationProperty{
			Rules: []any{&awss3.CfnBucket_RuleProperty{
				Id:               jsii.String("expire-events"),
				Status:           jsii.String("Enabled"),
				ExpirationInDays: jsii.Number(here.AuditTrail.Retention()),
				AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{
					DaysAfterInitiation: jsii.Number(unfinishedUploadDays),
				},
			}},
		},
	})
	policy := awss3.NewCfnBucketPolicy(this, jsii.String("Policy"), &awss3.CfnBucketPolicyProps{
		Bucket:         bucket.Ref(),
		PolicyDocument: policyDocument(here.auditBucketPolicy(*bucket.AttrArn())...),
	})
	for _, resource := range []awscdk.CfnResource{bucket, policy} {
		resource.ApplyRemovalPolicy(here.removal(), nil)
	}
	return bucket, policy
}

// auditBucketPolicy lets the one trail write below this account's prefix, and nobody
// in without TLS
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html).
func (s site) auditBucketPolicy(arn string) []statement {
	let := func(sid, action, resource string, more map[string]any) statement {
		is := map[string]any{"aws:SourceArn": s.AuditTrailARN(s.Account)}
		for key, value := range more {
			is[key] = value
		}
		return statement{
			sid: sid, principal: service("cloudtrail.amazonaws.com"), actions: []string{action}, resources: []string{resource},
			condition: map[string]any{"StringEquals": is},
		}
	}
	return []statement{
		tlsOnly("s3:*", arn, arn+"/*"),
		let("TrailSeesBucket", "s3:GetBucketAcl", arn, nil),
		let("TrailWrites", "s3:PutObject", arn+"/AWSLogs/"+s.Account+"/*", map[string]any{"s3:x-amz-acl": "bucket-owner-full-control"}),
	}
}

// newAuditRole makes the role by which CloudTrail writes into the streams that it
// makes in the log group
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html).
func newAuditRole(scope constructs.Construct, here site) awsiam.CfnRole {
	return awsiam.NewCfnRole(scope, jsii.String("Role"), &awsiam.CfnRoleProps{
		RoleName: jsii.String(here.AuditRoleName()),
		AssumeRolePolicyDocument: trustDocument([]any{map[string]any{
			"Effect": "Allow", "Principal": service("cloudtrail.amazonaws.com"), "Action": "sts:AssumeRole",
		}}),
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName: jsii.String("deliver"),
			PolicyDocument: policyDocument(statement{
				sid:       "WriteEvents",
				actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
				resources: []string{here.AuditLogStreamARN(here.Account)},
			}),
		}},
	})
}
