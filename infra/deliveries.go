package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

// deliveriesProps configure newDeliveries. All fields are required.
type deliveriesProps struct {
	Site     site
	Function awslambda.CfnFunction
}

// newDeliveries lets each other Region's topic, and no other caller, invoke
// the function. The permissions live with the function; the subscriptions that
// use them live with the topics, in the mesh stacks.
func newDeliveries(scope constructs.Construct, id string, props deliveriesProps) constructs.Construct {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	for _, other := range here.others() {
		awslambda.NewCfnPermission(this, jsii.String("From-"+other.Region), &awslambda.CfnPermissionProps{
			Action:       jsii.String("lambda:InvokeFunction"),
			FunctionName: props.Function.AttrArn(),
			Principal:    jsii.String(replicaset.SNSPrincipal(other.Region, here.Region)),
			SourceArn:    jsii.String(other.TopicARN()),
		})
	}
	return this
}
