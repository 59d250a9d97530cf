package infra_test

import (
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/infra"
)

// prebuilt takes the function's code from a directory. Without it, the go command
// builds the code while the app runs.
func prebuilt(string) awslambda.Code {
	return awslambda.Code_FromAsset(jsii.String("testdata/function"), nil)
}

// newApp is awscdk.NewApp(nil) in an app of yours.
func newApp() (app awscdk.App, done func()) {
	out, err := os.MkdirTemp("", "cdk-")
	if err != nil {
		log.Fatal(err)
	}
	app = awscdk.NewApp(&awscdk.AppProps{Outdir: &out, AnalyticsReporting: jsii.Bool(false)})
	return app, func() { _ = os.RemoveAll(out) }
}

// An app that makes a replica set in stacks of its own.
func ExampleNewReplicaSet() {
	app, done := newApp()
	defer done()
	set, err := infra.NewReplicaSet(app, infra.ReplicaSetProps{
		Config: infra.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}},
		Code:   prebuilt,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, region := range set.Regions {
		// Somebody else who wants to know of each new object.
		region.Topic.AddSubscription(awssnssubscriptions.NewUrlSubscription(jsii.String("https://example.com/uploads"), nil))
	}
	for _, stack := range *app.Synth(nil).Stacks() {
		fmt.Println(*stack.StackName())
	}
	// Output:
	// media-eu-west-1
	// media-us-east-1
	// media-eu-west-1-mesh
	// media-us-east-1-mesh
}

// An app that has a stack in each Region already, and a key in it.
func ExampleNewRegion() {
	app, done := newApp()
	defer done()
	config := infra.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, Encryption: "kms"}
	in := func(region string) *awscdk.StackProps {
		return &awscdk.StackProps{Env: &awscdk.Environment{Region: jsii.String(region)}}
	}
	var regions []*infra.Region
	for _, name := range config.Regions {
		stack := awscdk.NewStack(app, jsii.String("Storage-"+name), in(name))
		region, err := infra.NewRegion(stack, "Media", infra.RegionProps{
			Config: config,
			Code:   prebuilt,
			Key:    awskms.NewKey(stack, jsii.String("Key"), nil),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		rules := make([]awscloudwatch.IAlarmRule, len(region.Alarms))
		for i, alarm := range region.Alarms {
			rules[i] = alarm
		}
		awscloudwatch.NewCompositeAlarm(stack, jsii.String("Storage"), &awscloudwatch.CompositeAlarmProps{
			AlarmRule: awscloudwatch.AlarmRule_AnyOf(rules...),
		})
		regions = append(regions, region)
	}
	// Every Region is there before the first function is subscribed.
	for _, name := range config.Regions {
		stack := awscdk.NewStack(app, jsii.String("StorageMesh-"+name), in(name))
		if _, err := infra.NewMesh(stack, "Media", infra.MeshProps{Config: config, Regions: regions}); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, stack := range *app.Synth(nil).Stacks() {
		fmt.Println(*stack.StackName())
	}
	// Output:
	// Storage-eu-west-1
	// Storage-us-east-1
	// StorageMesh-eu-west-1
	// StorageMesh-us-east-1
}
