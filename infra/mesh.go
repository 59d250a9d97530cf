package infra

import (
	"fmt"
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// MeshProps configure NewMesh.
type MeshProps struct {
	// Config is the same for all Regions of the set. Required.
	Config Config
	// Regions are the parts of the set's Regions that this app makes, and on whose
	// stacks the mesh's stack is made to depend. Those that another app deploys have
	// to be deployed before.
	Regions []*Region
}

// NewMesh subscribes the other Regions' functions to the topic of the Region of
// the stack that the scope is in, a stack other than that of NewRegion: every
// Region has to be deployed before any mesh.
func NewMesh(scope constructs.Construct, id string, props MeshProps) (constructs.Construct, error) {
	here, stack, err := siteOf(scope, props.Config)
	if err != nil {
		return nil, err
	}
	path := *stack.Node().Path()
	for _, region := range props.Regions {
		if *region.stack.Node().Path() == path {
			return nil, fmt.Errorf(
				"stack %s has the parts of the Region already; make the mesh in another stack, which is deployed after every Region's",
				*stack.StackName(),
			)
		}
		stack.AddStackDependency(region.stack, jsii.String("subscribes its function"))
	}
	return newMesh(scope, id, meshParts{Site: here}), nil
}

// meshStackProps configure newMeshStack. All fields are required.
type meshStackProps struct {
	Set    replicaset.Config
	Region string // a member of Set, whose topic is subscribed to
}

// newMeshStack makes the stack that subscribes the other Regions' functions to
// the topic of props.Region. Subscriptions have to be made in the topic's
// Region, and their dead-letter queue has to be there too:
// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
func newMeshStack(scope constructs.Construct, props meshStackProps) awscdk.Stack {
	stack := newStack(scope, props.Set, props.Set.MeshStackName(props.Region),
		"Replica set "+props.Set.Name+": deliveries from "+props.Region+" to the other Regions", props.Region)
	newMesh(stack, "Mesh", meshParts{Site: newSite(*stack.Account(), props.Set, props.Region)})
	return stack
}

// meshParts configure newMesh.
type meshParts struct {
	Site site // required
}

// newMesh subscribes each other Region's function to the Region's topic. What
// cannot be delivered goes to the Region's dead-letter queue. What the
// Region's own function wrote is not delivered: those objects came from
// elsewhere, and their events would only wake functions to find them there.
// Delete markers are the exception, see replicaFilter.
//
// That filter saves money and nothing depends on it: the function
// recognises the event of a replica.
func newMesh(scope constructs.Construct, id string, props meshParts) constructs.Construct {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	roleID := here.RoleIDs[here.Region]
	if !here.OwnRoles() {
		roleID = *awscdk.Fn_ImportValue(roleIDExport(here.Config, here.Region))
	}
	filter, scopeOfFilter := here.replicaFilter(roleID), jsii.String("MessageBody")
	if filter == nil {
		scopeOfFilter = nil
	}
	for _, other := range here.others() {
		awssns.NewCfnSubscription(this, jsii.String("To-"+other.Region), &awssns.CfnSubscriptionProps{
			TopicArn:          here.TopicARN(),
			Protocol:          jsii.String("lambda"),
			Endpoint:          other.FunctionARN(),
			FilterPolicyScope: scopeOfFilter,
			FilterPolicy:      filter,
			RedrivePolicy: map[string]any{
				"deadLetterTargetArn": here.QueueARN(),
			},
		})
	}
	return this
}

// replicaFilter matches a notification unless each of its records was caused by
// the role. The principal ID of a role's session is "AWS:<role ID>:<session>":
// https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
//
// Where deletions are followed, delete markers of the role pass: the Region in
// which an object was written has to announce its end to all others, also where
// it learned of it from another. Each makes one only where something is live, so that
// ends. Within AWS's limits: two keys of five, and seven of 150 combinations at most
// (https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html).
//
// Nor does it match where each record's key has the prefix that is dropped: SNS
// takes one, and the function leaves out the rest of what is excluded. That is one
// key more, at a depth of four.
//
// Nobody's ID, that of a role of somebody else's, drops no replica's
// event. Nil matches everything.
func (s site) replicaFilter(roleID string) any {
	but := func(prefix string) []any {
		return []any{map[string]any{"anything-but": map[string]any{"prefix": prefix}}}
	}
	byOthers := map[string]any{"userIdentity": map[string]any{"principalId": but("AWS:" + roleID + ":")}}
	kept := map[string]any{}
	if dropped := s.DroppedPrefix(); dropped != "" {
		kept["s3"] = map[string]any{"object": map[string]any{"key": but(dropped)}}
	}
	records := func(of map[string]any) map[string]any { return map[string]any{"Records": of} }
	switch {
	case roleID == "" && len(kept) == 0:
		return nil
	case roleID == "":
		return records(kept)
	case !s.FollowAny().Deletions:
		maps.Copy(kept, byOthers)
		return records(kept)
	}
	policy := map[string]any{"$or": []any{records(byOthers), records(map[string]any{"eventName": []any{markerMade}})}}
	if len(kept) > 0 {
		maps.Copy(policy, records(kept))
	}
	return policy
}

// markerMade is the event of a delete marker, as S3's records name it.
const markerMade = "ObjectRemoved:DeleteMarkerCreated"
