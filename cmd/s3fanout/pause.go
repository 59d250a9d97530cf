package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/operator/pause"
	"s3fanout/internal/replicaset"
)

func newPauseCommand(a *app) *cobra.Command {
	dryRun := false
	cmd := &cobra.Command{
		Use:   "pause REGION...",
		Short: "Stop copying into a Region without losing events",
		Long: `Stop copying into a Region. Events that arrive meanwhile wait in its dead-letter
queue, for at most 14 days, until you run s3fanout resume. The other Regions are
not affected, and uploads to this Region still reach them.`,
		Example: `  s3fanout pause eu-west-1
  s3fanout pause eu-west-1 --dry-run`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, regions []string) error { return a.pause(cmd.Context(), regions, dryRun) },
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be changed, change nothing")
	return cmd
}

func (a *app) pause(ctx context.Context, args []string, dryRun bool) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	regions, err := namedRegions(set, args)
	if err != nil {
		return err
	}
	options, config, err := a.healthOptions(ctx, regions)
	if err != nil {
		return err
	}
	facts, err := a.gatherHealth(ctx, &options)
	if err != nil {
		return err
	}
	findings := health.Check(facts)
	functions := pause.ToBePaused(config, set, facts.Account, options.Regions)
	d := document.Pause{ReplicaSet: set.Name, DryRun: dryRun, Regions: []document.PauseRegion{}}
	var failures []error
	next, stop := a.newProgress().counting(len(facts.Regions), "Regions paused")
	for _, region := range facts.Regions {
		out := newPauseRegion(region)
		if lost := health.EventsKept(findings, region.Name); len(lost) > 0 {
			err = classified{fmt.Errorf("region %s: not paused, as events would be lost: %s: %s; see s3fanout doctor --region %s",
				region.Name, lost[0].Check, lost[0].What, region.Name), errLeftOver}
		} else {
			err = pauseFunctions(ctx, functions[region.Name], &out, dryRun)
		}
		if err != nil {
			out.Error = oneLine(err.Error())
			failures = append(failures, err)
		}
		out.keptUntil(region)
		d.Regions = append(d.Regions, out.PauseRegion)
		next()
		if ctx.Err() != nil {
			break
		}
	}
	stop()
	if err := a.writePause(d, set); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if ctx.Err() != nil {
		return classified{errors.New("interrupted; run it again"), errInterrupted}
	}
	return errors.Join(failures...)
}

// pauseRegion is a part of the document in the making.
type pauseRegion struct{ document.PauseRegion }

func newPauseRegion(region health.Region) pauseRegion {
	r := pauseRegion{document.PauseRegion{Region: region.Name}}
	if region.Queue.State == health.Found {
		r.DeadLetters = &region.Queue.Value.Letters
	}
	return r
}

// keptUntil says how long the queue keeps what comes first.
func (r *pauseRegion) keptUntil(region health.Region) {
	if r.Since == nil || region.Queue.State != health.Found {
		return
	}
	until := r.Since.Add(time.Duration(region.Queue.Value.RetentionSeconds) * time.Second)
	r.KeptUntil = &until
}

// pauseFunctions pauses the functions of a Region; the first is the replicator.
func pauseFunctions(ctx context.Context, functions []pause.Function, out *pauseRegion, dryRun bool) error {
	for i, f := range functions {
		state, err := f.Look(ctx)
		if i > 0 && errors.Is(err, awsapi.ErrMissing) {
			continue // it was not deployed yet
		}
		if err != nil {
			return err
		}
		change := pause.ToPause(state, f.Configured, time.Now())
		if !dryRun {
			if err := f.Apply(ctx, change); err != nil {
				return err
			}
		}
		if i == 0 {
			memory := change.Remember
			if memory == nil {
				memory, out.Already = state.Memory, true
			}
			out.Paused, out.Since, out.ReservedConcurrency = true, &memory.Since, memory.Reserved
		}
	}
	return nil
}

// namedRegions are the arguments REGION, each once.
func namedRegions(set replicaset.Config, args []string) ([]string, error) {
	members := strings.Join(set.Regions, ", ")
	if len(args) == 0 {
		return nil, usageError{fmt.Errorf("name the Region: one of %s", members)}
	}
	var regions []string
	for _, region := range args {
		if !set.Contains(region) {
			return nil, usageError{fmt.Errorf("%q is not a Region of the replica set %s; it has %s", region, set.Name, members)}
		}
		if !slices.Contains(regions, region) {
			regions = append(regions, region)
		}
	}
	return regions, nil
}
