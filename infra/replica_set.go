// Package infra makes the AWS resources of a replica set with the CDK, in this
// project's own app (infra/app) and in other apps written in Go.
//
// NewReplicaSet makes all of a set, two stacks for each Region:
//   - The Region stack holds what the Region owns: bucket, topic, dead-letter
//     queue, role and function.
//   - The mesh stack subscribes the other Regions' functions to this Region's
//     topic, and depends on every Region stack.
//
// With Config.AccessPoint there is one more, with the access points over the
// Regions' buckets, which depends on every Region stack too. With Config.AuditTrail
// there is one with the trail, which depends on none.
//
// NewRegion and NewMesh make the same in stacks of yours, with a bucket and a key
// of yours. They are apart because SNS refuses a subscription whose function
// does not exist: first every Region, then every mesh.
//
// All parts refer to other Regions by names that follow from the configuration,
// so no stack reads another Region's outputs, and the command s3fanout finds
// everything with the same configuration in a cdk.json. It also means that a set
// is in an account once: two need two names.
//
// What is wrong in the arguments is returned as an error of one line, before
// anything is made; it names the field as cdk.json does. What the CDK itself
// refuses, such as an ID that is taken, is a panic of jsii, as everywhere in the
// CDK for Go.
//
// Resources are CloudFormation's own (the CDK's L1 constructs). So a template
// holds what the source says and nothing else, and no feature flag of the CDK
// changes it.
package infra

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// ReplicaSetProps configure NewReplicaSet.
type ReplicaSetProps struct {
	Config Config // required
	// Code is what the functions run; nil has the go command build it, see Code.
	Code Code
}

// ReplicaSet is what NewReplicaSet made.
type ReplicaSet struct {
	// Regions are the parts in each Region, in the order of the configuration.
	Regions []*Region
}

// NewReplicaSet adds all stacks of a replica set to an app or a stage. The stacks
// are called after the set, whatever the scope is called, so that the command
// finds them; they are bound to their Region, and to the account of the stage if
// that is bound to one.
func NewReplicaSet(scope constructs.Construct, props ReplicaSetProps) (*ReplicaSet, error) {
	set, err := props.Config.set()
	if err != nil {
		return nil, err
	}
	code, err := props.Code.orBuilt(scope, set)
	if err != nil {
		return nil, err
	}
	made := &ReplicaSet{}
	stacks := make(map[string]awscdk.Stack, len(set.Regions))
	for _, region := range set.Regions {
		stack := newRegionStack(scope, regionStackProps{Set: set, Region: region, Code: code})
		stacks[region] = stack.Stack
		made.Regions = append(made.Regions, stack.Region)
	}
	for _, region := range set.Regions {
		mesh := newMeshStack(scope, meshStackProps{Set: set, Region: region})
		// SNS checks that a function exists and permits the topic, so no
		// subscription can be made before every function is there.
		for _, other := range set.Regions {
			mesh.AddStackDependency(stacks[other], jsii.String("subscribes its function"))
		}
	}
	if set.AccessPoint != nil {
		point := newAccessPointStack(scope, set)
		for _, region := range set.Regions {
			point.AddStackDependency(stacks[region], jsii.String("reaches its bucket"))
		}
	}
	if set.AuditTrail != nil {
		newAuditStack(scope, set)
	}
	return made, nil
}

// tag puts the set's tags on everything in the scope that can have them, and on
// the scope if it is a stack, in an order of their own.
func tag(scope constructs.Construct, set replicaset.Config) {
	for _, key := range slices.Sorted(maps.Keys(set.Tags)) {
		awscdk.Tags_Of(scope).Add(jsii.String(key), jsii.String(set.Tags[key]), nil)
	}
}

// newStack makes a stack that is bound to a Region but not to an account, so
// that its template is the same in every account.
func newStack(scope constructs.Construct, set replicaset.Config, name, description, region string) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(name), &awscdk.StackProps{
		StackName:   jsii.String(name),
		Description: jsii.String(description),
		Env:         &awscdk.Environment{Region: jsii.String(region)},
		// The cdk command checks the bootstrap version by itself; the rule
		// would add a parameter and a rule to every template.
		Synthesizer: awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{
			GenerateBootstrapVersionRule: jsii.Bool(false),
		}),
	})
	tag(stack, set)
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
