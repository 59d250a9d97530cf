package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// RegionStackProps configure NewRegionStack. All fields are required.
type RegionStackProps struct {
	Set         replicaset.Config
	Region      string // a member of Set
	FunctionDir string // holds the function's executables
}

// roleIDExport is the name of the export with the unique ID of the role that
// the function has in region ("AROA…"). The principal ID of an event that the
// function causes begins with it. IAM chooses it, so it is the one thing that
// a mesh stack cannot name by itself.
func roleIDExport(set replicaset.Config, region string) *string {
	return jsii.String(set.RegionStackName(region) + "-role-id")
}

// NewRegionStack makes the Region stack of props.Region. Its parts work
// without those of other Regions, which it refers to by name only.
func NewRegionStack(app awscdk.App, props RegionStackProps) awscdk.Stack {
	stack := newStack(app, props.Set, props.Set.RegionStackName(props.Region),
		"Replica set "+props.Set.Name+": bucket, topic, dead letters and replicator in "+props.Region, props.Region)
	here := newSite(*stack.Account(), props.Set, props.Region)

	var key *string
	switch {
	case here.MakesKeys():
		key = NewKey(stack, "Key", KeyProps{Site: here})
	case here.UsesKMS():
		key = jsii.String(here.KMSKeyARNs[here.Region])
	}
	topic := NewTopic(stack, "Topic", TopicProps{Site: here, Key: key})
	bucket := NewBucket(stack, "Bucket", BucketProps{Site: here, Topic: topic, Key: key})
	deadLetters := NewDeadLetters(stack, "DeadLetters", DeadLettersProps{Site: here, Key: key})
	role := NewRole(stack, "Role", RoleProps{Site: here, Key: key})
	function := NewFunction(stack, "Function", FunctionProps{
		Site:        here,
		Program:     props.FunctionDir,
		RoleARN:     role.AttrArn(),
		DeadLetters: deadLetters,
	})
	NewDeliveries(stack, "Deliveries", DeliveriesProps{Site: here, Function: function})
	NewAlarms(stack, "Alarms", AlarmsProps{Site: here})
	NewDashboard(stack, "Dashboard", DashboardProps{Site: here})
	if props.Set.BatchOperations {
		NewBatch(stack, "Batch", BatchProps{Site: here, Role: role, Key: key})
	}

	awscdk.NewCfnOutput(stack, jsii.String("BucketName"), &awscdk.CfnOutputProps{
		Description: jsii.String("Objects uploaded here are copied to all Regions of the replica set"),
		Value:       bucket.Ref(),
	})
	awscdk.NewCfnOutput(stack, jsii.String("RoleID"), &awscdk.CfnOutputProps{
		Description: jsii.String("Read by the mesh stack, whose subscriptions leave out what this role wrote"),
		Value:       role.AttrRoleId(),
		ExportName:  roleIDExport(props.Set, props.Region),
	})
	return stack
}
