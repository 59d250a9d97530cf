package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"s3fanout/internal/sandbox/cloudwatch"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/template"
)

// alarmProperties are the properties of AWS::CloudWatch::Alarm that the sandbox
// knows.
type alarmProperties struct {
	AlarmName, AlarmDescription                      string
	ActionsEnabled                                   *bool
	AlarmActions, OKActions, InsufficientDataActions []string
	ComparisonOperator                               string
	DatapointsToAlarm, EvaluationPeriods             int
	Threshold                                        float64
	TreatMissingData                                 string
	Tags                                             []tag

	// One metric:
	metricProperties
	Period                       int
	Statistic, ExtendedStatistic string
	Unit                         string

	// Several:
	Metrics []struct {
		Id, Label, Expression string
		ReturnData            *bool
		MetricStat            *struct {
			Metric     metricProperties
			Period     int
			Stat, Unit string
		}
	}
}

type metricProperties struct {
	Namespace, MetricName string
	Dimensions            []struct{ Name, Value string }
}

func (p metricProperties) metric() cloudwatch.Metric {
	m := cloudwatch.Metric{Namespace: p.Namespace, Name: p.MetricName, Dimensions: map[string]string{}}
	for _, d := range p.Dimensions {
		m.Dimensions[d.Name] = d.Value
	}
	return m
}

func readAlarm(raw json.RawMessage) (c cloudwatch.AlarmConfig, err error) {
	var p alarmProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return c, err
	}
	c = cloudwatch.AlarmConfig{
		Name: p.AlarmName, Description: p.AlarmDescription,
		EvaluationPeriods: p.EvaluationPeriods, DatapointsToAlarm: p.DatapointsToAlarm,
		Comparison: p.ComparisonOperator, Threshold: p.Threshold, MissingData: p.TreatMissingData,
		AlarmActions: p.AlarmActions, OKActions: p.OKActions, InsufficientDataActions: p.InsufficientDataActions,
		Muted: p.ActionsEnabled != nil && !*p.ActionsEnabled,
	}
	if p.MetricName != "" {
		c.Stat = &cloudwatch.MetricStat{
			Metric: p.metric(), Stat: cmp.Or(p.Statistic, p.ExtendedStatistic), Period: time.Duration(p.Period) * time.Second, Unit: p.Unit,
		}
	}
	for _, m := range p.Metrics {
		q := cloudwatch.MetricQuery{
			// One that says nothing is returned, see
			// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-cloudwatch-alarm-metricdataquery.html
			ID: m.Id, Label: m.Label, Expression: m.Expression, ReturnData: m.ReturnData == nil || *m.ReturnData,
		}
		if m.MetricStat != nil {
			q.Stat = &cloudwatch.MetricStat{
				Metric: m.MetricStat.Metric.metric(), Stat: m.MetricStat.Stat,
				Period: time.Duration(m.MetricStat.Period) * time.Second, Unit: m.MetricStat.Unit,
			}
		}
		c.Queries = append(c.Queries, q)
	}
	return c, nil
}

func makeAlarm(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	c, err := readAlarm(raw)
	if err != nil {
		return template.Created{}, err
	}
	if c.Name == "" {
		c.Name = physicalName(t)
	}
	if d.cloudwatch.HasAlarm(t.region, c.Name) {
		return template.Created{}, fmt.Errorf("alarm %s already exists in %s", c.Name, t.region)
	}
	arn, err := d.cloudwatch.PutAlarm(t.region, c)
	if err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: c.Name, Attributes: map[string]string{"Arn": arn}}, nil
}

func updateAlarm(_ context.Context, d *deployment, t target, old resource, raw json.RawMessage) error {
	c, err := readAlarm(raw)
	if err != nil {
		return err
	}
	c.Name = old.created.Ref
	_, err = d.cloudwatch.PutAlarm(t.region, c)
	return err
}

func removeAlarm(_ context.Context, d *deployment, t target, old resource) error {
	d.cloudwatch.DeleteAlarm(t.region, old.created.Ref)
	return nil
}

// publishAlarm tells an alarm's topic.
func (s *Sandbox) publishAlarm(ctx context.Context, caller iam.Caller, topicARN, subject, message string) error {
	_, err := s.sns.Publish(ctx, caller, topicARN, subject, message)
	return err
}
