package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// regionStackProps configure newRegionStack. All fields are required.
type regionStackProps struct {
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

// newRegionStack makes the Region stack of props.Region. Its parts work
// without those of other Regions, which it refers to by name only.
func newRegionStack(app awscdk.App, props regionStackProps) awscdk.Stack {
	stack := newStack(app, props.Set, props.Set.RegionStackName(props.Region),
		"Replica set "+props.Set.Name+": bucket, topic, dead letters and replicator in "+props.Region, props.Region)
	here := newSite(*stack.Account(), props.Set, props.Region)

	var key *string
	switch {
	case here.MakesKeys():
		key = newKey(stack, "Key", keyProps{Site: here})
	case here.UsesKMS():
		key = jsii.String(here.KMSKeyARNs[here.Region])
	}
	topic := newTopic(stack, "Topic", topicProps{Site: here, Key: key})
	bucket := newBucket(stack, "Bucket", bucketProps{Site: here, Topic: topic, Key: key})
	deadLetters := newDeadLetters(stack, "DeadLetters", deadLettersProps{Site: here, Key: key})
	role := newRole(stack, "Role", roleProps{Site: here, Key: key})
	function := newFunction(stack, "Function", functionProps{
		Site:        here,
		Program:     props.FunctionDir,
		RoleARN:     role.AttrArn(),
		DeadLetters: deadLetters,
	})
	newDeliveries(stack, "Deliveries", deliveriesProps{Site: here, Function: function})
	newAlarms(stack, "Alarms", alarmsProps{Site: here})
	newDashboard(stack, "Dashboard", dashboardProps{Site: here})
	if props.Set.BatchOperations {
		newBatch(stack, "Batch", batchProps{Site: here, Role: role, Key: key})
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
