package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/scheduler"
	"s3fanout/internal/sandbox/template"
)

// startTarget starts what a schedule names: a function, or a state machine, which
// does nothing here once the role is found to be allowed to start it.
func (s *Sandbox) startTarget(ctx context.Context, caller iam.Caller, targetARN string, input []byte) error {
	if parsed, err := arn.Parse(targetARN); err == nil && parsed.Service == "states" {
		return iam.Authorize(iam.Request{Caller: caller, Action: "states:StartExecution", Resource: targetARN})
	}
	return s.lambda.InvokeAsync(ctx, caller, targetARN, input)
}

// scheduleProperties are the properties of AWS::Scheduler::Schedule that the
// sandbox knows.
type scheduleProperties struct {
	Name               string
	Description        string
	ScheduleExpression string
	State              string
	FlexibleTimeWindow struct{ Mode string }
	Target             struct {
		Arn, RoleArn, Input string
		RetryPolicy         struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds int }
	}
}

func readSchedule(raw json.RawMessage) (c scheduler.Schedule, err error) {
	var p scheduleProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return c, err
	}
	if p.FlexibleTimeWindow.Mode != "OFF" {
		return c, fmt.Errorf("property FlexibleTimeWindow: the sandbox supports the mode OFF alone, not %q", p.FlexibleTimeWindow.Mode)
	}
	return scheduler.Schedule{
		Name: p.Name, Description: p.Description, Expression: p.ScheduleExpression, State: p.State,
		TargetARN: p.Target.Arn, RoleARN: p.Target.RoleArn, Input: p.Target.Input,
		Retries:    p.Target.RetryPolicy.MaximumRetryAttempts,
		MaximumAge: time.Duration(p.Target.RetryPolicy.MaximumEventAgeInSeconds) * time.Second,
	}, nil
}

func makeSchedule(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	c, err := readSchedule(raw)
	if err != nil {
		return template.Created{}, err
	}
	if c.Name == "" {
		c.Name = physicalName(t)
	}
	arn, err := d.scheduler.Create(t.region, c)
	if err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: c.Name, Attributes: map[string]string{"Arn": arn}}, nil
}

func updateSchedule(_ context.Context, d *deployment, t target, old resource, raw json.RawMessage) error {
	c, err := readSchedule(raw)
	if err != nil {
		return err
	}
	c.Name = old.created.Ref
	return d.scheduler.Update(t.region, c)
}

func removeSchedule(_ context.Context, d *deployment, t target, old resource) error {
	d.scheduler.Delete(t.region, old.created.Ref)
	return nil
}

// scheduleDrift finds a schedule that was switched off or on by hand, or changed.
func scheduleDrift(d *deployment, t target, old resource) (drift, error) {
	want, err := readSchedule(old.properties)
	if err != nil {
		return drift{}, err
	}
	have, ok := d.scheduler.Get(t.region, old.created.Ref)
	if !ok {
		return drift{gone: true}, nil
	}
	var changed []string
	if have.State != want.State {
		changed = append(changed, "State")
	}
	if have.Expression != want.Expression {
		changed = append(changed, "ScheduleExpression")
	}
	if have.TargetARN != want.TargetARN || have.RoleARN != want.RoleARN || have.Input != want.Input {
		changed = append(changed, "Target")
	}
	return drift{properties: changed}, nil
}

// tableProperties are the properties of AWS::DynamoDB::Table that the sandbox knows.
type tableProperties struct {
	TableName            string
	BillingMode          string
	AttributeDefinitions []struct{ AttributeName, AttributeType string }
	KeySchema            []struct{ AttributeName, KeyType string }
	Tags                 []tag
}

func makeTable(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p tableProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	if p.BillingMode != "PAY_PER_REQUEST" {
		return template.Created{}, fmt.Errorf("property BillingMode: the sandbox supports PAY_PER_REQUEST alone, not %q", p.BillingMode)
	}
	if len(p.KeySchema) != 1 || p.KeySchema[0].KeyType != "HASH" || len(p.AttributeDefinitions) != 1 ||
		p.AttributeDefinitions[0].AttributeName != p.KeySchema[0].AttributeName || p.AttributeDefinitions[0].AttributeType != "S" {
		return template.Created{}, errors.New("property KeySchema: the sandbox supports one key of type S alone, of KeyType HASH")
	}
	if p.TableName == "" {
		p.TableName = physicalName(t)
	}
	arn, err := d.dynamodb.CreateTable(t.region, p.TableName, p.KeySchema[0].AttributeName)
	if err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: p.TableName, Attributes: map[string]string{"Arn": arn}}, nil
}

func removeTable(_ context.Context, d *deployment, t target, old resource) error {
	d.dynamodb.DeleteTable(t.region, old.created.Ref)
	return nil
}
