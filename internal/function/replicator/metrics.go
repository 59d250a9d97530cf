package replicator

import (
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event"
	"s3fanout/internal/function/functionenv"
)

// metricNamespace is the CloudWatch namespace of all metrics.
const metricNamespace = "s3fanout"

// noMember is the value of the dimension SourceRegion for a record from outside
// the replica set. What others wrote into a message must not name metrics,
// each of which is paid for.
const noMember = "none"

// The embedded metric format makes a log line a carrier of metrics that
// CloudWatch takes out of it, so that they cost no request
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
type (
	metricEnvelope struct {
		Timestamp  int64             // milliseconds since 1970
		Directives []metricDirective `json:"CloudWatchMetrics"`
	}
	metricDirective struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []metricDefinition
	}
	metricDefinition struct{ Name, Unit string }
)

// recordMetrics are the attributes that make a record's log line a carrier of
// metrics, none for a copy that goes on in another invocation. Each metric and
// each combination of dimensions is billed for every hour in which it has data
// ($0.30 a month), so a line names the metrics of its own outcome only, without
// zeros for the others, and only those that tell Regions apart are kept by pair
// of Regions as well.
func recordMetrics(config functionenv.Config, j job, result copier.Result, err error, start, end time.Time) []any {
	toHere := []string{"ReplicaSet", "TargetRegion"}
	byPair := []string{"ReplicaSet", "SourceRegion", "TargetRegion"}
	count := func(name string) metricDefinition { return metricDefinition{name, "Count"} }
	pair := func(metrics ...metricDefinition) metricDirective {
		return metricDirective{metricNamespace, [][]string{byPair, toHere}, metrics}
	}
	here := func(metrics ...metricDefinition) metricDirective {
		return metricDirective{metricNamespace, [][]string{toHere}, metrics}
	}

	r := j.record
	var directives []metricDirective
	values := []any{"ReplicaSet", config.Target.Set, "SourceRegion", sourceRegion(config, r), "TargetRegion", config.Target.Region}
	add := func(d metricDirective, nameAndValue ...any) {
		directives = append(directives, d)
		values = append(values, nameAndValue...)
	}
	switch {
	case err != nil:
		add(pair(count("Failed")), "Failed", 1)
		add(metricDirective{metricNamespace, [][]string{{"ReplicaSet", "TargetRegion", "Class"}}, []metricDefinition{count("Failed")}},
			"Class", string(classOf(err)))
	case result.Outcome == copier.Copied, result.Outcome == copier.Replaced:
		add(pair(count(string(result.Outcome))), string(result.Outcome), 1)
		add(here(metricDefinition{"CopyTime", "Milliseconds"}), "CopyTime", end.Sub(start).Milliseconds())
		// S3 copies a task's object without telling its size.
		if !j.task || result.Bytes > 0 {
			add(here(metricDefinition{"Bytes", "Bytes"}), "Bytes", result.Bytes)
		}
		if !r.EventTime.IsZero() {
			add(pair(metricDefinition{"ReplicationLag", "Milliseconds"}), "ReplicationLag", lag(r, end).Milliseconds())
		}
	case result.Outcome == copier.Exists:
		add(here(count("Exists")), "Exists", 1)
	case result.Outcome == copier.Diverged:
		add(here(count("Diverged")), "Diverged", 1)
	case result.Outcome == copier.SourceGone:
		add(here(count("SourceGone")), "SourceGone", 1)
	case result.Outcome == Excluded, result.Outcome == copier.Superseded, result.Outcome == copier.Deleted, result.Outcome == copier.Retagged:
		add(here(count(string(result.Outcome))), string(result.Outcome), 1)
	default:
		return nil
	}
	if result.Waited > 0 {
		add(here(count("Waited")), "Waited", 1)
	}
	return append(values, "_aws", metricEnvelope{Timestamp: end.UnixMilli(), Directives: directives})
}

// sourceRegion is where a member's record comes from.
func sourceRegion(config functionenv.Config, r event.Record) string {
	if source, member := config.Sources.WithBucket(r.Bucket); member {
		return source.Region
	}
	return noMember
}
