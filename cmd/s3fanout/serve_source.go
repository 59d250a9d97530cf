package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/console"
	"s3fanout/internal/operator/alarms"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/explain"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/operator/history"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/operator/report"
	"s3fanout/internal/operator/verify"
	"s3fanout/internal/replicaset"
)

// consoleSource makes the runs of the commands for the console. Its configuration is
// that of the start.
type consoleSource struct {
	set     replicaset.Config
	config  aws.Config
	account string
	metrics map[string]metricdata.Client

	*lookout
}

// newConsoleSource asks until ctx ends.
func newConsoleSource(ctx context.Context, o health.Options, config aws.Config, account string, interval time.Duration) *consoleSource {
	s := &consoleSource{set: o.Set, config: config, account: account, metrics: metricdata.NewClients(config, o.Set.Regions)}
	s.lookout = newLookout(ctx, o, s.metrics, alarms.NewClients(config, o.Set.Regions), lookLimits(interval), figuresLimits())
	return s
}

// describe adds what the console has to know of the set.
func (s *consoleSource) describe(o console.Options) console.Options {
	o.Source, o.Set, o.Regions, o.Buckets, o.Proofs = s, s.set.Name, s.set.Regions, map[string]string{}, s.set.Reconcile != nil
	for _, region := range s.set.Regions {
		o.Buckets[region] = s.set.Member(s.account, region).Bucket
	}
	return o
}

// completionTime is how long a completion waits for Regions that have not answered.
const completionTime = 2 * time.Second

