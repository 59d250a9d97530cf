package sandbox

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// scheduled is the committed assembly with a second function in us-east-1, a
// schedule that starts it, and a table.
func scheduled(change func(schedule map[string]any)) func(region, mesh map[string]any) {
	return func(region, _ map[string]any) {
		id, properties := first(region, "AWS::Lambda::Function")
		region["ZFunction"] = m{"Type": "AWS::Lambda::Function", "DependsOn": id, "Properties": m{
			"FunctionName": "compares", "Handler": "bootstrap", "Runtime": "provided.al2023", "Architectures": []any{"arm64"},
			"Timeout": 30, "MemorySize": 128,
			"Role": properties["Role"], "Code": m{"S3Bucket": "assets", "S3Key": "reconcile.zip"},
		}}
		region["ZRole"] = m{"Type": "AWS::IAM::Role", "Properties": m{
			"RoleName": "starts", "AssumeRolePolicyDocument": document(m{
				"Effect": "Allow", "Principal": m{"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
				"Condition": m{
					"StringEquals": m{
						"aws:SourceAccount": AccountID,
						"aws:SourceArn":     "arn:aws:scheduler:us-east-1:" + AccountID + ":schedule-group/default",
					},
				}}),
			"Policies": []any{m{"PolicyName": "p", "PolicyDocument": document(m{
				"Effect": "Allow", "Action": "lambda:InvokeFunction",
				"Resource": "arn:aws:lambda:us-east-1:" + AccountID + ":function:compares"})}},
		}}
		schedule := m{
			"Name": "compares", "ScheduleExpression": "rate(15 minutes)", "FlexibleTimeWindow": m{"Mode": "OFF"}, "State": "ENABLED",
			"Target": m{
				"Arn": m{"Fn::GetAtt": []any{"ZFunction", "Arn"}}, "RoleArn": m{"Fn::GetAtt": []any{"ZRole", "Arn"}},
				"Input": `{"tick":true}`,
			},
		}
		change(schedule)
		region["ZSchedule"] = m{"Type": "AWS::Scheduler::Schedule", "Properties": schedule}
		region["ZTable"] = m{"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Delete", "Properties": m{
			"TableName": "compares", "BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": []any{m{"AttributeName": "id", "AttributeType": "S"}},
			"KeySchema":            []any{m{"AttributeName": "id", "KeyType": "HASH"}},
		}}
		region["ZMachine"] = m{"Type": "AWS::StepFunctions::StateMachine", "Properties": m{"Definition": m{}, "RoleArn": "none"}}
	}
}

// TestScheduleStartsItsFunction ticks over HTTP, as the role of the schedule, and
// has what was changed by hand put back by the next deployment.
func TestScheduleStartsItsFunction(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	as := func(change func(schedule map[string]any)) Config {
		return Config{
			Assembly: changed(t, scheduled(change)), Function: own, Programs: map[string]string{"reconcile": script},
			RetryWait: time.Millisecond,
		}
	}
	s, err := Start(t.Context(), as(func(m) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	tick := func(region string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.state.Endpoint+"/_sandbox/tick",
			strings.NewReader(`{"region":"`+region+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(answer)
	}
	attempts := func() int64 { return s.Stats().Regions["us-east-1"].Lambda.Invocations }
	if status, answer := tick("us-east-1"); status != http.StatusOK || attempts() != 3 {
		t.Errorf("a tick: %d %s, %d attempts, want three of one event", status, answer, attempts())
	}
	if status, _ := tick("eu-west-1"); status != http.StatusOK || attempts() != 3 {
		t.Errorf("a tick in a Region without schedules: %d, %d attempts", status, attempts())
	}
	if status, answer := tick("mars-1"); status != http.StatusBadRequest || !strings.Contains(answer, "not in this sandbox") {
		t.Errorf("a tick nowhere: %d %s", status, answer)
	}

	// Switched off by hand, and on again by the same templates.
	c := scheduler.NewFromConfig(s.config("us-east-1"))
	have, err := c.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String("compares")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateSchedule(t.Context(), &scheduler.UpdateScheduleInput{
		Name: have.Name, ScheduleExpression: have.ScheduleExpression, FlexibleTimeWindow: have.FlexibleTimeWindow, Target: have.Target,
		State: schedulertypes.ScheduleStateDisabled,
	}); err != nil {
		t.Fatal(err)
	}
	if tick("us-east-1"); attempts() != 3 {
		t.Errorf("%d attempts while it is disabled", attempts())
	}
	got, err := s.Update(t.Context(), as(func(m) {}).Assembly)
	if err != nil || len(got.Updated) != 1 || !slices.Equal(got.Updated[0].Properties, []string{"State"}) {
		t.Errorf("put back: %+v, %v", got, err)
	}
	if tick("us-east-1"); attempts() != 6 {
		t.Errorf("%d attempts, want it enabled again", attempts())
	}

	table := dynamodb.NewFromConfig(s.config("us-east-1"))
	if _, err := table.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("compares"),
		Item: map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: "a"}}}); err != nil {
		t.Error(err)
	}
	if _, err := s.Update(t.Context(), changed(t, func(_, _ map[string]any) {})); err != nil {
		t.Fatal(err)
	}
	if _, err := table.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{
		TableName: aws.String("compares"),
	}); code(err) != "ResourceNotFoundException" {
		t.Errorf("the table is left: %v", err)
	}
	if tick("us-east-1"); attempts() != 6 {
		t.Errorf("%d attempts after the schedule is gone", attempts())
	}
}
