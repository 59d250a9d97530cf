package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/replicaset"
)

// period is that of all figures: CloudWatch keeps no finer ones of a whole month.
const period = time.Hour

// plan is what a Region's CloudWatch is asked, and who reads which answer.
type plan struct {
	region  string
	sources []string
	bounds  []time.Duration // of the percentile ranks: Limits, and the threshold unless it is one of them
	late    int             // the threshold's place in bounds
	queries []metricdata.Query
}

func planFor(set replicaset.Config, region string, threshold time.Duration) plan {
	p := plan{region: region, sources: set.Others(region), bounds: Limits()}
	if p.late = slices.Index(p.bounds, threshold); p.late < 0 {
		p.bounds, p.late = append(p.bounds, threshold), len(p.bounds)
	}
	here := [][2]string{{"ReplicaSet", set.Name}, {"TargetRegion", region}}
	function := [][2]string{{"FunctionName", set.FunctionName()}}
	topic := [][2]string{{"TopicName", set.TopicName()}}
	p.ask("AWS/Lambda", "AsyncEventsDropped", function, "Sum")
	p.ask("AWS/Lambda", "DestinationDeliveryFailures", function, "Sum")
	p.ask("AWS/SNS", "NumberOfNotificationsFailed", topic, "Sum")
	p.ask("AWS/SNS", "NumberOfNotificationsFailedToRedriveToDlq", topic, "Sum")
	for _, name := range []string{"KeysCompared", "KeysMissing", "KeysDifferent", "KeysRepaired", "KeysUnrepaired"} {
		p.ask("s3fanout", name, here, "Sum")
	}
	p.ask("s3fanout", "ProofTime", here, "SampleCount", "Maximum")
	p.ask("s3fanout", "ProofAge", here, "Maximum")
	for _, source := range p.sources {
		statistics := []string{"SampleCount", "Maximum"}
		for _, bound := range p.bounds {
			statistics = append(statistics, fmt.Sprintf("PR(:%d)", bound.Milliseconds()))
		}
		p.ask("s3fanout", "ReplicationLag", [][2]string{
			{"ReplicaSet", set.Name}, {"SourceRegion", source}, {"TargetRegion", region},
		}, statistics...)
	}
	return p
}

func (p *plan) ask(namespace, name string, dimensions [][2]string, statistics ...string) {
	for _, s := range statistics {
		metric := metricdata.Metric{Namespace: namespace, Name: name, Dimensions: dimensions}
		p.queries = append(p.queries, metricdata.Query{Metric: metric, Statistic: s, Period: period})
	}
}

// read makes figures of the answers, which are in the order of the queries.
func (p plan) read(series [][]metricdata.Point) (Region, []Pair, error) {
	next := func() []metricdata.Point {
		s := series[0]
		series = series[1:]
		return s
	}
	count := func() int64 { return int64(math.Round(metricdata.Sum(next()))) }
	r := Region{Name: p.region}
	r.GivenUp, r.Lost = count(), count()
	r.Undelivered = count()
	r.Lost += count()
	proofs := Proofs{Compared: count(), Missing: count(), Different: count(), Repaired: count(), Unrepaired: count(), Complete: count()}
	longest, _ := metricdata.Greatest(next())
	oldest, on := metricdata.Greatest(next())
	proofs.Longest, proofs.Oldest = seconds(longest.Value), seconds(oldest.Value)
	if on {
		r.Proofs = &proofs
	}
	var pairs []Pair
	for _, source := range p.sources {
		samples, worst := next(), next()
		var ranks [][]metricdata.Point
		for range p.bounds {
			ranks = append(ranks, next())
		}
		a, err := p.arrivals(samples, worst, ranks)
		if err != nil {
			return Region{}, nil, fmt.Errorf("region %s: lag from %s: %w", p.region, source, err)
		}
		pairs = append(pairs, Pair{Source: source, Target: p.region, Arrivals: a})
	}
	return r, pairs, nil
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// arrivals counts by the hour. A percentile rank is CloudWatch's estimate near
// its bound; the greatest value of the hour is not, so an hour is in time as a
// whole, or has somebody late, by that one.
func (p plan) arrivals(samples, worst []metricdata.Point, ranks [][]metricdata.Point) (Arrivals, error) {
	within := make([]int64, len(p.bounds))
	var a Arrivals
	for _, hour := range samples {
		n := int64(math.Round(hour.Value))
		if n <= 0 {
			continue
		}
		most, ok := at(worst, hour.Time)
		if !ok {
			return a, errorAt("Maximum", hour.Time)
		}
		longest := time.Duration(most * float64(time.Millisecond))
		if a.WorstAt.IsZero() || longest > a.Worst {
			a.Worst, a.WorstAt = longest, hour.Time
		}
		a.Arrived += n
		for i, bound := range p.bounds {
			if longest <= bound {
				within[i] += n
				continue
			}
			rank, ok := at(ranks[i], hour.Time)
			if !ok {
				return a, errorAt("percentile rank", hour.Time)
			}
			within[i] += min(max(int64(math.Round(rank/100*float64(n))), 0), n-1)
		}
	}
	a.Within, a.Late = within[:len(Limits())], a.Arrived-within[p.late]
	return a, nil
}

func errorAt(statistic string, hour time.Time) error {
	return fmt.Errorf("CloudWatch has a number of replicas but no %s of the hour %s; try again", statistic, hour.Format(time.RFC3339))
}

// at is the value of the period that begins then.
func at(points []metricdata.Point, begin time.Time) (float64, bool) {
	i, ok := slices.BinarySearchFunc(points, begin, func(p metricdata.Point, t time.Time) int {
		return cmp.Compare(p.Time.UnixNano(), t.UnixNano())
	})
	if !ok {
		return 0, false
	}
	return points[i].Value, true
}
