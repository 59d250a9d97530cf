// Package report tells how a replica set did in a month: how many objects
// arrived in time from each Region in each other one, how late the latest was,
// what was given up, and what the scheduled proofs found and repaired.
//
// It reads what the functions, Lambda and SNS wrote to CloudWatch, and nothing
// else: no object, no log, no queue. So it knows what arrived, and how late. What
// never arrived has no lag; it is counted as given up.
package report

import (
	"context"
	"sync"
	"time"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/replicaset"
)

// Limits are the times within which arrivals are counted.
func Limits() []time.Duration { return []time.Duration{time.Minute, 15 * time.Minute, time.Hour} }

// Report is a month of a replica set.
type Report struct {
	Set   string
	Month Month
	// From and Until are the part of the month that is reported: not all of it if
	// it is not over, or if CloudWatch has begun to forget it.
	From, Until time.Time
	Made        time.Time // when CloudWatch was asked
	// Threshold is the time after which an arrival is late.
	Threshold time.Duration
	Pairs     []Pair
	Regions   []Region
}

// behind is by how much CloudWatch's figures may be behind.
const behind = 15 * time.Minute

// Whole says that the report is of the whole month, with its last figures.
func (r Report) Whole() bool {
	return r.From.Equal(r.Month.Begin()) && r.Until.Equal(r.Month.End()) && r.Made.Sub(r.Until) >= behind
}

// Pair is what arrived from one Region in another one.
type Pair struct {
	Source, Target string
	Arrivals
}

// Arrivals are replicas by the time from the event of the upload to the end of
// the copy.
type Arrivals struct {
	Arrived int64
	Within  []int64 // of Limits
	// Late are those that took longer than the threshold.
	Late int64
	// Worst is the longest time, and WorstAt the hour in which that replica
	// arrived; both are zero if nothing did.
	Worst   time.Duration
	WorstAt time.Time
}

// Region is what CloudWatch knows of a target as a whole.
type Region struct {
	Name string
	// Err says why nothing is known of the Region, nor of the pairs to it, which
	// are left out.
	Err error
	// GivenUp are events that Lambda gave up; each became a dead letter, or is
	// among Lost.
	GivenUp int64
	// Undelivered are messages of the Region's topic that SNS gave up; each became
	// a dead letter, or is among Lost.
	Undelivered int64
	// Lost are those of both that no dead-letter queue took.
	Lost   int64
	Proofs *Proofs // nil: reconcile is off, or was not on in that month
}

// Proofs are the complete comparisons of a Region with the others.
type Proofs struct {
	Complete int64
	Longest  time.Duration // that one of them took; zero for none
	// Oldest is the longest time without a complete proof.
	Oldest time.Duration
	// Of keys, also of comparisons that were not complete.
	Compared, Missing, Different, Repaired, Unrepaired int64
}

// Options say what to report.
type Options struct {
	Set       replicaset.Config
	Month     Month
	Threshold time.Duration // 1 ms or more
	Now       time.Time
	Clients   map[string]metricdata.Client // of each Region of the set
	Done      func(region string)          // called when a Region has answered, one at a time; may be nil
}

// Make asks the CloudWatch of every Region at once. It fails if there can be no
// figures of the month, or if ctx ends; that a Region does not answer is in its
// part of the report.
func Make(ctx context.Context, o Options) (Report, error) {
	r := Report{Set: o.Set.Name, Month: o.Month, Made: o.Now, Threshold: o.Threshold}
	var err error
	if r.From, r.Until, err = o.Month.Kept(o.Now); err != nil {
		return Report{}, err
	}
	type answer struct {
		region Region
		pairs  []Pair
	}
	answers := make([]answer, len(o.Set.Regions))
	var wait sync.WaitGroup
	var mu sync.Mutex
	for i, region := range o.Set.Regions {
		wait.Go(func() {
			a := &answers[i]
			plan := planFor(o.Set, region, o.Threshold)
			series, err := metricdata.Ask(ctx, o.Clients[region], r.From, r.Until, plan.queries)
			if err == nil {
				a.region, a.pairs, err = plan.read(series)
			} else {
				err = awsapi.Explain(region, "CloudWatch", err)
			}
			if err != nil {
				a.region, a.pairs = Region{Name: region, Err: err}, nil
			}
			if o.Done != nil {
				mu.Lock()
				defer mu.Unlock()
				o.Done(region)
			}
		})
	}
	wait.Wait()
	for _, a := range answers {
		r.Regions, r.Pairs = append(r.Regions, a.region), append(r.Pairs, a.pairs...)
	}
	return r, ctx.Err()
}
