package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/replicaset"
)

// keyTotal is about how many keys buckets have, as S3 counts them once a day:
// older versions and unfinished uploads too, so that it is rather too many
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html).
// It is for bars of progress alone. The zero value knows nothing; it is safe for
// concurrent use.
type keyTotal struct {
	most, sum atomic.Int64 // of one bucket, of all
}

// askKeyTotal asks CloudWatch meanwhile, if a terminal shows the progress and the
// buckets are listed whole. What it does not learn is not shown. stop ends it.
func (p *progress) askKeyTotal(ctx context.Context, config aws.Config, members replicaset.Members, whole bool) (t *keyTotal, stop func()) {
	t = &keyTotal{}
	if p.width == 0 || !whole {
		return t, func() {}
	}
	var regions []string
	for _, m := range members {
		regions = append(regions, m.Region)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.ask(ctx, metricdata.NewClients(config, regions), members, time.Now())
	}()
	return t, func() { cancel(); <-done }
}

// ask takes the newest count of each bucket. If one has none, nothing is known.
func (t *keyTotal) ask(ctx context.Context, clients map[string]metricdata.Client, members replicaset.Members, now time.Time) {
	counts := make([]int64, len(members))
	var wait sync.WaitGroup
	for i, m := range members {
		wait.Go(func() {
			// S3 may be two days late.
			series, err := metricdata.Ask(ctx, clients[m.Region], now.Add(-3*24*time.Hour), now, []metricdata.Query{{
				Metric: metricdata.Metric{Namespace: "AWS/S3", Name: "NumberOfObjects", Dimensions: [][2]string{
					{"BucketName", m.Bucket}, {"StorageType", "AllStorageTypes"},
				}},
				Statistic: "Average", Period: 24 * time.Hour,
			}})
			if err == nil && len(series[0]) > 0 {
				counts[i] = int64(series[0][len(series[0])-1].Value)
			}
		})
	}
	wait.Wait()
	var most, sum int64
	for _, n := range counts {
		if n <= 0 {
			return
		}
		most, sum = max(most, n), sum+n
	}
	t.most.Store(most)
	t.sum.Store(sum)
}

// membersOf are the members of a set in some of its Regions.
func membersOf(set replicaset.Config, account string, regions []string) (members replicaset.Members) {
	for _, region := range regions {
		members = append(members, set.Member(account, region))
	}
	return members
}
