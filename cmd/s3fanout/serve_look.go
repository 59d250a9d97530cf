package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/console"
	"s3fanout/internal/operator/alarms"
	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/operator/poll"
	"s3fanout/internal/replicaset"
)

// lookout looks at the Regions for the console, again and again. No Region holds the
// others up: what it does not tell in time is not known. The exception is what waits,
// which takes the figures of all: where one hangs from the start, the first estimate
// comes when figuresLimits end its question.
type lookout struct {
	options health.Options
	facts   *poll.Poller[health.Answer]   // by Region
	figures *poll.Poller[health.Figures]  // by Region
	waiting *poll.Poller[[]behind.Target] // of the set
	trends  *poll.Poller[[]console.Trend] // by target
	alarms  *poll.Poller[alarms.Region]   // by Region

	mu       sync.Mutex
	answered map[string]time.Time // when each Region did last
}

const lookPatience = 3 * time.Second

// lookLimits bound a look at a Region: a request that is not answered takes as long as
// a look does, and its answer is not known.
func lookLimits(interval time.Duration) poll.Limits {
	return poll.Limits{Question: 10 * time.Second, Pace: interval, Patience: lookPatience}
}

// figuresLimits are those of CloudWatch, which charges for each question, and is
// minutes behind.
func figuresLimits() poll.Limits {
	return poll.Limits{Question: 30 * time.Second, Pace: figuresInterval, Patience: lookPatience}
}

// whole names what is asked of the set as one.
const whole = ""

var errNotYet = errors.New("CloudWatch has not answered yet")

func newLookout(
	ctx context.Context, o health.Options, metrics map[string]metricdata.Client, watched map[string]alarms.Client,
	looks, figures poll.Limits,
) *lookout {
	return &lookout{
		options: o, answered: map[string]time.Time{},
		facts: poll.New(ctx, looks, func(ctx context.Context, region string) health.Answer { return health.GatherRegion(ctx, o, region) }),
		figures: poll.New(ctx, figures, func(ctx context.Context, region string) health.Figures {
			found, _ := health.Measure(ctx, o, []string{region}, time.Now()) // the figures say why there are none
			return found[region]
		}),
		waiting: poll.New(ctx, figures, func(ctx context.Context, _ string) []behind.Target {
			found, _ := behind.Measure(ctx, behind.Options{Set: o.Set, Regions: o.Regions, Now: time.Now(), Clients: metrics}) // as above
			return found
		}),
		trends: poll.New(ctx, figures, func(ctx context.Context, target string) []console.Trend {
			return askTrends(ctx, o.Set, metrics[target], target, time.Now())
		}),
		alarms: poll.New(ctx, figures, func(ctx context.Context, region string) alarms.Region {
			return alarms.Ask(ctx, o.Set, region, watched[region])
		}),
	}
}

// Status looks as the command status does.
func (l *lookout) Status(ctx context.Context) (console.Look, error) {
	answers, pending := l.facts.Get(ctx, l.options.Regions...)
	// The first answers are waited for; later the last ones are there meanwhile.
	for len(answers) < len(l.options.Regions) && pending && ctx.Err() == nil {
		answers, pending = l.facts.Get(ctx, l.options.Regions...)
	}
	facts, err := health.Join(l.options, answers)
	if err != nil {
		return console.Look{}, err
	}
	look := console.Look{Pending: pending, Silent: l.silent(answers), Uploads: map[string]int64{}}
	look.Held = slices.ContainsFunc(facts.Regions, func(r health.Region) bool { return r.Queue.Value.Held > 0 })
	regions := reachable(facts)
	figures, pending := l.figures.Get(ctx, regions...)
	look.Pending = look.Pending || pending
	for _, region := range regions {
		if _, ok := figures[region]; !ok {
			figures[region] = health.Figures{Why: errNotYet.Error()}
		}
	}
	waiting, pending := l.waiting.Get(ctx, whole)
	look.Pending = look.Pending || pending
	targets := slices.DeleteFunc(slices.Clone(waiting[whole]), func(t behind.Target) bool { return !slices.Contains(regions, t.Region) })
	view := newStatusView(facts, health.Check(facts), figures, targets)
	look.Status, look.Findings = view.Status, view.shown
	for _, target := range targets {
		for _, source := range target.Sources {
			if source.Sent != nil {
				look.Uploads[source.Region] = *source.Sent
			}
		}
	}
	return look, nil
}

