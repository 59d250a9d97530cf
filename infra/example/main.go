// Command example is the smallest CDK app that makes a replica set. It knows
// package infra alone, so it can be a module of its own.
package main

import (
	"log"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/infra"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	if _, err := infra.NewReplicaSet(app, infra.ReplicaSetProps{
		Config: infra.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}},
	}); err != nil {
		log.Print(err)
		return
	}
	app.Synth(nil)
}
