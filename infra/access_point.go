package infra

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// AccessPointProps configure NewAccessPoint.
type AccessPointProps struct {
	// Config is the same for all Regions of the set, and has an AccessPoint. Required.
	Config Config
	// Regions are the parts of the set's Regions that this app makes, and on whose
	// stacks the access point's stack is made to depend. Those that another app
	// deploys have to be deployed before.
	Regions []*Region
}

// NewAccessPoint makes the access points of the set in the scope, whose stack is
// deployed after every Region's: S3 looks for the buckets. The stack can be in any
// Region in which CloudFormation makes access points; Config.AccessPoint's
// StackRegion is for NewReplicaSet. The stack's outputs are the aliases and ARNs.
func NewAccessPoint(scope constructs.Construct, id string, props AccessPointProps) (constructs.Construct, error) {
	set, err := props.Config.set()
	if err != nil {
		return nil, err
	}
	stack, err := stackOf(scope)
	if err != nil {
		return nil, err
	}
	if set.AccessPoint == nil {
		return nil, fmt.Errorf("replica set %s has no access point; set Config.AccessPoint", set.Name)
	}
	path := *stack.Node().Path()
	for _, region := range props.Regions {
		if *region.stack.Node().Path() == path {
			return nil, fmt.Errorf("stack %s has the parts of a Region; "+
				"make the access point in another stack, which is deployed after every Region's", *stack.StackName())
		}
		stack.AddStackDependency(region.stack, jsii.String("reaches its bucket"))
	}
	this := constructs.NewConstruct(scope, jsii.String(id))
	addAccessPoints(this, set, *stack.Account())
	return this, nil
}

// newAccessPointStack makes the stack of the access points of a set.
func newAccessPointStack(scope constructs.Construct, set replicaset.Config) awscdk.Stack {
	stack := newStack(scope, set, set.AccessPointStackName(),
		"Replica set "+set.Name+": access points over the Regions' buckets", set.AccessPointRegion())
	addAccessPoints(stack, set, *stack.Account())
	return stack
}

// addAccessPoints makes all access points of a set directly in the scope.
func addAccessPoints(scope constructs.Construct, set replicaset.Config, account string) {
	for _, point := range set.AccessPoints() {
		newAccessPoint(scope, accessPointProps{Set: set, Account: account, Point: point})
	}
	if names := set.PointsOverAll(); len(names) > 0 {
		awscdk.Annotations_Of(scope).AddInfo(jsii.String("accessPoint: " + strings.Join(names, " and ") +
			" has all Regions of the set. Adding or removing a Region replaces it: " +
			"the alias changes, and clients of the old one are left behind. " +
			"Before you change regions, follow docs/upgrade.md, \"A Region joins or leaves an access point\"."))
	}
	if regions := optInRegions(set.AccessPoints()); len(regions) > 0 {
		awscdk.Annotations_Of(scope).AddInfo(
			jsii.String("accessPoint: " + strings.Join(regions, " and ") + " are opt-in Regions: every account " +
				"that takes part in a request, and that of a VPC endpoint, needs them enabled. " +
				"AWS may refuse to make such an access point in CloudFormation; " +
				"the stacks of the Regions are deployed by then."),
		)
	}
	if set.OnlyByAccessPoint() {
		awscdk.Annotations_Of(scope).AddInfo(
			jsii.String("access: the buckets deny direct access to objects before the access point is made. " +
				"If clients already use the buckets, first deploy accessPoint without access, and move them to it; " +
				"see docs/one-endpoint.md."),
		)
	}
}

// optInRegions are those of the access points that an account has to enable, in order
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ConfiguringMrapOptInRegions.html).
func optInRegions(points []replicaset.Point) []string {
	regions := map[string]bool{}
	for _, point := range points {
		for _, region := range point.Regions {
			if replicaset.OptIn(region) {
				regions[region] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(regions))
}

// accessPointProps configure newAccessPoint. All fields are required.
type accessPointProps struct {
	Set     replicaset.Config
	Account string
	Point   replicaset.Point
}

// newAccessPoint makes an access point over buckets that the Region stacks have.
// All of its properties are fixed: another Region is another access point with
// another alias. S3 chooses its name, so that the new one can be made before the
// old one goes; and the old one stays when it is replaced, because clients still
// call it. It costs nothing by itself and can be deleted by hand.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-multiregionaccesspoint.html
func newAccessPoint(scope constructs.Construct, props accessPointProps) {
	this := constructs.NewConstruct(scope, jsii.String(props.Point.Output("")))
	var regions []any
	for _, region := range props.Point.Regions {
		regions = append(regions, &awss3.CfnMultiRegionAccessPoint_RegionProperty{
			Bucket:          jsii.String(props.Set.Member(props.Account, region).Bucket),
			BucketAccountId: jsii.String(props.Account),
		})
	}
	point := awss3.NewCfnMultiRegionAccessPoint(this, jsii.String("Default"), &awss3.CfnMultiRegionAccessPointProps{
		Regions: regions,
		PublicAccessBlockConfiguration: &awss3.CfnMultiRegionAccessPoint_PublicAccessBlockConfigurationProperty{
			BlockPublicAcls:       jsii.Bool(true),
			BlockPublicPolicy:     jsii.Bool(true),
			IgnorePublicAcls:      jsii.Bool(true),
			RestrictPublicBuckets: jsii.Bool(true),
		},
	})
	arn := strings.Replace(props.Set.AccessPointPattern(props.Account), "*", *point.AttrAlias(), 1)
	policy := awss3.NewCfnMultiRegionAccessPointPolicy(this, jsii.String("Policy"), &awss3.CfnMultiRegionAccessPointPolicyProps{
		MrapName: point.Ref(),
		Policy:   policyDocument(onlyThisAccount(props.Account, arn, arn+"/object/*")),
	})
	for _, resource := range []awscdk.CfnResource{point, policy} {
		resource.CfnOptions().SetDeletionPolicy(awscdk.CfnDeletionPolicy_DELETE)
		resource.CfnOptions().SetUpdateReplacePolicy(awscdk.CfnDeletionPolicy_RETAIN)
	}
	for _, output := range []struct{ what, description, value string }{
		{"Alias", "The access point's host is this and .accesspoint.s3-global.amazonaws.com", *point.AttrAlias()},
		{"Arn", "SDKs take it in place of a bucket's name", arn},
	} {
		awscdk.NewCfnOutput(scope, jsii.String(props.Point.Output(output.what)), &awscdk.CfnOutputProps{
			Description: jsii.String(output.description),
			Value:       jsii.String(output.value),
		})
	}
}

// onlyThisAccount denies everybody of another account the resources. Of this
// account, identities need what their own policies allow, on the access point and
// on the buckets
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointPermissions.html).
func onlyThisAccount(account string, resources ...string) statement {
	return statement{
		sid:       "OnlyThisAccount",
		deny:      true,
		principal: "*",
		actions:   []string{"s3:*"},
		resources: resources,
		condition: map[string]any{"StringNotEquals": map[string]any{"aws:PrincipalAccount": account}},
	}
}