// Keys asks all Regions at once: a key that is looked for is often missing in some.
func (s *consoleSource) Keys(ctx context.Context, prefix string) (keys []string, err error) {
	const most = 20
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	var wait sync.WaitGroup
	var mu sync.Mutex
	answered := false
	for _, region := range s.set.Regions {
		wait.Go(func() {
			out, failed := s.s3(region, 1).ListObjectsV2(ctx, &s3.ListObjectsV2Input{
				Bucket: aws.String(s.set.Member(s.account, region).Bucket), Prefix: aws.String(prefix), MaxKeys: aws.Int32(most),
			})
			mu.Lock()
			defer mu.Unlock()
			if failed != nil {
				err = awsapi.Explain(region, "the bucket", failed)
				return
			}
			answered = true
			for _, o := range out.Contents {
				keys = append(keys, aws.ToString(o.Key))
			}
		})
	}
	wait.Wait()
	if !answered {
		return nil, err
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys[:min(len(keys), most)], nil
}

func (s *consoleSource) s3(region string, connections int) *s3.Client {
	return awsapi.NewS3(s.config, region, s.account, awsapi.RequestTime, connections)
}

// Explain judges a key as the command explain does.
func (s *consoleSource) Explain(
	ctx context.Context, key string, turn func(context.Context) (end func(), err error),
) (document.Explain, error) {
	o := explainOptions(s.set, s.config, s.account, key)
	o.Turn = turn
	facts, err := explain.Run(ctx, o)
	if err != nil {
		return document.Explain{}, err
	}
	return document.NewExplain(s.set.Name, facts, explain.Judge(facts)), nil
}

// History is history without the audit trail.
func (s *consoleSource) History(ctx context.Context, key string) (document.History, error) {
	facts, err := history.Run(ctx, historyOptions(s.set, s.config, s.account, key, history.MaxVersions))
	if err != nil {
		return document.History{}, err
	}
	return document.NewHistory(s.set.Name, facts), facts.Err()
}

// DeadLetters is redrive --dry-run.
func (s *consoleSource) DeadLetters(ctx context.Context, read func(n int)) (document.Redrive, error) {
	n := 0
	r, err := redrive.Run(ctx, redrive.Options{Config: s.set, Clients: redrive.NewClients(s.config, s.set.Regions, 0), DryRun: true},
		redrive.Observer{Finished: func(redrive.Result) { n++; read(n) }})
	return document.NewRedrive(s.set.Name, true, r), errors.Join(err, r.Err())
}

// Replay is redrive.
func (s *consoleSource) Replay(ctx context.Context, chosen console.Letters, done func(document.RedriveLetter)) (document.Redrive, error) {
	o := redrive.Options{
		Config: s.set, Clients: redrive.NewClients(s.config, s.set.Regions, 0), Filter: chosen.Filter(), Max: chosen.Most,
	}
	if chosen.Region != "" {
		o.Regions = []string{chosen.Region}
	}
	r, err := redrive.Run(ctx, o, redrive.Observer{Finished: func(r redrive.Result) { done(document.NewRedriveLetter(r)) }})
	return document.NewRedrive(s.set.Name, false, r), errors.Join(err, r.Err())
}

// Verify is verify with its default grace. Counts take differences in the order of
// their keys, in which they are not found.
func (s *consoleSource) Verify(
	ctx context.Context, prefix string, progress func(keys, waiting int64), found func(document.VerifyDifference),
) (console.Compared, error) {
	o := verifyOptions(s.set, s.config, s.account, s.set.Regions, verifyFlags{prefix: prefix, grace: verify.DefaultGrace})
	var sorted verify.Sorted
	defer sorted.Close()
	var mu sync.Mutex
	summary, err := verify.Run(ctx, o, func(d verify.Difference) error {
		mu.Lock()
		defer mu.Unlock()
		found(document.NewVerifyDifference(d))
		return sorted.Add(d)
	}, func(p verify.Progress) {
		mu.Lock()
		defer mu.Unlock()
		progress(p.Keys, p.Waiting)
	})
	counts := verify.NewCounts(prefix, s.set.Regions)
	for d, failed := range sorted.All() {
		if failed != nil {
			err = cmp.Or(err, failed)
			break
		}
		counts.Add(d)
	}
	return console.Compared{
		VerifySummary: document.NewVerifySummary(s.set.Name, prefix, s.set.Regions, summary, counts),
		Unanswered:    oneLineOf(summary.Unanswered),
	}, err
}

// Backfill is backfill to all Regions.
func (s *consoleSource) Backfill(ctx context.Context, m console.Missing, progress func(done, missing int)) (console.Copied, error) {
	f := backfillFlags{prefix: m.Prefix, keys: m.Keys, dryRun: m.DryRun, concurrency: backfill.DefaultConcurrency}
	o, err := backfillOptions(ctx, s.set, s.config, s.account, s.set.Regions, f, slog.New(slog.DiscardHandler))
	if err != nil {
		return console.Copied{}, err
	}
	o.Approve = func(_ context.Context, e backfill.Estimate) (float64, error) {
		if e.Dollars() > m.Limit {
			return 0, fmt.Errorf("it would cost about $%.2f by now, %w: $%.2f", e.Dollars(), console.ErrOverLimit, m.Limit)
		}
		return m.Limit, nil
	}
	r, err := backfill.Run(ctx, o, backfill.Observer{Progress: func(p backfill.Progress) { progress(p.Ended, p.Missing) }})
	return console.Copied{Backfill: document.NewBackfill(s.set.Name, m.DryRun, false, r, err), Unanswered: oneLineOf(r.Unanswered)}, err
}

// oneLineOf is an error's text, empty for none.
func oneLineOf(err error) string {
	if err == nil {
		return ""
	}
	return oneLine(err.Error())
}

// Report is report.
func (s *consoleSource) Report(ctx context.Context, month string) (document.Report, error) {
	m, err := report.ParseMonth(month)
	if err != nil {
		return document.Report{}, err
	}
	r, err := report.Make(ctx, report.Options{
		Set: s.set, Month: m, Threshold: s.set.ReplicationTime(), Now: time.Now(), Clients: s.metrics,
	})
	if err != nil {
		return document.Report{}, err
	}
	return document.NewReport(r), nil
}

// explainOptions are those of a key.
func explainOptions(set replicaset.Config, config aws.Config, account, key string) explain.Options {
	clients := make(map[string]explain.S3, len(set.Regions))
	for _, region := range set.Regions {
		clients[region] = awsapi.NewS3(config, region, account, awsapi.RequestTime, 3)
	}
	return explain.Options{Config: set, Account: account, Key: key, S3: clients, Queues: redrive.NewClients(config, set.Regions, 0)}
}

// historyOptions are those of a key.
func historyOptions(set replicaset.Config, config aws.Config, account, key string, versions int) history.Options {
	clients := make(map[string]history.S3, len(set.Regions))
	for _, region := range set.Regions {
		clients[region] = awsapi.NewS3(config, region, account, awsapi.RequestTime, 3)
	}
	return history.Options{Config: set, Account: account, Key: key, S3: clients, MaxVersions: versions}
}

// verifyOptions are those of a comparison of these Regions.
func verifyOptions(set replicaset.Config, config aws.Config, account string, regions []string, f verifyFlags) verify.Options {
	o := verify.Options{
		Prefix: f.prefix, Match: set.Matches, Grace: f.grace, Tags: f.tags, Large: backfill.Threshold(set),
		Follow: followed(set), FollowSince: set.FollowSince,
	}
	for _, r := range regions {
		member := set.Member(account, r)
		o.Buckets = append(o.Buckets, verify.Bucket{
			Region: r, Name: member.Bucket, RoleARN: member.RoleARN(),
			Client: awsapi.NewS3(config, r, account, awsapi.RequestTime, 2*listing.DefaultParallel),
		})
	}
	return o
}

// backfillOptions are those of copies to these Regions; nobody approves them yet.
func backfillOptions(
	ctx context.Context, set replicaset.Config, config aws.Config, account string, to []string, f backfillFlags, log *slog.Logger,
) (backfill.Options, error) {
	clients := backfill.Clients{
		Config: config, Set: set, Account: account, Regions: set.Regions, To: to,
		OwnCredentials: f.ownCredentials, Concurrency: f.concurrency, Log: log,
	}
	if f.from != "" {
		clients.Regions = append([]string{f.from}, to...)
	}
	if f.dryRun {
		clients.To = nil
	}
	members, err := clients.NewMembers(ctx)
	if err != nil {
		return backfill.Options{}, err
	}
	return backfill.Options{
		Members: members, From: f.from, To: to, Prefix: f.prefix, Keys: f.keys, KMS: set.OpaqueETags(), Match: set.Matches,
		Follow: followed(set), FollowSince: set.FollowSince, HideDeleted: f.hideDeleted,
		RestoreDeleted: f.restoreDeleted, DryRun: f.dryRun, Concurrency: f.concurrency,
		Threshold: backfill.Threshold(set), HeadsSource: set.ReplicaStorageClass == replicaset.SourceStorageClass,
	}, nil
}
