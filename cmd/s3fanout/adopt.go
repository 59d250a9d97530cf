package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/adoption"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/replicaset"
)

// adoptFlags are the command's own.
type adoptFlags struct {
	regions       []string
	check, dryRun bool
}

func newAdoptCommand(a *app) *cobra.Command {
	var f adoptFlags
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Check existing buckets, and add the set's notifications to them",
		Long: `Work on the existing buckets that cdk.json names in "buckets". With --check,
say whether they can be adopted and change nothing. Without it, add the set's
entries to their notifications again, for when something else removed them.`,
		Example: `  s3fanout adopt --check
  s3fanout adopt --dry-run
  s3fanout adopt --region us-east-1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.adopt(cmd.Context(), f) },
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "only check, and say how to fix what prevents it")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be changed, change nothing")
	namesVar(cmd.Flags(), &f.regions, "region", "only this `region`; can be repeated")
	cmd.MarkFlagsMutuallyExclusive("check", "dry-run")
	return cmd
}

func (a *app) adopt(ctx context.Context, f adoptFlags) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	regions, err := adoptedRegions(set, f.regions)
	if err != nil {
		return err
	}
	if f.check {
		return a.checkAdopted(ctx, regions)
	}
	config, account, err := signIn(ctx, set.Regions[0])
	if err != nil {
		return err
	}
	members := membersOf(set, account, regions)
	next, stop := a.newProgress().counting(len(members), "buckets checked")
	results := adoption.Run(ctx, adoption.Options{
		Set: set, Members: members, Stores: adoption.Stores(config, members), DryRun: f.dryRun, Done: func(adoption.Result) { next() },
	})
	stop()
	if err := a.writeAdopt(document.NewAdopt(set.Name, account, f.dryRun, results)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return adoptError(ctx, results)
}

// adoptedRegions are the chosen Regions whose buckets exist already.
func adoptedRegions(set replicaset.Config, chosen []string) ([]string, error) {
	all, err := chosenRegions(set, chosen)
	if err != nil {
		return nil, err
	}
	var regions []string
	for _, region := range inOrder(set, all) {
		if set.Adopts(region) {
			regions = append(regions, region)
		} else if chosen != nil {
			return nil, usageError{
				fmt.Errorf("--region %s: buckets in cdk.json names no bucket there; name one, or leave the flag out", region),
			}
		}
	}
	if len(regions) == 0 {
		return nil, usageError{
			errors.New(`cdk.json names no existing bucket; add "buckets": {"` + set.Regions[0] + `": "NAME"}`),
		}
	}
	return regions, nil
}

// checkAdopted looks at the Regions' buckets.
func (a *app) checkAdopted(ctx context.Context, regions []string) error {
	options, _, err := a.healthOptions(ctx, regions)
	if err != nil {
		return err
	}
	next, stop := a.newProgress().counting(len(regions), "buckets checked")
	options.Done = func(string) { next() }
	facts, err := health.GatherAdopted(ctx, options)
	stop()
	switch {
	case err != nil && ctx.Err() != nil:
		return classified{errors.New("interrupted; nothing was changed"), errInterrupted}
	case err != nil:
		return err
	}
	findings := health.CheckAdopted(facts)
	d := document.NewAdoptCheck(facts, findings)
	if a.output != outputJSON {
		d = adoptCheckForPeople(facts, findings)
	}
	if err := a.writeAdopt(d); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return healthError(findings, "the fixes are above")
}

// adoptError says what failed, nil if nothing did.
func adoptError(ctx context.Context, results []adoption.Result) error {
	var failed []string
	var first error
	for _, r := range results {
		if r.Err != nil {
			failed = append(failed, r.Member.Region)
			if first == nil {
				first = r.Err
			}
		}
	}
	switch {
	case len(failed) > 0 && ctx.Err() != nil:
		return classified{errors.New("interrupted; run it again"), errInterrupted}
	case len(failed) == 1:
		return first
	case len(failed) > 1:
		return fmt.Errorf("%w; others that failed: %s", first, strings.Join(failed[1:], ", "))
	}
	return nil
}
