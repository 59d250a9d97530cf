// Package behind estimates how far a replica set is behind: what waits for each
// Region's function, how long it has waited, and from where it comes.
//
// It asks CloudWatch alone, makes no request for an object, and needs no metric
// besides those that SNS, Lambda and the functions write anyhow. What waits is
// the difference of what was published and what was finished, so it is an
// estimate: see Target. How many bytes wait is known to nobody, as nobody has
// read the events.
package behind

import (
	"context"
	"slices"
	"sync"
	"time"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/replicaset"
)

// Window is how far the estimate looks back. Lambda lets no event wait for more
// than six hours; what waits for longer in SNS is not seen.
const Window = 24 * time.Hour

// recent is how far back the age of the oldest event may lie. CloudWatch is
// minutes behind.
const recent = 10 * time.Minute

// Ages are the bounds of the ages that waiting events are counted by, which are
// those of Azure's metrics of object replication up to the window
// (https://learn.microsoft.com/azure/storage/blobs/object-replication-priority-replication).
// The first age begins at zero, each other one at the bound before it.
func Ages() []time.Duration {
	return []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, 2 * time.Hour, 8 * time.Hour, Window}
}

// Target is what waits for a Region's function.
type Target struct {
	Region string
	// Err says why nothing is known.
	Err error
	// Oldest is for how long the oldest event had waited when the function was last
	// invoked with it, or throttled; nil if neither happened in the last minutes.
	Oldest *time.Duration
	// Waiting are the events that wait, nil if no source is known of. It is too
	// high by messages that SNS could not deliver, and too low by what was redriven,
	// delivered twice or done for S3 Batch Operations within the window, or was
	// waiting when it began.
	Waiting *int64
	Sources []Source
}

// Source is what waits for a Region's function of what was written in another
// Region.
type Source struct {
	Region string
	// Sent is how many events of the window its topic sent to each function, nil if
	// CloudWatch knows nothing of the topic.
	Sent *int64
	// Waiting is nil if CloudWatch knows nothing of the source's topic.
	Waiting *int64
	// ByAge are those by Ages, as if the first written were always the first done.
	ByAge []int64
}

// Options say what to look at.
type Options struct {
	Set     replicaset.Config
	Regions []string // the targets
	Now     time.Time
	Clients map[string]metricdata.Client // of each Region of the set
}

// Measure asks the CloudWatch of all Regions at once. It fails only if ctx ends;
// that a Region does not answer is in its Target, and in those it is a source of.
func Measure(ctx context.Context, o Options) ([]Target, error) {
	published, finished := map[string]sent{}, map[string]done{}
	var wait sync.WaitGroup
	var mu sync.Mutex
	for _, region := range o.Set.Regions {
		wait.Go(func() {
			p := planFor(o.Set, region, slices.Contains(o.Regions, region))
			series, err := metricdata.Ask(ctx, o.Clients[region], o.Now.Add(-Window), o.Now, p.queries)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				published[region], finished[region] = sent{}, done{err: awsapi.Explain(region, "CloudWatch", err)}
				return
			}
			published[region], finished[region] = p.read(series, o.Now)
		})
	}
	wait.Wait()
	var targets []Target
	for _, region := range o.Regions {
		targets = append(targets, estimate(region, o.Set.Others(region), published, finished[region], o.Now))
	}
	return targets, ctx.Err()
}
