package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/health"
)

func newStatusCommand(a *app) *cobra.Command {
	var regions []string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the replica set on one screen",
		Long: `Show for each Region how its parts stand and how many dead letters wait, and
from CloudWatch the last hour: how old the oldest dead letter is, the function's
errors and throttles, and how long replicas took from the upload's event on
(median, 99th percentile, longest; of the slowest source). "-" means that
CloudWatch has no data, "n/a" that it is not available; neither is a zero. It
says where writes were not copied because the key was there with other contents.

What waits for a Region's function is an estimate: what was published in the
last 24 hours and passed the filters, less what was finished, by the age that it
has if the first written is the first done. Its bytes are not available: nobody
has read the events. "OLDEST" is for how long the oldest event had waited when
the function was last invoked with it, or throttled. docs/lag.md says more.

It makes all the checks that doctor makes, lists what was found, and ends with
the commands that say more.

AWS requests: 18 in each Region, 5 more with batchOperations, one for a function
that is stopped, and one for each subscription:
` + healthRequests + `,
cloudwatch:GetMetricData. CloudWatch charges 0.01 USD for 1,000 metrics; a run
asks for 4N+12 in each of N Regions.

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
     "metricsUnavailable"}],
   "findings": [{"check", "region", "severity", "what", "means", "fix"}],
   "next": [commands]}
A part is ok, missing, failed, unknown, warning or paused. A number that is not
known is null, as are always the bytes that wait.

Exit codes: 0 no action needed; 1 AWS did not answer; 2 usage or
configuration; 3 something failed or is unknown; 130 interrupted.`,
		Example: `  s3fanout status
  s3fanout status --region eu-west-1
  s3fanout status --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.status(cmd.Context(), regions) },
	}
	namesVar(cmd.Flags(), &regions, "region", "show this Region only; can be repeated")
	return cmd
}

func (a *app) status(ctx context.Context, regions []string) error {
	options, config, err := a.healthOptions(ctx, regions)
	if err != nil {
		return err
	}
	facts, err := a.gatherHealth(ctx, &options)
	if err != nil {
		return err
	}
	targets, err := behind.Measure(ctx, behind.Options{
		Set: options.Set, Regions: reachable(facts), Now: time.Now(), Clients: metricdata.NewClients(config, options.Set.Regions),
	})
	if err != nil {
		return errInterrupted
	}
	figures, err := health.Measure(ctx, options, reachable(facts), time.Now())
	if err != nil {
		return errInterrupted
	}
	findings := health.Check(facts)
	d := newStatusDocument(facts, findings, figures)
	addBehind(&d.Status, targets)
	if err := a.writeStatus(d); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return healthError(findings, "run "+d.Next[0])
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
