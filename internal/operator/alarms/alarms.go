// Package alarms asks CloudWatch how the alarms of a replica set stand. It changes
// nothing.
package alarms

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/replicaset"
)

// Client is what is asked of CloudWatch in one Region.
type Client interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

// NewClients makes the client of each Region from the SDK's configuration.
func NewClients(config aws.Config, regions []string) map[string]Client {
	clients := make(map[string]Client, len(regions))
	for region, c := range metricdata.NewCloudWatch(config, regions) {
		clients[region] = c
	}
	return clients
}

// Region has the alarms of a Region, those that are raised first.
type Region struct {
	Name   string
	Alarms []Alarm
	Err    error // why they are not known
}

// Alarm is one that the set's stacks made.
type Alarm struct {
	Name string // without the set's
	// State is OK, ALARM or INSUFFICIENT_DATA, since Since, and Reason is CloudWatch's.
	State, Reason string
	Since         time.Time
}

// Ask lists the set's alarms of one Region.
func Ask(ctx context.Context, set replicaset.Config, region string, client Client) Region {
	list, err := list(ctx, set, client)
	if err != nil {
		err = awsapi.Explain(region, "the alarms", err)
	}
	return Region{Name: region, Alarms: list, Err: err}
}

func list(ctx context.Context, set replicaset.Config, client Client) (alarms []Alarm, err error) {
	prefix := set.Name + "-"
	pages := cloudwatch.NewDescribeAlarmsPaginator(client, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(prefix), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			if watches(a, set) {
				alarms = append(alarms, Alarm{
					Name: strings.TrimPrefix(aws.ToString(a.AlarmName), prefix), State: string(a.StateValue),
					Reason: aws.ToString(a.StateReason), Since: aws.ToTime(a.StateTransitionedTimestamp),
				})
			}
		}
	}
	slices.SortStableFunc(alarms, func(a, b Alarm) int { return rank(a.State) - rank(b.State) })
	return alarms, nil
}

func rank(state string) int {
	return slices.Index(
		[]string{string(types.StateValueAlarm), string(types.StateValueInsufficientData), string(types.StateValueOk)},
		state,
	)
}

// watches says whether an alarm looks at a part of the set: another set's name can
// begin with this one's.
func watches(a types.MetricAlarm, set replicaset.Config) bool {
	own := [][2]string{
		{"ReplicaSet", set.Name}, {"FunctionName", set.FunctionName()}, {"FunctionName", set.ReconcilerName()},
		{"QueueName", set.QueueName()}, {"TopicName", set.TopicName()},
	}
	dimensions := slices.Clone(a.Dimensions)
	for _, m := range a.Metrics {
		if m.MetricStat != nil && m.MetricStat.Metric != nil {
			dimensions = append(dimensions, m.MetricStat.Metric.Dimensions...)
		}
	}
	return slices.ContainsFunc(dimensions, func(d types.Dimension) bool {
		return slices.Contains(own, [2]string{aws.ToString(d.Name), aws.ToString(d.Value)})
	})
}
