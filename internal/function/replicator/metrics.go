package replicator

import (
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/emf"
	"s3fanout/internal/function/event"
	"s3fanout/internal/function/functionenv"
)

// noMember is the value of the dimension SourceRegion for a record from outside
// the replica set. What others wrote into a message must not name metrics,
// each of which is paid for.
const noMember = "none"

// recordMetrics are the attributes that say which Regions a record is about, and
// make its log line a carrier of metrics, but for a copy that goes on in another
// invocation. Each metric and each combination of dimensions is billed for every
// hour in which it has data ($0.30 a month), and each byte of a line as a log. So a
// line names the metrics of its own outcome only, without zeros for the others, and
// a replica has one, ReplicationLag: how often it was written is how many replicas
// were made.
func recordMetrics(config functionenv.Config, j job, result copier.Result, err error, end time.Time) []any {
	toHere := []string{"ReplicaSet", "TargetRegion"}
	byPair := []string{"ReplicaSet", "SourceRegion", "TargetRegion"}
	byClass := []string{"ReplicaSet", "TargetRegion", "Class"}
	r := j.record
	var directives []emf.Directive
	values := []any{"ReplicaSet", config.Target.Set, "SourceRegion", sourceRegion(config, r), "TargetRegion", config.Target.Region}
	add := func(name, unit string, value int64, dimensions ...[]string) {
		directives = append(directives, emf.Directive{
			Namespace: emf.Namespace, Dimensions: dimensions, Metrics: []emf.Definition{{Name: name, Unit: unit}},
		})
		values = append(values, name, value)
	}
	replica := result.Outcome == copier.Copied || result.Outcome == copier.Replaced
	switch {
	case err != nil:
		add("Failed", "Count", 1, byPair, toHere, byClass)
		values = append(values, "Class", string(classOf(err)))
	case counted(result.Outcome):
		add(string(result.Outcome), "Count", 1, toHere)
	}
	if err == nil && replica && !r.EventTime.IsZero() {
		add("ReplicationLag", "Milliseconds", lag(r, end).Milliseconds(), byPair, toHere)
	}
	if result.Waited > 0 {
		add("Waited", "Count", 1, toHere)
	}
	if directives == nil {
		return values
	}
	return append(values, emf.Attribute, emf.Envelope{Timestamp: end.UnixMilli(), Directives: directives})
}

// counted says whether an outcome has a metric of its own. The others are only in
// the log.
func counted(o copier.Outcome) bool {
	switch o {
	case copier.Exists, copier.Diverged, copier.SourceGone, Excluded, copier.Replaced, copier.Superseded, copier.Deleted, copier.Retagged:
		return true
	}
	return false
}

// sourceRegion is where a member's record comes from.
func sourceRegion(config functionenv.Config, r event.Record) string {
	if source, member := config.Sources.WithBucket(r.Bucket); member {
		return source.Region
	}
	return noMember
}
