package behind

import (
	"slices"
	"time"

	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/replicaset"
)

// sent is what a Region's topic sent to each function of the others, by the
// minute, without what the subscriptions' filters dropped.
type sent struct {
	known   bool
	total   float64
	minutes []metricdata.Point // for ages; their sum can be more, as SNS may count what it dropped a minute later
}

// done is what a Region's function has done.
type done struct {
	err     error
	arrived map[string]float64 // replicas by source
	// other ends of events, of which no metric tells the source: the key was there,
	// the source gone, Lambda gave up, and so on.
	other  float64
	oldest *time.Duration
}

// otherEnds are the outcomes without a metric by source.
func otherEnds() []string {
	return []string{"Exists", "Diverged", "SourceGone", "Excluded", "Superseded", "Deleted", "Retagged"}
}

// plan is what a Region's CloudWatch is asked: of its topic, and of its function
// if the Region is a target.
type plan struct {
	others []string
	// tests is how many test events S3 publishes when a bucket's notifications change.
	tests   int
	target  bool
	queries []metricdata.Query
}

func planFor(set replicaset.Config, region string, target bool) plan {
	p := plan{others: set.Others(region), tests: set.Notifications(), target: target}
	here := [][2]string{{"ReplicaSet", set.Name}, {"TargetRegion", region}}
	function := [][2]string{{"FunctionName", set.FunctionName()}}
	topic := [][2]string{{"TopicName", set.TopicName()}}
	p.ask("AWS/SNS", "NumberOfMessagesPublished", topic, "Sum", time.Minute)
	p.ask("AWS/SNS", "NumberOfNotificationsFilteredOut", topic, "Sum", time.Minute)
	p.ask("AWS/SNS", "PublishSize", topic, "Minimum", time.Minute)
	if !target {
		return p
	}
	p.ask("AWS/Lambda", "AsyncEventAge", function, "Maximum", time.Minute)
	p.ask("AWS/Lambda", "AsyncEventsDropped", function, "Sum", time.Hour)
	for _, name := range otherEnds() {
		p.ask("s3fanout", name, here, "Sum", time.Hour)
	}
	for _, source := range p.others {
		// Its samples are the replicas that events made: a Batch task has none.
		p.ask("s3fanout", "ReplicationLag", [][2]string{
			{"ReplicaSet", set.Name}, {"SourceRegion", source}, {"TargetRegion", region},
		}, "SampleCount", time.Hour)
	}
	return p
}

func (p *plan) ask(namespace, name string, dimensions [][2]string, statistic string, period time.Duration) {
	p.queries = append(p.queries, metricdata.Query{
		Metric: metricdata.Metric{Namespace: namespace, Name: name, Dimensions: dimensions}, Statistic: statistic, Period: period,
	})
}

// read takes the answers apart, which are in the order of the queries.
func (p plan) read(series [][]metricdata.Point, now time.Time) (sent, done) {
	s := sent{known: len(series[0]) > 0}
	s.minutes, s.total = p.passed(series[0], series[1], series[2])
	d := done{arrived: map[string]float64{}}
	if !p.target {
		return s, d
	}
	ages := series[3]
	for _, points := range series[4 : len(series)-len(p.others)] {
		d.other += metricdata.Sum(points)
	}
	for i, source := range p.others {
		d.arrived[source] = metricdata.Sum(series[len(series)-len(p.others)+i])
	}
	for len(ages) > 0 && ages[0].Time.Before(now.Add(-recent)) {
		ages = ages[1:]
	}
	if oldest, ok := metricdata.Greatest(ages); ok {
		age := time.Duration(oldest.Value * float64(time.Millisecond))
		d.oldest = &age
	}
	return s, d
}

// smallestEvent is less than any event of an object has, and more than the test
// events that S3 publishes when a bucket's notifications change (bytes).
const smallestEvent = 500

// passed is what was published and neither filtered out nor a test event. All
// subscriptions have the same filter, so each has dropped the same part of what
// SNS counts for all. In a minute with a test event there is one for each configuration
// of the bucket's notifications. The filter drops it, as it has no records, unless it comes
// before there is a subscription. What a filter has dropped in an earlier minute shows that
// there was one; what it drops in the same minute may be replicas' events. Where nothing
// shows it, as many of the others that passed in that minute may be taken for test events.
func (p plan) passed(published, filtered, smallest []metricdata.Point) (minutes []metricdata.Point, total float64) {
	at := func(points []metricdata.Point, minute time.Time) (float64, bool) {
		i := slices.IndexFunc(points, func(p metricdata.Point) bool { return p.Time.Equal(minute) })
		if i < 0 {
			return 0, false
		}
		return points[i].Value, true
	}
	subscriptions := float64(len(p.others))
	total = metricdata.Sum(published) - metricdata.Sum(filtered)/subscriptions
	for _, point := range published {
		dropped, _ := at(filtered, point.Time)
		n := point.Value - dropped/subscriptions
		subscribed := slices.ContainsFunc(filtered, func(f metricdata.Point) bool { return f.Value > 0 && f.Time.Before(point.Time) })
		if size, ok := at(smallest, point.Time); ok && size < smallestEvent && n > 0 && !subscribed {
			tests := min(n, float64(p.tests))
			n, total = n-tests, total-tests
		}
		if n > 0 {
			minutes = append(minutes, metricdata.Point{Time: point.Time, Value: n})
		}
	}
	return minutes, max(total, 0)
}
