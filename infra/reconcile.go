package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

// Reconciler is the program that compares a Region's bucket with the others on a
// schedule.
const Reconciler = replicaset.Reconciler

const (
	// reconcilerMemoryMiB is more than the comparison holds, so that it has the
	// processor that listings and TLS need.
	reconcilerMemoryMiB = 512
	// reconcilerEventAge is the shortest that Lambda takes, in seconds. A tick that
	// finds the function at work is of no use later: the next one comes by itself.
	reconcilerEventAge = 60
)

// reconcileProps configure newReconcile. All fields but Key are required.
type reconcileProps struct {
	Site site
	Code Code
	Key  *string // ARN of the Region's KMS key; nil if there is none
}

// newReconcile makes what compares the Region's bucket with the others: a function
// with a role of its own, the table in which it remembers how far it is, and the
// schedule that starts it.
//
// The function reads by its own role. It writes nothing by it: repairs are made in
// sessions of the replicator's role, so that a Region has one writer, whose events
// SNS leaves out and whose uploads and replicas are known everywhere.
func newReconcile(scope constructs.Construct, id string, props reconcileProps) {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	table := newReconcileTable(this, here)
	roleARN := jsii.String(here.Member.ReconcileRoleARN())
	if !here.OwnRoles() {
		roleARN = newReconcileRole(this, here, props.Key).AttrArn()
	}
	logs := awslogs.NewCfnLogGroup(this, jsii.String("LogGroup"), &awslogs.CfnLogGroupProps{
		LogGroupName:    jsii.String(here.ReconcilerLogGroupName()),
		RetentionInDays: jsii.Number(here.LogRetention()),
	})
	code := props.Code(Reconciler)
	function := awslambda.NewCfnFunction(this, jsii.String("Function"), &awslambda.CfnFunctionProps{
		FunctionName: jsii.String(here.ReconcilerName()),
		Description: jsii.String(
			"Compares the bucket of replica set " + here.Name + " in this Region with its other buckets",
		),
		Runtime:                      jsii.String("provided.al2023"),
		Architectures:                jsii.Strings(here.Architecture()),
		Handler:                      jsii.String("bootstrap"),
		Code:                         locationOf(this, code),
		Role:                         roleARN,
		Timeout:                      jsii.Number(timeoutSeconds),
		MemorySize:                   jsii.Number(reconcilerMemoryMiB),
		ReservedConcurrentExecutions: jsii.Number(here.Reconcile.AtOnce()),
		Environment:                  &awslambda.CfnFunction_EnvironmentProperty{Variables: here.reconcileEnvironment()},
		LoggingConfig:                logging(logs.Ref()),
		TracingConfig:                here.tracing(),
	})
	code.BindToResource(function, nil)
	function.AddResourceDependency(table, jsii.String("remembers in it"))
	// Nobody is notified of a tick that fails: the next one does its work, and an alarm
	// says so if none does.
	awslambda.NewCfnEventInvokeConfig(this, jsii.String("Failures"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName:             function.Ref(),
		Qualifier:                jsii.String("$LATEST"),
		MaximumRetryAttempts:     jsii.Number(0),
		MaximumEventAgeInSeconds: jsii.Number(reconcilerEventAge),
	})
	newSchedule(this, "Schedule", scheduleProps{Site: here, Function: function})
}

// newReconcileTable makes the table. It is paid by request, and goes with its stack:
// what it knows is found out again.
func newReconcileTable(scope constructs.Construct, here site) awsdynamodb.CfnTable {
	const key = "id"
	table := awsdynamodb.NewCfnTable(scope, jsii.String("Table"), &awsdynamodb.CfnTableProps{
		TableName:   jsii.String(here.ReconcilerName()),
		BillingMode: jsii.String("PAY_PER_REQUEST"),
		AttributeDefinitions: []any{&awsdynamodb.CfnTable_AttributeDefinitionProperty{
			AttributeName: jsii.String(key), AttributeType: jsii.String("S"),
		}},
		KeySchema: []any{&awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: jsii.String(key), KeyType: jsii.String("HASH")}},
	})
	table.ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY, nil)
	return table
}

