package alarms

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"s3fanout/internal/replicaset"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// paged answers with a page an alarm, and with errors.
type paged []types.MetricAlarm

func (p paged) DescribeAlarms(
	_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options),
) (*cloudwatch.DescribeAlarmsOutput, error) {
	if len(p) == 0 {
		return nil, errors.New("no answer")
	}
	i := 0
	if in.NextToken != nil {
		i = len(*in.NextToken)
	}
	out := &cloudwatch.DescribeAlarmsOutput{MetricAlarms: p[i : i+1]}
	if i+1 < len(p) {
		out.NextToken = aws.String("xxxxxxxx"[:i+1])
	}
	return out, nil
}

func alarm(name string, state types.StateValue, dimension, value string) types.MetricAlarm {
	return types.MetricAlarm{
		AlarmName: aws.String(name), StateValue: state, StateReason: aws.String("why"), StateTransitionedTimestamp: aws.Time(noon),
		Dimensions: []types.Dimension{{Name: aws.String(dimension), Value: aws.String(value)}},
	}
}

func TestAskHasTheAlarmsOfTheSetAlone(t *testing.T) {
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
	summed := types.MetricAlarm{AlarmName: aws.String("media-not-copied"), StateValue: types.StateValueAlarm,
		Metrics: []types.MetricDataQuery{
			{Expression: aws.String("a+b")},
			{
				MetricStat: &types.MetricStat{
					Metric: &types.Metric{Dimensions: []types.Dimension{{Name: aws.String("ReplicaSet"), Value: aws.String("media")}}},
				},
			},
		}}
	got := Ask(t.Context(), set, "us-east-1", paged{
		alarm("media-dead-letters", types.StateValueOk, "QueueName", set.QueueName()),
		alarm("media-2-dead-letters", types.StateValueAlarm, "QueueName", "media-2-dead-letters"),
		alarm("media-errors", types.StateValueInsufficientData, "FunctionName", set.FunctionName()),
		summed,
	})
	want := []Alarm{
		{Name: "not-copied", State: "ALARM"},
		{Name: "errors", State: "INSUFFICIENT_DATA", Reason: "why", Since: noon},
		{Name: "dead-letters", State: "OK", Reason: "why", Since: noon},
	}
	if !reflect.DeepEqual(got.Alarms, want) || got.Err != nil {
		t.Errorf("%+v, %v; want %+v", got.Alarms, got.Err, want)
	}
	if got := Ask(t.Context(), set, "eu-west-1", paged{}); got.Err == nil || got.Alarms != nil {
		t.Errorf("a Region without an answer: %+v", got)
	}
}
