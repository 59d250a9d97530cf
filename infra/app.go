// Package infra makes the AWS resources of a replica set with the CDK, two
// stacks for each Region.
//
// The Region stack holds what the Region owns: bucket, topic, dead-letter
// queue, role and function. The mesh stack subscribes the other Regions'
// functions to this Region's topic, and depends on every Region stack. All
// parts refer to other Regions by deterministic names, so no stack reads
// another Region's outputs, and no resource needs more than CloudFormation.
//
// Resources are CloudFormation's own (the CDK's L1 constructs). So a template
// holds what the source says and nothing else, and no feature flag of the CDK
// changes it.
package infra

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// ReplicaSetProps configure NewReplicaSet. All fields are required.
type ReplicaSetProps struct {
	Set replicaset.Config
	// FunctionDir holds the function's executables, as "make function" leaves
	// them: <processor>/bootstrap.
	FunctionDir string
}

// NewReplicaSet adds all stacks of a replica set to the app.
func NewReplicaSet(app awscdk.App, props ReplicaSetProps) {
	regions := make(map[string]awscdk.Stack, len(props.Set.Regions))
	for _, region := range props.Set.Regions {
		regions[region] = newRegionStack(app, regionStackProps{
			Set:         props.Set,
			Region:      region,
			FunctionDir: props.FunctionDir,
		})
	}
	for _, region := range props.Set.Regions {
		mesh := newMeshStack(app, meshStackProps{Set: props.Set, Region: region})
		// SNS checks that a function exists and permits the topic, so no
		// subscription can be made before every function is there.
		for _, other := range props.Set.Regions {
			mesh.AddStackDependency(regions[other], jsii.String("subscribes its function"))
		}
	}
	tag(app, props.Set.Tags)
}

// tag puts the tags on everything in the app that can have them, and on the
// stacks, in an order of their own.
func tag(app awscdk.App, tags map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		awscdk.Tags_Of(app).Add(jsii.String(key), jsii.String(tags[key]), nil)
	}
}

// newStack makes a stack that is bound to a Region but not to an account, so
// that its template is the same in every account. All its roles are bounded
// as the set says, whichever construct makes them.
func newStack(app awscdk.App, set replicaset.Config, name, description, region string) awscdk.Stack {
	stack := awscdk.NewStack(app, jsii.String(name), &awscdk.StackProps{
		Description: jsii.String(description),
		Env:         &awscdk.Environment{Region: jsii.String(region)},
		// The cdk command checks the bootstrap version by itself; the rule
		// would add a parameter and a rule to every template.
		Synthesizer: awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{
			GenerateBootstrapVersionRule: jsii.Bool(false),
		}),
	})
	if boundary := set.BoundaryARN(*stack.Account()); boundary != "" {
		awsiam.PermissionsBoundary_Of(stack).Apply(
			awsiam.ManagedPolicy_FromManagedPolicyArn(stack, jsii.String("Boundary"), jsii.String(boundary)))
	}
	return stack
}

// site is a Region of a replica set as its stacks see it: the set, and the
// member that the Region is. The account is a token, unless the stack is bound
// to one.
type site struct {
	replicaset.Config
	replicaset.Member
}

func newSite(account string, set replicaset.Config, region string) site {
	return site{Config: set, Member: set.Member(account, region)}
}

// others are the set's other members.
func (s site) others() replicaset.Members { return s.Members(s.Account).Except(s.Region) }
