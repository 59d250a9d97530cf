package infra

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// metricNamespace is that of the metrics which the function writes into its
// log.
const metricNamespace = "s3fanout"

// metric is a figure of CloudWatch: a statistic, such as Sum or p99, of one
// metric.
type metric struct {
	namespace, name, statistic string
	dimensions                 map[string]string
}

// queueMetric is of the Region's dead-letter queue
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
func (s site) queueMetric(name string) metric {
	return metric{"AWS/SQS", name, "Maximum", map[string]string{"QueueName": s.QueueName()}}
}

// functionMetric is of the Region's function
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
func (s site) functionMetric(name, statistic string) metric {
	return metric{"AWS/Lambda", name, statistic, map[string]string{"FunctionName": s.FunctionName()}}
}

// topicMetric is of the Region's topic
// (https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html).
func (s site) topicMetric(name string) metric {
	return metric{"AWS/SNS", name, "Sum", map[string]string{"TopicName": s.TopicName()}}
}

// ownMetric is one that the Region's function writes, of all source Regions.
func (s site) ownMetric(name, statistic string) metric {
	return metric{metricNamespace, name, statistic, map[string]string{"ReplicaSet": s.Name, "TargetRegion": s.Region}}
}

// alarmDimensions are the metric's dimensions as an alarm has them, in order.
func (m metric) alarmDimensions() []any {
	var list []any
	for _, name := range slices.Sorted(maps.Keys(m.dimensions)) {
		list = append(list, &awscloudwatch.CfnAlarm_DimensionProperty{
			Name: jsii.String(name), Value: jsii.String(m.dimensions[name]),
		})
	}
	return list
}

// widgetLine is the metric of a Region as a dashboard's widget has it.
func (m metric) widgetLine(region string) []any {
	line := []any{m.namespace, m.name}
	for _, name := range slices.Sorted(maps.Keys(m.dimensions)) {
		line = append(line, name, m.dimensions[name])
	}
	return append(line, map[string]any{"stat": m.statistic, "region": region, "label": region + " " + m.name + " " + m.statistic})
}
