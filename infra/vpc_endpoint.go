package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// accessPointService is the service of interface endpoints for Multi-Region Access
// Points, the same in every Region
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointsPrivateLink.html).
const accessPointService = "com.amazonaws.s3-global.accesspoint"

// vpcEndpointProps configure newVPCEndpoint.
type vpcEndpointProps struct {
	Site site // required; its Region has an endpoint
}

// newVPCEndpoint makes the Region's interface endpoint for the access points. Its
// private DNS has clients in the VPC reach the access points' hosts through it,
// without a word in their configuration.
func newVPCEndpoint(scope constructs.Construct, id string, props vpcEndpointProps) awsec2.CfnVPCEndpoint {
	here := props.Site
	where := here.VPCEndpoints[here.Region]
	var groups *[]any
	if len(where.SecurityGroupIDs) > 0 {
		groups = anyList(where.SecurityGroupIDs)
	}
	this := constructs.NewConstruct(scope, jsii.String(id))
	return awsec2.NewCfnVPCEndpoint(this, jsii.String("Default"), &awsec2.CfnVPCEndpointProps{
		ServiceName:       jsii.String(accessPointService),
		VpcEndpointType:   jsii.String("Interface"),
		VpcId:             jsii.String(where.VPCID),
		SubnetIds:         anyList(where.SubnetIDs),
		SecurityGroupIds:  groups,
		PrivateDnsEnabled: jsii.Bool(true),
		PolicyDocument:    policyDocument(here.endpointPolicy()...),
	})
}

func anyList(values []string) *[]any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return &list
}

// endpointPolicy are the statements of the endpoint's policy: what clients of an
// access point do with objects, in the set's buckets and through access points of
// this account, whose alias is not known before they are made. AWS evaluates both. An
// endpoint's policy grants nothing by itself.
func (s site) endpointPolicy() []statement {
	points := s.AccessPointPattern(s.Account)
	containers, objects := []string{points}, []string{points + "/object/*"}
	for _, member := range s.Members(s.Account) {
		containers = append(containers, member.BucketARN())
		objects = append(objects, member.BucketARN()+"/*")
	}
	own := map[string]any{"StringEquals": map[string]any{"aws:PrincipalAccount": s.Account, "aws:ResourceAccount": s.Account}}
	return []statement{
		{
			sid:       "ReadAndWriteObjects",
			principal: "*",
			actions: []string{
				"s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:DeleteObjectTagging",
				"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
			},
			resources: objects,
			condition: own,
		},
		{
			sid:       "ListObjects",
			principal: "*",
			actions:   []string{"s3:ListBucket", "s3:ListBucketMultipartUploads"},
			resources: containers,
			condition: own,
		},
	}
}
