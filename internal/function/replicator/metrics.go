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

// recordMetrics are the attributes that make a record's log line a carrier of
// metrics, none for a copy that goes on in another invocation. Each metric and
// each combination of dimensions is billed for every hour in which it has data
// ($0.30 a month), so a line names the metrics of its own outcome only, without
// zeros for the others, and only those that tell Regions apart are kept by pair
// of Regions as well.
func recordMetrics(config functionenv.Config, j job, result copier.Result, err error, start, end time.Time) []any {
	toHere := []string{"ReplicaSet", "TargetRegion"}
	byPair := []string{"ReplicaSet", "SourceRegion", "TargetRegion"}
	count := func(name string) emf.Definition { return emf.Definition{Name: name, Unit: "Count"} }
	pair := func(metrics ...emf.Definition) emf.Directive {
		return emf.Directive{Namespace: emf.Namespace, Dimensions: [][]string{byPair, toHere}, Metrics: metrics}
	}
	here := func(metrics ...emf.Definition) emf.Directive {
		return emf.Directive{Namespace: emf.Namespace, Dimensions: [][]string{toHere}, Metrics: metrics}
	}

	r := j.record
	var directives []emf.Directive
	values := []any{"ReplicaSet", config.Target.Set, "SourceRegion", sourceRegion(config, r), "TargetRegion", config.Target.Region}
	add := func(d emf.Directive, nameAndValue ...any) {
		directives = append(directives, d)
		values = append(values, nameAndValue...)
	}
	switch {
	case err != nil:
		add(pair(count("Failed")), "Failed", 1)
		byClass := []string{"ReplicaSet", "TargetRegion", "Class"}
		add(emf.Directive{Namespace: emf.Namespace, Dimensions: [][]string{byClass}, Metrics: []emf.Definition{count("Failed")}},
			"Class", string(classOf(err)))
	case result.Outcome == copier.Copied, result.Outcome == copier.Replaced:
		add(pair(count(string(result.Outcome))), string(result.Outcome), 1)
		add(here(emf.Definition{Name: "CopyTime", Unit: "Milliseconds"}), "CopyTime", end.Sub(start).Milliseconds())
		// S3 copies a task's object without telling its size.
		if !j.task || result.Bytes > 0 {
			add(here(emf.Definition{Name: "Bytes", Unit: "Bytes"}), "Bytes", result.Bytes)
		}
		if !r.EventTime.IsZero() {
			add(pair(emf.Definition{Name: "ReplicationLag", Unit: "Milliseconds"}), "ReplicationLag", lag(r, end).Milliseconds())
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
	return append(values, emf.Attribute, emf.Envelope{Timestamp: end.UnixMilli(), Directives: directives})
}

// sourceRegion is where a member's record comes from.
func sourceRegion(config functionenv.Config, r event.Record) string {
	if source, member := config.Sources.WithBucket(r.Bucket); member {
		return source.Region
	}
	return noMember
}
