package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/pause"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/replicaset"
)

type resumeFlags struct {
	dryRun, noRedrive bool
}

func newResumeCommand(a *app) *cobra.Command {
	var f resumeFlags
	cmd := &cobra.Command{
		Use:   "resume REGION...",
		Short: "Resume copying into a paused Region, and catch up",
		Long: `End a pause: let the Region's functions run again, then replay the events that
waited in its dead-letter queue.`,
		Example: `  s3fanout resume eu-west-1
  s3fanout resume eu-west-1 --dry-run
  s3fanout resume eu-west-1 --no-redrive`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, regions []string) error { return a.resume(cmd.Context(), regions, f) },
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be changed, change nothing")
	cmd.Flags().BoolVar(&f.noRedrive, "no-redrive", false, "leave the waiting events in the queue")
	return cmd
}

func (a *app) resume(ctx context.Context, args []string, f resumeFlags) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	regions, err := namedRegions(set, args)
	if err != nil {
		return err
	}
	config, account, err := signIn(ctx, set.Regions[0])
	if err != nil {
		return err
	}
	functions := pause.ToBeResumed(config, set, account, regions)
	d := document.Resume{ReplicaSet: set.Name, DryRun: f.dryRun, Regions: []document.ResumeRegion{}}
	var going []string
	var failures []error
	next, stop := a.newProgress().counting(len(regions), "Regions resumed")
	for _, region := range regions {
		out := document.ResumeRegion{Region: region}
		if err := resumeFunctions(ctx, functions[region], &out, f.dryRun); err != nil {
			out.Error = oneLine(err.Error())
			failures = append(failures, err)
		} else {
			going = append(going, region)
		}
		d.Regions = append(d.Regions, out)
		next()
	}
	stop()
	var view *redriveView
	var redriven error // what is left
	if !f.noRedrive && len(going) > 0 && ctx.Err() == nil {
		if view, redriven, err = a.catchUp(ctx, set, going, f, redrive.NewClients(config, set.Regions, 0)); err != nil && ctx.Err() == nil {
			failures = append(failures, err)
		}
	}
	if err := a.writeResume(d, view); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if ctx.Err() != nil {
		return classified{errors.New("interrupted; run it again"), errInterrupted}
	}
	if len(failures) > 0 {
		return errors.Join(failures...)
	}
	return redriven
}

// catchUp replays the queues of Regions that copy again. redriven says what is left
// in them.
func (a *app) catchUp(
	ctx context.Context, set replicaset.Config, regions []string, f resumeFlags, clients map[string]redrive.Clients,
) (view *redriveView, redriven, err error) {
	p := a.newProgress()
	shown := newRedriveProgress(p, f.dryRun)
	flags := redriveFlags{dryRun: f.dryRun, concurrency: redrive.DefaultParallel}
	report, err := redrive.Run(ctx, flags.options(set, regions, clients), redrive.Observer{Opened: shown.opened, Finished: shown.finished})
	p.done()
	if err != nil {
		return nil, nil, err
	}
	d := newRedriveView(set.Name, f.dryRun, report)
	if redriven = redriveError(report, f.dryRun); f.dryRun && errors.Is(redriven, errLeftOver) {
		redriven = nil // that is what is to be replayed
	}
	return &d, redriven, nil
}

// resumeFunctions lets the functions of a Region go on; the first is the
// replicator.
func resumeFunctions(ctx context.Context, functions []pause.Function, out *document.ResumeRegion, dryRun bool) error {
	for i, f := range functions {
		state, err := f.Look(ctx)
		if i > 0 && errors.Is(err, awsapi.ErrMissing) {
			continue
		}
		if err != nil {
			return err
		}
		change := pause.ToResume(state, f.Configured)
		if !dryRun {
			if err := f.Apply(ctx, change); err != nil {
				return err
			}
		}
		if i > 0 {
			continue
		}
		out.Paused, out.ReservedConcurrency = state.Stopped(), state.Reserved
		if change.Reserve {
			out.ReservedConcurrency = change.Reserved
		}
		if state.Memory != nil {
			since := state.Memory.Since.Truncate(time.Second)
			out.Since = &since
		}
	}
	return nil
}
