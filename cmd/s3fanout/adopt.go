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
		Short: "Check buckets that exist already, and have them announce",
		Long: `Work on the buckets that cdk.json names in "buckets": those that exist already.

With --check it says whether they can be adopted, before the first deployment
or later, and changes nothing: versioning, Region and owner, the key and its
policy, other notifications that S3 would not take beside the set's, a bucket
policy that denies what the functions do, ACLs, Object Lock, requester pays.
Each finding says what it means and how to fix it; docs/checks.md lists them.

Without --check it puts the set's entries into the buckets' notifications, as
the deployment does. That is for when they are gone: whoever deploys the bucket
itself may write its notifications as a whole, without the set's, and then no
deployment of the set puts them back, since nothing in its own stacks differs.
s3fanout doctor finds it. Every other entry stays byte for byte as it is. Where
S3 would refuse the set's, nothing is written.

Notifications are read, changed and written back, and S3 has no condition for
that: what somebody else writes in the milliseconds between is replaced. What
they write afterwards is seen, said as "raced", and the entries are put in
again.

AWS requests: sts:GetCallerIdentity and s3:GetBucketNotification; with --check
also s3:ListBucket, s3:GetBucketVersioning, s3:GetBucketPolicy,
s3:GetLifecycleConfiguration, s3:GetEncryptionConfiguration,
s3:GetBucketRequestPayment, s3:GetBucketOwnershipControls,
s3:GetBucketObjectLockConfiguration, and on the key of a bucket kms:DescribeKey
and kms:GetKeyPolicy; without it s3:PutBucketNotification.

With --output json the result is one document:
  {"replicaSet", "account", "check", "dryRun",
   "regions": [{"region", "bucket", "state", "raced", "error"}],
   "findings": [{"check", "region", "severity", "what", "means", "fix"}]}
"state" is told (the entries were there), written, wanting (a dry run would put
them in) or failed; with --check it is checked. Only --check has findings.

Exit codes: 0 done; 1 a request failed, or S3 would refuse the entries; 2 usage
or configuration, or cdk.json names no bucket; 3 --check found something that
failed or is unknown; 130 interrupted.`,
		Example: `  s3fanout adopt --check
  s3fanout adopt --dry-run
  s3fanout adopt --region us-east-1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.adopt(cmd.Context(), f) },
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "only look, and say how to fix what is in the way")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "tell what would be put in, change nothing")
	namesVar(cmd.Flags(), &f.regions, "region", "this Region only; can be repeated")
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
	var members replicaset.Members
	for _, region := range regions {
		members = append(members, set.Member(account, region))
	}
	results := adoption.Run(ctx, adoption.Options{Set: set, Members: members, Stores: adoption.Stores(config, members), DryRun: f.dryRun})
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
			return nil, usageError{fmt.Errorf("--region %s: buckets in cdk.json names no bucket there; name one, or leave the flag out", region)}
		}
	}
	if len(regions) == 0 {
		return nil, usageError{errors.New(`cdk.json names no bucket that exists already; add "buckets": {"` + set.Regions[0] + `": "NAME"}`)}
	}
	return regions, nil
}

// checkAdopted looks at the Regions' buckets.
func (a *app) checkAdopted(ctx context.Context, regions []string) error {
	options, _, err := a.healthOptions(ctx, regions)
	if err != nil {
		return err
	}
	facts, err := health.GatherAdopted(ctx, options)
	switch {
	case err != nil && ctx.Err() != nil:
		return marked{errors.New("interrupted; nothing was changed"), errInterrupted}
	case err != nil:
		return err
	}
	findings := health.CheckAdopted(facts)
	if err := a.writeAdopt(document.NewAdoptCheck(facts, findings)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return healthError(findings, "each has its fix above")
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
		return marked{errors.New("interrupted; run it again"), errInterrupted}
	case len(failed) == 1:
		return first
	case len(failed) > 1:
		return fmt.Errorf("%w; others that failed: %s", first, strings.Join(failed[1:], ", "))
	}
	return nil
}
