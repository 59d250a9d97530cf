package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// regionStackProps configure newRegionStack. All fields are required.
type regionStackProps struct {
	Set    replicaset.Config
	Region string // a member of Set
	Code   Code
}

// regionStack is the stack of a Region, and what is in it.
type regionStack struct {
	awscdk.Stack
	*Region
}

// newRegionStack makes the Region stack of props.Region. Its parts work
// without those of other Regions, which it refers to by name only.
func newRegionStack(scope constructs.Construct, props regionStackProps) regionStack {
	stack := newStack(scope, props.Set, props.Set.RegionStackName(props.Region),
		"Replica set "+props.Set.Name+": bucket, topic, dead letters and replicator in "+props.Region, props.Region)
	region := addRegion(stack, regionParts{
		Site: newSite(*stack.Account(), props.Set, props.Region),
		Code: props.Code,
	})
	awscdk.NewCfnOutput(stack, jsii.String("BucketName"), &awscdk.CfnOutputProps{
		Description: jsii.String("Objects uploaded here are copied to all Regions of the replica set"),
		Value:       region.Bucket.BucketName(),
	})
	return regionStack{Stack: stack, Region: region}
}
