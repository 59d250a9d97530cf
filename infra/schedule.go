package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// tickRate is how often the function is started. It is not how often buckets are
	// compared: a comparison goes on from tick to tick, each as long as an invocation
	// may take, and a tick on which none is due only says how old the last one is.
	tickRate = "rate(15 minutes)"
	// tick is what the function is started with.
	tick = `{"tick":true}`
)

// scheduleProps configure newSchedule. All fields are required.
type scheduleProps struct {
	Site     site
	Function awslambda.CfnFunction // that compares
}

// newSchedule has EventBridge Scheduler start the function, with a role that may do
// that alone (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
func newSchedule(scope constructs.Construct, id string, props scheduleProps) awsscheduler.CfnSchedule {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	roleARN := jsii.String(here.Member.ScheduleRoleARN())
	if !here.OwnRoles() {
		roleARN = newScheduleRole(this, here).AttrArn()
	}
	if here.Reconcile.KeyRanges > 0 {
		newRanges(scope, "Ranges", rangesProps{Site: here, RoleARN: roleARN})
	}
	return awsscheduler.NewCfnSchedule(this, jsii.String("Default"), &awsscheduler.CfnScheduleProps{
		Name:               jsii.String(here.ReconcilerName()),
		Description:        jsii.String("Starts the function that compares the buckets of replica set " + here.Name),
		ScheduleExpression: jsii.String(tickRate),
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
		State:              jsii.String("ENABLED"),
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn:     props.Function.AttrArn(),
			RoleArn: roleARN,
			Input:   jsii.String(tick),
			// A tick that cannot be delivered is made good by the next one.
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
				MaximumRetryAttempts:     jsii.Number(0),
				MaximumEventAgeInSeconds: jsii.Number(reconcilerEventAge),
			},
		},
	})
}

// newScheduleRole makes the schedule's role. The condition keeps schedules of other
// accounts, and those in other groups of this one, from using it
// (https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html).
func newScheduleRole(scope constructs.Construct, here site) awsiam.CfnRole {
	return awsiam.NewCfnRole(scope, jsii.String("Role"), &awsiam.CfnRoleProps{
		RoleName:                 jsii.String(here.ScheduleRoleName()),
		AssumeRolePolicyDocument: trustDocument(here.trustSchedule()),
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName:     jsii.String("start"),
			PolicyDocument: policyDocument(here.startComparison()...),
		}},
	})
}

// trustSchedule says who may assume the schedule's role: the schedules, and the
// state machine, which needs the same permissions.
func (s site) trustSchedule() []any {
	trust := func(principal string, sources ...string) map[string]any {
		return map[string]any{
			"Effect":    "Allow",
			"Principal": service(principal),
			"Action":    "sts:AssumeRole",
			"Condition": map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": s.Account},
				"ArnLike":      map[string]any{"aws:SourceArn": oneOrMany(sources)},
			},
		}
	}
	all := []any{trust("scheduler.amazonaws.com", s.ARN("scheduler", "schedule-group/default"))}
	if s.Reconcile.KeyRanges > 0 {
		// The executions of a map are of a state machine with a label behind the name.
		all = append(all, trust("states.amazonaws.com", s.ReconcileMachineARN(), s.ReconcileMachineARN()+"/*"))
	}
	return all
}

// startComparison are the statements of the schedule's role.
func (s site) startComparison() []statement {
	all := []statement{{sid: "StartComparison", actions: []string{"lambda:InvokeFunction"}, resources: []string{s.ReconcilerARN()}}}
	if s.Reconcile.KeyRanges > 0 {
		all = append(all, s.runRanges()...)
	}
	return all
}
