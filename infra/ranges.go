package infra

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// rangesProps configure newRanges. All fields are required.
type rangesProps struct {
	Site    site
	RoleARN *string // of the schedule
}

// newRanges makes what compares ranges of keys side by side, for buckets that one
// function does not get through in time: a state machine, whose Distributed Map
// gives each range to the function that compares until it says that the range is
// done, and a schedule that starts it. The ticks of the other schedule then only
// say how old the last comparison is.
// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
func newRanges(scope constructs.Construct, id string, props rangesProps) {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	machine := awsstepfunctions.NewCfnStateMachine(this, jsii.String("Machine"), &awsstepfunctions.CfnStateMachineProps{
		StateMachineName: jsii.String(here.ReconcilerName()),
		StateMachineType: jsii.String("STANDARD"), // an express one ends after five minutes
		RoleArn:          props.RoleARN,
		Definition:       here.RangesDefinition(here.Member),
	})
	awsscheduler.NewCfnSchedule(this, jsii.String("Schedule"), &awsscheduler.CfnScheduleProps{
		Name:               jsii.String(here.RangesScheduleName()),
		Description:        jsii.String("Starts the comparison of the buckets of replica set " + here.Name + " in ranges of keys"),
		ScheduleExpression: jsii.String(fmt.Sprintf("rate(%d hours)", int(here.Reconcile.Every/time.Hour))),
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
		State:              jsii.String("ENABLED"),
		Target:             &awsscheduler.CfnSchedule_TargetProperty{Arn: machine.Ref(), RoleArn: props.RoleARN, Input: jsii.String("{}")},
	})
}

// runRanges are the statements by which the state machine runs its map: it starts
// executions of itself, and looks after them
// (https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html).
func (s site) runRanges() []statement {
	return []statement{
		{sid: "StartRanges", actions: []string{"states:StartExecution"}, resources: []string{s.ReconcileMachineARN()}},
		{
			sid: "LookAfterRanges", actions: []string{"states:DescribeExecution", "states:StopExecution"},
			resources: []string{s.ARN("states", "execution:"+s.ReconcilerName()+":*")},
		},
	}
}
