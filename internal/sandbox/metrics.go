package sandbox

import (
	"time"

	"s3fanout/internal/sandbox/cloudwatch"
)

// The services that put metrics of their own into CloudWatch.
const (
	lambdaNamespace = "AWS/Lambda"
	snsNamespace    = "AWS/SNS"
	sqsNamespace    = "AWS/SQS"
)

// countFunction puts a value into a function's metric.
func (s *Sandbox) countFunction(region, functionName, metric string, value float64) {
	unit := "Count"
	if metric == "Duration" || metric == "AsyncEventAge" {
		unit = "Milliseconds"
	}
	s.cloudwatch.Put(region, cloudwatch.Datum{
		Metric: cloudwatch.Metric{Namespace: lambdaNamespace, Name: metric, Dimensions: map[string]string{"FunctionName": functionName}},
		Time:   s.now(), Value: value, Unit: unit,
	})
}

// countTopic puts a value into a topic's metric.
func (s *Sandbox) countTopic(region, topicName, metric string, value float64) {
	unit := "Count"
	if metric == "PublishSize" {
		unit = "Bytes"
	}
	s.cloudwatch.Put(region, cloudwatch.Datum{
		Metric: cloudwatch.Metric{Namespace: snsNamespace, Name: metric, Dimensions: map[string]string{"TopicName": topicName}},
		Time:   s.now(), Value: value, Unit: unit,
	})
}

// gauge looks at a queue for its metrics
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
func (s *Sandbox) gauge(region string, m cloudwatch.Metric) (float64, bool) {
	name, ok := m.Dimensions["QueueName"]
	if m.Namespace != sqsNamespace || !ok || len(m.Dimensions) != 1 {
		return 0, false
	}
	q, ok := s.sqs.Gauges(region, name)
	if !ok {
		return 0, false
	}
	switch m.Name {
	case "ApproximateNumberOfMessagesVisible":
		return float64(q.Visible), true
	case "ApproximateNumberOfMessagesNotVisible":
		return float64(q.NotVisible), true
	case "ApproximateNumberOfMessagesDelayed":
		return float64(q.Delayed), true
	case "ApproximateAgeOfOldestMessage":
		return float64(int64(q.OldestAge / time.Second)), true
	}
	return 0, false
}
