package infra

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// Region is what a replica set has in one Region. The handles refer to resources
// of the stack that they are used in like those of any imported resource: they
// can be granted, watched and subscribed to, but not changed.
type Region struct {
	Name        string // of the AWS Region
	Bucket      awss3.IBucket
	Topic       awssns.ITopic          // announces new objects of Bucket
	DeadLetters awssqs.IQueue          // what could not be copied or delivered
	Function    awslambda.IFunction    // copies the other Regions' new objects into Bucket
	Role        awsiam.IRole           // Function's
	Key         awskms.IKey            // encrypts Bucket, Topic and DeadLetters; nil for AWS's own keys
	Alarms      []awscloudwatch.IAlarm // in the order of docs/runbook.md

	stack awscdk.Stack
}

// RegionProps configure NewRegion.
type RegionProps struct {
	// Config is the same for all Regions of the set. Required.
	Config Config
	// Code is what the functions run; nil has the go command build it, see Code.
	Code Code
	// Bucket is a bucket of yours that is the set's in this Region, in place of one
	// that is made. It keeps versions, and its name is in Config.Buckets, which the
	// other Regions go by. Its notifications are added to by the CDK
	// (AddEventNotification); nothing else of it is changed. If the bucket is made in
	// another stack, that stack is deployed after this one, for its notifications.
	Bucket awss3.IBucket
	// Key is a key of yours that encrypts bucket, topic and dead letters in this
	// Region, in place of one that is made. Config.Encryption has to be "kms". If
	// Config.KMSKeyARNs is empty, the key gets the alias by which the other
	// Regions' roles know it. A key made in this app gets the statements for S3 and
	// SNS in its policy; one that is imported has to have them, see
	// docs/configuration.md.
	Key awskms.IKey
}

// NewRegion makes the parts of a replica set in the Region of the stack that the
// scope is in; the stack has to be bound to a Region that is a member of the set.
// Objects travel once NewMesh has been deployed too.
func NewRegion(scope constructs.Construct, id string, props RegionProps) (*Region, error) {
	here, _, err := siteOf(scope, props.Config)
	if err != nil {
		return nil, err
	}
	if props.Bucket != nil {
		if err := here.checkExistingBucket(props.Bucket); err != nil {
			return nil, err
		}
	}
	if props.Key != nil && !here.UsesKMS() {
		return nil, fmt.Errorf("the key: the encryption of replica set %s is not %q; set Config.Encryption, or leave the key out",
			here.Name, replicaset.EncryptionKMS)
	}
	if arn := here.KMSKeyARNs[here.Region]; props.Key != nil && arn != "" &&
		!*awscdk.Token_IsUnresolved(props.Key.KeyArn()) && *props.Key.KeyArn() != arn {
		return nil, fmt.Errorf("the key is %s, but Config.KMSKeyARNs has %s in %s, which the other Regions use; "+
			"give the same key, or leave one of the two out", *props.Key.KeyArn(), arn, here.Region)
	}
	code, err := props.Code.orBuilt(scope, here.Config)
	if err != nil {
		return nil, err
	}
	this := constructs.NewConstruct(scope, jsii.String(id))
	tag(this, here.Config)
	return addRegion(this, regionParts{Site: here, Code: code, Bucket: props.Bucket, Key: props.Key}), nil
}

// siteOf is the Region of the set whose stack the scope is in.
func siteOf(scope constructs.Construct, config Config) (site, awscdk.Stack, error) {
	set, err := config.set()
	if err != nil {
		return site{}, nil, err
	}
	stack, err := stackOf(scope)
	if err != nil {
		return site{}, nil, err
	}
	region := *stack.Region()
	if *awscdk.Token_IsUnresolved(region) {
		return site{}, nil, fmt.Errorf("stack %s is bound to no Region; set Env.Region in its props to one of %s",
			*stack.StackName(), strings.Join(set.Regions, ", "))
	}
	if !set.Contains(region) {
		return site{}, nil, fmt.Errorf("stack %s is in %s, which is not one of the Regions of replica set %s: %s",
			*stack.StackName(), region, set.Name, strings.Join(set.Regions, ", "))
	}
	return newSite(*stack.Account(), set, region), stack, nil
}

// stackOf is the stack that the scope is in. Without one the CDK would panic.
func stackOf(scope constructs.Construct) (awscdk.Stack, error) {
	if !slices.ContainsFunc(*scope.Node().Scopes(), func(above constructs.IConstruct) bool { return *awscdk.Stack_IsStack(above) }) {
		return nil, fmt.Errorf("scope %q is in no stack; make it in a stack for each Region, or all stacks by NewReplicaSet",
			*scope.Node().Path())
	}
	return awscdk.Stack_Of(scope), nil
}

// regionParts configure addRegion.
type regionParts struct {
	Site site // required
	Code Code // required
	// Of the app, nil to have them made.
	Bucket awss3.IBucket
	Key    awskms.IKey
}

// roleIDExport is the name of the export with the unique ID of the role that
// the function has in region ("AROA…"). The principal ID of an event that the
// function causes begins with it. IAM chooses it, so it is the one thing that
// a mesh stack cannot name by itself. A role that is not made has no export: the
// configuration says its ID, or nobody does.
func roleIDExport(set replicaset.Config, region string) *string {
	return jsii.String(set.RegionStackName(region) + "-role-id")
}

