// Package emf is the embedded metric format, which makes a log line a carrier of
// metrics that CloudWatch takes out of it, so that they cost no request
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
package emf

// Namespace is the CloudWatch namespace of all metrics.
const Namespace = "s3fanout"

// Attribute is the name of the line's attribute that is an Envelope.
const Attribute = "_aws"

// Envelope says which of the line's attributes are metrics.
type Envelope struct {
	Timestamp  int64       // milliseconds since 1970
	Directives []Directive `json:"CloudWatchMetrics"`
}

// Directive says of metrics which attributes are their dimensions, in one or more
// combinations.
type Directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []Definition
}

// Definition is a metric and its unit.
type Definition struct{ Name, Unit string }