// silent are the Regions without an answer, and when each had its last.
func (l *lookout) silent(answers map[string]health.Answer) map[string]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	silent := map[string]time.Time{}
	for _, region := range l.options.Regions {
		if a, ok := answers[region]; ok && a.Err == nil {
			l.answered[region] = a.At
		} else {
			silent[region] = l.answered[region]
		}
	}
	return silent
}

// Alarms are asked of CloudWatch in each Region.
func (l *lookout) Alarms(ctx context.Context) (list []console.Alarm, err error) {
	answers, _ := l.alarms.Get(ctx, l.options.Regions...)
	for _, region := range l.options.Regions {
		r, ok := answers[region]
		if !ok {
			r.Err = errNotYet
		}
		if r.Err != nil {
			list = append(list, console.Alarm{Region: region, Unavailable: r.Err.Error()})
		}
		for _, a := range r.Alarms {
			list = append(list, console.Alarm{Region: r.Name, Name: a.Name, State: a.State, Reason: a.Reason, Since: a.Since})
		}
	}
	return list, ctx.Err()
}

const (
	trendWindow = 3 * time.Hour
	trendPeriod = 5 * time.Minute
)

// Trends asks CloudWatch in each Region for what arrived there; each pair is two
// metrics.
func (l *lookout) Trends(ctx context.Context) (list []console.Trend, err error) {
	answers, _ := l.trends.Get(ctx, l.options.Regions...)
	for _, target := range l.options.Regions {
		trends, ok := answers[target]
		if !ok {
			trends = noTrends(l.options.Set, target, errNotYet)
		}
		list = append(list, trends...)
	}
	return list, ctx.Err()
}

func noTrends(set replicaset.Config, target string, why error) (list []console.Trend) {
	for _, source := range set.Others(target) {
		list = append(list, console.Trend{SourceRegion: source, TargetRegion: target, Unavailable: why.Error()})
	}
	return list
}

func askTrends(ctx context.Context, set replicaset.Config, client metricdata.Client, target string, now time.Time) (list []console.Trend) {
	end := now.Truncate(trendPeriod).Add(trendPeriod)
	start := end.Add(-trendWindow)
	var queries []metricdata.Query
	for _, source := range set.Others(target) {
		m := metricdata.Metric{Namespace: "s3fanout", Name: "ReplicationLag", Dimensions: [][2]string{
			{"ReplicaSet", set.Name}, {"SourceRegion", source}, {"TargetRegion", target},
		}}
		for _, statistic := range []string{"SampleCount", "p99"} {
			queries = append(queries, metricdata.Query{Metric: m, Statistic: statistic, Period: trendPeriod})
		}
		list = append(list, console.Trend{SourceRegion: source, TargetRegion: target, Start: start, Asked: now, Period: trendPeriod})
	}
	series, err := metricdata.Ask(ctx, client, start, end, queries)
	if err != nil {
		return noTrends(set, target, err)
	}
	for i := range list {
		list[i].Replicas = onGrid(series[2*i], start, end, 1)
		list[i].P99Seconds = onGrid(series[2*i+1], start, end, 1.0/1000)
	}
	return list
}

// onGrid puts points into their periods; those without data stay nil.
func onGrid(points []metricdata.Point, start, end time.Time, unit float64) []*float64 {
	grid := make([]*float64, int(end.Sub(start)/trendPeriod))
	for _, p := range points {
		if i := int(p.Time.Sub(start) / trendPeriod); i >= 0 && i < len(grid) {
			v := p.Value * unit
			grid[i] = &v
		}
	}
	return grid
}