// boundRoles bounds all roles in the scope as the set says.
func (s site) boundRoles(scope constructs.Construct) {
	if boundary := s.BoundaryARN(s.Account); boundary != "" {
		awsiam.PermissionsBoundary_Of(scope).Apply(
			awsiam.ManagedPolicy_FromManagedPolicyArn(scope, jsii.String("Boundary"), jsii.String(boundary)))
	}
}

// addRegion makes the Region's parts directly in the scope: a stack of ours, or a
// construct in somebody else's.
func addRegion(scope constructs.Construct, props regionParts) *Region {
	here := props.Site
	here.boundRoles(scope)
	var key *string
	switch {
	case props.Key != nil:
		key = useKey(scope, "Key", useKeyProps{Site: here, Key: props.Key})
	case here.MakesKeys():
		key = newKey(scope, "Key", keyProps{Site: here})
	case here.UsesKMS():
		key = jsii.String(here.KMSKeyARNs[here.Region])
	}
	topic := newTopic(scope, "Topic", topicProps{Site: here, Key: key})
	var bucket awss3.CfnBucket
	switch {
	case props.Bucket != nil: // its handle is needed, see below
	case here.Adopted:
		newAdoption(scope, adoptionProps{Site: here, Topic: topic, Code: props.Code})
	default:
		bucket = newBucket(scope, "Bucket", bucketProps{Site: here, Topic: topic, Key: key})
	}
	deadLetters := newDeadLetters(scope, "DeadLetters", deadLettersProps{Site: here, Key: key})
	var role awsiam.CfnRole
	roleARN := jsii.String(here.RoleARN())
	if !here.OwnRoles() {
		role = newRole(scope, "Role", roleProps{Site: here, Key: key})
		roleARN = role.AttrArn() // the function cannot be there before it
	}
	function := newFunction(scope, "Function", functionProps{
		Site:        here,
		Code:        props.Code,
		RoleARN:     roleARN,
		DeadLetters: deadLetters,
	})
	newDeliveries(scope, "Deliveries", deliveriesProps{Site: here, Function: function})
	alarms := newAlarms(scope, "Alarms", alarmsProps{Site: here})
	if here.hasDashboard() {
		newDashboard(scope, "Dashboard", dashboardProps{Site: here})
	}
	if here.VPCEndpoints[here.Region].VPCID != "" {
		newVPCEndpoint(scope, "AccessPointEndpoint", vpcEndpointProps{Site: here})
	}
	if here.BatchOperations && !here.OwnRoles() { // jobs need nothing but roles
		newBatch(scope, "Batch", batchProps{Site: here, Role: role, Key: key})
	}
	if here.Reconcile != nil {
		newReconcile(scope, "Reconcile", reconcileProps{Site: here, Code: props.Code, Key: key})
	}
	if role != nil {
		awscdk.NewCfnOutput(scope, jsii.String("RoleID"), &awscdk.CfnOutputProps{
			Description: jsii.String("Read by the mesh stack, whose subscriptions leave out what this role wrote"),
			Value:       role.AttrRoleId(),
			ExportName:  roleIDExport(here.Config, here.Region),
		})
	}

	handles := constructs.NewConstruct(scope, jsii.String("Handles"))
	region := &Region{
		Name:        here.Region,
		stack:       awscdk.Stack_Of(scope),
		Topic:       awssns.Topic_FromTopicArn(handles, jsii.String("Topic"), topic.Ref()),
		DeadLetters: awssqs.Queue_FromQueueArn(handles, jsii.String("DeadLetters"), deadLetters.AttrArn()),
		Role: awsiam.Role_FromRoleArn(handles, jsii.String("Role"), roleARN, &awsiam.FromRoleArnOptions{
			Mutable: jsii.Bool(false), // its policy is what the function needs and nothing else
		}),
	}
	if region.Key = props.Key; region.Key == nil && key != nil {
		region.Key = awskms.Key_FromKeyArn(handles, jsii.String("Key"), key)
	}
	switch {
	case props.Bucket != nil:
		region.Bucket = props.Bucket
		here.notifyOfExistingBucket(region.Bucket, topic, region.Topic)
	case here.Adopted:
		region.Bucket = here.adoptedBucket(handles)
	default:
		region.Bucket = awss3.Bucket_FromBucketAttributes(handles, jsii.String("Bucket"), &awss3.BucketAttributes{
			BucketName: bucket.Ref(), BucketArn: bucket.AttrArn(), EncryptionKey: region.Key,
		})
	}
	region.Function = awslambda.Function_FromFunctionAttributes(handles, jsii.String("Function"), &awslambda.FunctionAttributes{
		FunctionArn: function.AttrArn(), Role: region.Role, SameEnvironment: jsii.Bool(true),
	})
	for _, a := range alarms {
		region.Alarms = append(region.Alarms, awscloudwatch.Alarm_FromAlarmArn(handles, jsii.String("Alarm-"+a.name), a.made.AttrArn()))
	}
	return region
}
