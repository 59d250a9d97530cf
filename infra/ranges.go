package infra

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
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
		Definition:       here.rangesDefinition(),
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

// rangesMargin, in seconds, is how long before the next execution begins one ends at
// the latest: as long as its last invocations may live.
const rangesMargin = timeoutSeconds

// rangesWait, in seconds, is how long a range waits in which keys failed one after
// another: what they had in common may have passed then.
const rangesWait = 60

// rangesDefinition is the state machine in the Amazon States Language. An execution
// ends before the schedule begins the next one: the function has no room for two, and
// what the first one has not compared the next one does. A range that fails ends by
// itself and leaves the others alone, and the function proves nothing then.
func (s site) rangesDefinition() map[string]any {
	type state = map[string]any
	invoke := func(payload state, next string) state {
		return state{
			"Type":       "Task",
			"Resource":   s.InvokeTaskARN(),
			"Parameters": state{"FunctionName": s.ReconcilerARN(), "Payload": payload},
			"OutputPath": "$.Payload",
			// A range that is compared again is not repaired again.
			"Retry": []any{state{"ErrorEquals": []any{"States.ALL"}, "IntervalSeconds": 30, "BackoffRate": 2, "MaxAttempts": 5}},
			"Next":  next,
		}
	}
	compare := invoke(state{"range.$": "$.range", "began.$": "$.began"}, "Done")
	compare["Catch"] = []any{state{"ErrorEquals": []any{"States.ALL"}, "Next": "Failed"}}
	return state{
		"Comment":        "Compares the buckets of replica set " + s.Name + " in ranges of keys",
		"TimeoutSeconds": int(s.Reconcile.Every/time.Second) - rangesMargin,
		"StartAt":        "Plan",
		"States": state{
			"Plan": invoke(state{"plan": state{"ranges": s.Reconcile.KeyRanges}}, "Compare"),
			"Compare": state{
				"Type":           "Map",
				"ItemsPath":      "$.ranges",
				"ItemSelector":   state{"range.$": "$$.Map.Item.Value", "began.$": "$.began"},
				"MaxConcurrency": replicaset.RangesAtOnce,
				// Beside the plan, of which the end needs when it began.
				"ResultPath": "$.compared",
				"Next":       "Prove",
				"ItemProcessor": state{
					"ProcessorConfig": state{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
					"StartAt":         "Range",
					"States": state{
						"Range": compare,
						"Done": state{
							"Type": "Choice",
							"Choices": []any{
								state{"Variable": "$.done", "BooleanEquals": true, "Next": "Compared"},
								state{"Variable": "$.wait", "IsPresent": true, "Next": "Wait"},
							},
							"Default": "Range",
						},
						"Wait":     state{"Type": "Wait", "Seconds": rangesWait, "Next": "Range"},
						"Compared": state{"Type": "Succeed"},
						"Failed":   state{"Type": "Pass", "Result": state{"status": "failed", "done": false}, "End": true},
					},
				},
			},
			"Prove": invoke(state{"prove": state{"began.$": "$.began", "ranges.$": "$.compared"}}, "Proved"),
			"Proved": state{
				"Type":    "Choice",
				"Choices": []any{state{"Variable": "$.done", "BooleanEquals": true, "Next": "Complete"}},
				"Default": "Incomplete",
			},
			"Complete": state{"Type": "Succeed"},
			"Incomplete": state{
				"Type": "Fail", "Error": "Incomplete", "Cause": "Ranges of keys could not be compared. The function's log says why.",
			},
		},
	}
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
