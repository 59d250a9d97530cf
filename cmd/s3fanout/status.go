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
		Short: "Show the state of the replica set on one screen",
		Long: `Show for each Region the state of its parts, dead letters, errors, replication
times and waiting events; then what doctor finds, and what to run next.`,
		Example: `  s3fanout status
  s3fanout status --region eu-west-1
  s3fanout status --watch --interval 10s
  s3fanout status --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case !watch && cmd.Flags().Changed("interval"):
				return usageError{errors.New("--interval needs --watch")}
			case interval < leastInterval:
				return usageError{fmt.Errorf("--interval %v: use at least %v; each look takes dozens of requests", interval, leastInterval)}
			}
			return a.status(cmd.Context(), regions, watch, interval)
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "refresh until interrupted")
	cmd.Flags().DurationVar(&interval, "interval", defaultInterval, "with --watch: time between refreshes")
	namesVar(cmd.Flags(), &regions, "region", "only this `region`; can be repeated")
	return cmd
}

func (a *app) status(ctx context.Context, regions []string, watch bool, interval time.Duration) error {
	options, config, err := a.healthOptions(ctx, regions)
	if err != nil {
		return err
	}
	clients := metricdata.NewClients(config, options.Set.Regions)
	l := statusLooker{
		options: options, gather: a.gatherHealth, working: a.newProgress().working, now: time.Now,
		behind: func(ctx context.Context, regions []string, now time.Time) ([]behind.Target, error) {
			return behind.Measure(ctx, behind.Options{Set: options.Set, Regions: regions, Now: now, Clients: clients})
		},
	}
	if watch {
		l.gather = func(ctx context.Context, o *health.Options) (health.Facts, error) { return health.Gather(ctx, *o) }
		l.working = silent
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
	working func(text string) (stop func()) // shows what is waited for
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
	defer l.working("asking CloudWatch")()
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
