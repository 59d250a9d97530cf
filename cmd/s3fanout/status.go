package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/health"
)

func newStatusCommand(a *app) *cobra.Command {
	var regions []string
	var watch bool
	var interval time.Duration
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the replica set on one screen",
		Long: `Show for each Region how its parts stand and how many dead letters wait, and
from CloudWatch the last hour: how old the oldest dead letter is, the function's
errors and throttles, and how long replicas took from the upload's event on
(median, 99th percentile, longest; of the slowest source). "-" means that
CloudWatch has no data, "n/a" that it is not available; neither is a zero. It
says where writes were not copied because the key was there with other contents.
Where cdk.json has follow, it also counts what became of changes: replicas made
over others, deletions, tags, events that came too late, waits for S3's clock.

What waits for a Region's function is an estimate: what was published in the
last 24 hours and passed the filters, less what was finished, by the age that it
has if the first written is the first done. Its bytes are not available: nobody
has read the events. "OLDEST" is for how long the oldest event had waited when
the function was last invoked with it, or throttled. docs/lag.md says more.

It makes all the checks that doctor makes, lists what was found, and ends with
the commands that say more.

With --watch it looks again and again, until it is interrupted: on a terminal in
place, elsewhere as blocks that begin with their time. What AWS does not answer
is said, and asked again the next time. CloudWatch is asked once a minute at
most.

AWS requests: 18 in each Region, 5 more with batchOperations, one for a function
that is stopped, and one for each subscription:
` + healthRequests + `,
cloudwatch:GetMetricData. CloudWatch charges 0.01 USD for 1,000 metrics; a run
asks for 4N+12 in each of N Regions, with follow for up to 5 more.

With reconcile 6 more, with keyRanges 7: also scheduler:GetSchedule and
dynamodb:DescribeTable.

With --output json the result is one document:
  {"replicaSet", "account", "caller",
   "regions": [{"region", "parts": {"access", "bucket", "topic",
     "subscriptions", "function", "role", "queue"},
     "subscriptions": {"ok", "expected"}, "deadLetters",
     "oldestDeadLetterSeconds", "errors", "throttles", "diverged",
     "lag": [{"sourceRegion", "p50Ms", "p99Ms", "maxMs"}],
     "behind": {"oldestWaitingSeconds", "waitingEvents", "waitingBytes",
       "sources": [{"sourceRegion", "waitingEvents", "waitingBytes",
         "byAge": [{"fromSeconds", "untilSeconds", "waitingEvents"}]}],
       "unavailable"},
     "followed": {"replaced", "superseded", "deleted", "retagged", "waited"},
     "lastComparisonSeconds", "metricsUnavailable"}],
   "findings": [{"check", "region", "severity", "what", "means", "fix"}],
   "next": [commands]}
A part is ok, missing, failed, unknown, warning or paused. A number that is not
known is null, as are always the bytes that wait. "followed" is there with
follow. With --watch each document is a line, {"time", "status", "error"}; where
AWS did not answer "status" is null.

Exit codes: 0 no action needed; 1 AWS did not answer; 2 usage or configuration;
3 something failed or is unknown; 130 interrupted. A watch ends with that of its
last look.`,
		Example: `  s3fanout status
  s3fanout status --region eu-west-1
  s3fanout status --watch --interval 10s
  s3fanout status --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case !watch && cmd.Flags().Changed("interval"):
				return usageError{errors.New("--interval goes with --watch")}
			case interval < leastInterval:
				return usageError{fmt.Errorf("--interval %v: use at least %v; each look takes dozens of requests", interval, leastInterval)}
			}
			return a.status(cmd.Context(), regions, watch, interval)
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "look again and again, until interrupted")
	cmd.Flags().DurationVar(&interval, "interval", defaultInterval, "with --watch: time between two looks")
	namesVar(cmd.Flags(), &regions, "region", "show this Region only; can be repeated")
	return cmd
}

func (a *app) status(ctx context.Context, regions []string, watch bool, interval time.Duration) error {
	options, config, err := a.healthOptions(ctx, regions)
	if err != nil {
		return err
	}
	clients := metricdata.NewClients(config, options.Set.Regions)
	l := statusLooker{
		options: options, gather: a.gatherHealth, now: time.Now,
		behind: func(ctx context.Context, regions []string, now time.Time) ([]behind.Target, error) {
			return behind.Measure(ctx, behind.Options{Set: options.Set, Regions: regions, Now: now, Clients: clients})
		},
	}
	if watch {
		l.gather = func(ctx context.Context, o *health.Options) (health.Facts, error) { return health.Gather(ctx, *o) }
		return a.watchStatus(ctx, l.look, interval)
	}
	look, err := l.look(ctx)
	if err != nil {
		return err
	}
	if err := a.writeStatus(look.view); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return look.err()
}

// statusLooker looks at the Regions, again and again.
type statusLooker struct {
	options health.Options
	gather  func(context.Context, *health.Options) (health.Facts, error)
	behind  func(ctx context.Context, regions []string, now time.Time) ([]behind.Target, error)
	now     func() time.Time

	figures  map[string]health.Figures
	waiting  []behind.Target
	measured time.Time // when these were asked for
}

func (l *statusLooker) look(ctx context.Context) (statusLook, error) {
	facts, err := l.gather(ctx, &l.options)
	if err != nil {
		return statusLook{}, err
	}
	regions := reachable(facts)
	if err := l.measure(ctx, regions); err != nil {
		return statusLook{}, err
	}
	figures := map[string]health.Figures{}
	for _, region := range regions {
		figures[region] = l.figures[region]
	}
	findings := health.Check(facts)
	waiting := slices.DeleteFunc(slices.Clone(l.waiting), func(t behind.Target) bool { return !slices.Contains(regions, t.Region) })
	return statusLook{view: newStatusView(facts, findings, figures, waiting), findings: findings}, nil
}

// measure asks CloudWatch, unless it has answered for all of these Regions lately.
func (l *statusLooker) measure(ctx context.Context, regions []string) error {
	now := l.now()
	unmeasured := func(region string) bool { _, ok := l.figures[region]; return !ok }
	if now.Sub(l.measured) < figuresInterval && !slices.ContainsFunc(regions, unmeasured) {
		return nil
	}
	figures, err := health.Measure(ctx, l.options, regions, now)
	if err != nil {
		return errInterrupted
	}
	waiting, err := l.behind(ctx, regions, now)
	if err != nil {
		return errInterrupted
	}
	l.figures, l.waiting, l.measured = figures, waiting, now
	return nil
}

// reachable are the Regions that answered.
func reachable(facts health.Facts) []string {
	var list []string
	for _, r := range facts.Regions {
		if r.Access.State == health.Found {
			list = append(list, r.Name)
		}
	}
	return list
}
