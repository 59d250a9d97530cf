package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// batchProps configure newBatch. All fields but Key are required.
type batchProps struct {
	Site site
	Role awsiam.CfnRole // the function's
	Key  *string        // ARN of the Region's KMS key; nil if there is none
}

// newBatch makes the role of the Region's jobs of S3 Batch Operations and lets
// the function pass tasks on; what else a job's tasks need beyond an event's is
// in site.replicate. A job lists
// the Region's own bucket, invokes the Region's own function, and that passes
// the task on to the function of the Region to copy to. What AWS asks for:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
func newBatch(scope constructs.Construct, id string, props batchProps) awsiam.CfnRole {
	here := props.Site
	bucket := here.BucketARN()
	var useKey []statement
	if props.Key != nil {
		// For the reports, and the list of objects that S3 makes.
		useKey = []statement{{
			sid:       "EncryptReports",
			actions:   []string{"kms:GenerateDataKey", "kms:Decrypt"},
			resources: []string{*props.Key},
		}}
	}
	this := constructs.NewConstruct(scope, jsii.String(id))
	role := awsiam.NewCfnRole(this, jsii.String("Role"), &awsiam.CfnRoleProps{
		RoleName: jsii.String(here.JobRoleName()),
		AssumeRolePolicyDocument: map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{map[string]any{
				"Effect":    "Allow",
				"Principal": service("batchoperations.s3.amazonaws.com"),
				"Action":    "sts:AssumeRole",
				// AWS's pages do not say whether the service sends the key, so
				// its absence must not end every job. Other accounts cannot pass
				// this role in any case.
				"Condition": map[string]any{"StringEqualsIfExists": map[string]any{"aws:SourceAccount": here.Account}},
			}},
		},
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName: jsii.String("run-jobs"),
			PolicyDocument: policyDocument(append([]statement{
				{
					sid:       "Invoke",
					actions:   []string{"lambda:InvokeFunction"},
					resources: []string{here.FunctionARN()},
				},
				{
					// S3 lists the objects of a job itself.
					sid:       "ListObjects",
					actions:   []string{"s3:PutInventoryConfiguration"},
					resources: []string{bucket},
					condition: here.ownBuckets(),
				},
				{
					sid:       "WriteReports",
					actions:   []string{"s3:PutObject"},
					resources: []string{bucket + "/" + replicaset.ReportPrefix + "/*"},
					condition: here.ownBuckets(),
				},
			}, useKey...)...),
		}},
	})
	policy := awsiam.NewCfnPolicy(this, jsii.String("FunctionPolicy"), &awsiam.CfnPolicyProps{
		PolicyName:     jsii.String("batch-operations"),
		Roles:          jsii.Strings(here.RoleName()),
		PolicyDocument: policyDocument(here.passOn()...),
	})
	policy.AddResourceDependency(props.Role, jsii.String("is named by it"))
	return role
}

// passOn are the statements of the function's second policy, by which it gives
// tasks to the functions of the Regions that they copy to.
func (s site) passOn() []statement {
	var twins []string
	for _, other := range s.others() {
		twins = append(twins, other.FunctionARN())
	}
	return []statement{{sid: "PassOn", actions: []string{"lambda:InvokeFunction"}, resources: twins}}
}