func newReconcileRole(scope constructs.Construct, here site, key *string) awsiam.CfnRole {
	return newPlainRole(scope, here.ReconcileRoleName(), "compare", here.compare(key)...)
}

// compare are the statements of the comparing function's policy. key is as for
// replicate.
func (s site) compare(key *string) []statement {
	var buckets, objects []string
	for _, member := range s.Members(s.Account) {
		buckets, objects = append(buckets, member.BucketARN()), append(objects, member.BucketARN()+"/*")
	}
	// What a lifecycle rule may have deleted is nobody's wish. One list of all buckets,
	// because a policy's length is limited.
	list, read := []string{"s3:ListBucket", "s3:GetLifecycleConfiguration"}, []string{"s3:GetObject"}
	follow := s.FollowAny()
	if follow.Overwrites {
		// Whose write is the later, and what a deletion hid.
		list, read = append(list, "s3:ListBucketVersions"), append(read, "s3:GetObjectVersion")
	}
	statements := []statement{
		{sid: "ListBuckets", actions: list, resources: buckets, condition: s.ownBuckets()},
		{
			// For HEAD, where a listing does not tell two objects apart.
			sid: "ReadObjects", actions: read, resources: objects, condition: s.ownBuckets(),
		},
		{
			// A large object that is being copied now is not missing, and a page of versions
			// tells of many keys which of them were deleted here.
			sid: "SeeUploads", actions: []string{"s3:ListBucketMultipartUploads", "s3:ListBucketVersions"},
			resources: []string{s.BucketARN()}, condition: s.ownBuckets(),
		},
		{
			sid: "SeeParts", actions: []string{"s3:ListMultipartUploadParts"},
			resources: []string{s.BucketARN() + "/*"}, condition: s.ownBuckets(),
		},
		{sid: "Remember", actions: []string{"dynamodb:GetItem", "dynamodb:PutItem"}, resources: []string{s.ReconcileTableARN()}},
		{
			sid:       "WriteLogs",
			actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			resources: []string{s.ReconcilerLogGroupARN() + ":*"},
		},
	}
	if s.Reconcile.Copy {
		statements = append(statements, statement{
			sid: "RepairAsReplicator", actions: []string{"sts:AssumeRole"}, resources: []string{s.RoleARN()},
		})
	}
	statements = append(statements, s.decrypt(key)...)
	return append(statements, s.trace()...)
}

// decrypt are the statements about keys of a role that reads in every Region and does
// not encrypt. S3 asks for Decrypt to return an encrypted object's checksum
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
func (s site) decrypt(own *string) []statement {
	all := s.useKeys(own)
	for i := range all {
		all[i].actions = []string{"kms:Decrypt"}
		switch all[i].sid {
		case "EncryptHere":
			all[i].sid = "DecryptHere"
		case "EncryptInAdopted":
			all[i].sid = "DecryptInAdopted"
		}
	}
	return all
}

// trustReconcile are the statements of the replicator's role by which the comparing
// function writes in its name, and under no other session's name. The role is
// named in a condition because a principal that does not exist yet would end the
// deployment.
func (s site) trustReconcile() []any {
	if s.Reconcile == nil || !s.Reconcile.Copy {
		return nil
	}
	return []any{map[string]any{
		"Effect":    "Allow",
		"Principal": map[string]any{"AWS": s.AccountARN()},
		"Action":    "sts:AssumeRole",
		"Condition": map[string]any{
			"StringEquals": map[string]any{"sts:RoleSessionName": s.ReconcileSession()},
			"ArnEquals":    map[string]any{"aws:PrincipalArn": s.Member.ReconcileRoleARN()},
		},
	}}
}

// reconcileEnvironment is the comparing function's configuration in the form that
// it reads it.
func (s site) reconcileEnvironment() map[string]*string {
	variables := map[string]*string{}
	for name, value := range functionenv.EncodeReconcile(functionenv.OfReconcile(s.Config, s.Member)) {
		variables[name] = jsii.String(value)
	}
	return variables
}
