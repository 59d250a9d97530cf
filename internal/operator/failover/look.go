package failover

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/replicaset"
)

// Looker asks all Regions of a replica set how far they are. It changes nothing.
type Looker struct {
	set     replicaset.Config
	account string
	clients map[string]health.Clients
	metrics map[string]metricdata.Client
}

// NewLooker makes one from the SDK's configuration. A Region that does not answer
// takes half a minute at most.
func NewLooker(config aws.Config, set replicaset.Config, account string) Looker {
	config = config.Copy()
	if config.RetryMaxAttempts == 0 || config.RetryMaxAttempts > attempts {
		config.RetryMaxAttempts = attempts
	}
	return Looker{
		set:     set,
		account: account,
		clients: health.NewClients(config, set.Regions),
		metrics: metricdata.NewClients(config, set.Regions),
	}
}

// Look asks all Regions at once. It fails only if ctx ends: what a Region does not tell
// is in its figures.
func (l Looker) Look(ctx context.Context, now time.Time) ([]Figures, error) {
	figures := make([]Figures, len(l.set.Regions))
	var measured map[string]health.Figures
	var waiting []behind.Target
	var wait sync.WaitGroup
	wait.Go(func() {
		measured, _ = health.Measure(ctx, health.Options{Set: l.set, Clients: l.clients}, l.set.Regions, now) // ctx is looked at below
	})
	wait.Go(func() {
		waiting, _ = behind.Measure(ctx, behind.Options{Set: l.set, Regions: l.set.Regions, Now: now, Clients: l.metrics})
	})
	for i, region := range l.set.Regions {
		figures[i].Region = region
		wait.Go(func() { figures[i].Away = l.away(ctx, region) })
		wait.Go(func() {
			switch q := health.LookAtQueue(ctx, l.set, region, l.clients[region]); q.State {
			case health.Found:
				figures[i].DeadLetters = &q.Value.Letters
			case health.Absent:
				figures[i].LettersUnknown = "there is no queue " + l.set.QueueName()
			case health.Unanswered:
				figures[i].LettersUnknown = q.Why
			}
		})
	}
	wait.Wait()
	for i := range figures {
		figures[i].add(measured[figures[i].Region])
		figures[i].addWaiting(waiting)
	}
	return figures, ctx.Err()
}

// away says why the Region's bucket does not answer. A denial counts too: then it is
// not known whether it would.
func (l Looker) away(ctx context.Context, region string) string {
	bucket := l.set.Member(l.account, region).Bucket
	_, err := l.clients[region].S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket, ExpectedBucketOwner: &l.account})
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(awsapi.Explain(region, "bucket "+bucket, err).Error(), "region "+region+": ")
}

// add takes over what CloudWatch tells of the last hour.
func (f *Figures) add(m health.Figures) {
	f.Proof = m.Proof
	if m.Why != "" {
		f.Unmeasured = append(f.Unmeasured, m.Why)
	}
	for _, l := range m.Lag {
		if f.Lag == nil || l.P99 > *f.Lag {
			f.Lag = &l.P99
		}
	}
}

// addWaiting takes over what waits for the Region's function. What the others have sent
// is in their own CloudWatch, so each that does not answer leaves something unknown.
func (f *Figures) addWaiting(targets []behind.Target) {
	for _, t := range targets {
		what := "what waits for its function is not known: "
		if t.Region != f.Region {
			what = "whether writes of " + t.Region + " wait for its function is not known: "
		}
		if t.Err != nil {
			_, why, _ := strings.Cut(t.Err.Error(), ": ") // without the Region
			f.Unknown = append(f.Unknown, what+why)
		}
		if t.Region != f.Region || t.Err != nil {
			continue
		}
		f.Waiting, f.Oldest = t.Waiting, t.Oldest
		for _, s := range t.Sources {
			for _, n := range s.ByAge[min(1, len(s.ByAge)):] {
				f.Overdue += n
			}
		}
	}
}
