package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/document"
)

func newBackfillCommand(a *app) *cobra.Command {
	var f backfillFlags
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Copy objects that a Region is missing",
		Long: `Copy every object that a Region is missing: written before the Region joined,
or lost on the way. Existing keys are never replaced, and deleted keys stay
deleted; with "follow" in cdk.json the latest write wins. It shows the estimated
cost, and asks above --limit. Interrupt it and run it again as you like.`,
		Example: `  s3fanout backfill --dry-run
  s3fanout backfill
  s3fanout backfill --key films/one.mp4 --key films/two.mp4
  s3fanout backfill --to eu-north-1 --limit 250
  s3fanout backfill --from us-east-1 --to eu-west-1,eu-north-1 --prefix a/
  s3fanout backfill --batch-operations --to eu-north-1 --dry-run
  s3fanout backfill --region us-east-1 \
    --job 00e123a4-c0d8-41f4-a0eb-b46f9ba5b07c`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.agree(cmd.Flags().Changed); err != nil {
				return err
			}
			if err := checkNotEmpty(
				cmd.Flags().Changed, flagValue{"from", f.from}, flagValue{"job", f.job}, flagValue{"region", f.region},
			); err != nil {
				return err
			}
			if err := chooseKeys(&f.keys, f.prefix); err != nil {
				return err
			}
			switch {
			case f.job != "":
				return a.showBatchJob(cmd.Context(), f.job, f.region)
			case f.batch:
				return a.createBatchJob(cmd.Context(), f.batchRequest())
			default:
				return a.backfill(cmd.Context(), f)
			}
		},
	}
	cmd.Flags().StringVar(&f.from, "from", "", "copy from this `region` (default: each key's oldest)")
	f.to = []string{"all"}
	namesVar(cmd.Flags(), &f.to, "to", "copy to this `region`; can be repeated")
	cmd.Flags().StringVar(&f.prefix, "prefix", "", "only keys with this `prefix`")
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "only this `key`; can be repeated")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what is missing and the cost, copy nothing")
	cmd.Flags().Float64Var(&f.limit, "limit", defaultLimit, "ask before spending more `dollars`")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask, whatever the cost")
	cmd.Flags().IntVar(&f.concurrency, "concurrency", backfill.DefaultConcurrency,
		"most copies to each Region at once, up to 1024; 2048 to all")
	cmd.Flags().BoolVar(&f.ownCredentials, "own-credentials", false, "write as the caller, not as the functions")
	cmd.Flags().BoolVar(&f.restoreDeleted, "restore-deleted", false, "also copy what was deleted in a Region")
	cmd.Flags().BoolVar(&f.hideDeleted, "hide-deleted", false, "with follow: delete what was deleted elsewhere")
	cmd.Flags().BoolVar(&f.batch, "batch-operations", false, "let S3 Batch Operations copy")
	cmd.Flags().BoolVar(&f.noReport, "no-report", false, "no report of failed tasks")
	cmd.Flags().BoolVar(&f.confirm, "confirm", false, "jobs wait for your confirmation")
	cmd.Flags().StringVar(&f.job, "job", "", "show the state of the job with this `ID`")
	cmd.Flags().StringVar(&f.region, "region", "", "with --job: the job's `region`")
	return cmd
}

func (a *app) backfill(ctx context.Context, f backfillFlags) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	to, err := f.check(set)
	if err != nil {
		return err
	}
	config, account, err := signIn(ctx, set.Regions[0])
	if err != nil {
		return err
	}
	p := a.newProgress()
	total, stop := p.askKeyTotal(ctx, config, set.Members(account), f.prefix == "" && len(f.keys) == 0)
	defer stop()
	watch := backfillProgress{p: p, now: time.Now, began: time.Now(), dryRun: f.dryRun, listing: listingBar{total: &total.sum}}
	o, err := backfillOptions(ctx, set, config, account, to, f, slog.New(slog.NewTextHandler(noteWriter{p}, nil)))
	if err != nil {
		return err
	}
	var chosen chosenKeys
	o.Match = func(key string) bool { return set.Matches(key) && chosen.add(key, len(f.keys) > 0) }
	o.Approve = a.approve(p, f)
	defer debug.SetGCPercent(debug.SetGCPercent(backfill.GCPercent))
	report, err := backfill.Run(ctx, o, backfill.Observer{Progress: watch.progress, Failed: watch.failed})
	p.done()
	if report.Unanswered != nil {
		p.note("%s; so what is being copied there is copied once more", oneLine(report.Unanswered.Error()))
	}
	if err := a.writeBackfill(document.NewBackfill(set.Name, f.dryRun, errors.Is(err, errOverLimit), report, err)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if err == nil && !report.Interrupted {
		for _, note := range f.nothingChosen(chosen.any.Load(), chosen.has) {
			p.note("%s", note)
		}
	}
	return backfillError(report, f.dryRun, err)
}

// chosenKeys are those that a run looked at. It is safe for concurrent use.
type chosenKeys struct {
	any  atomic.Bool
	keys sync.Map // where keys are named; there may be billions otherwise
}

func (c *chosenKeys) add(key string, named bool) bool {
	c.any.Store(true)
	if named {
		c.keys.Store(key, true)
	}
	return true
}

func (c *chosenKeys) has(key string) bool {
	_, ok := c.keys.Load(key)
	return ok
}

// backfillError says what is wrong with the end of a run, nil if nothing is.
func backfillError(report backfill.Report, dryRun bool, err error) error {
	switch failed := report.Failed(); {
	case report.Interrupted && dryRun:
		return classified{errors.New("interrupted; the numbers are those of the keys listed so far"), errInterrupted}
	case report.Interrupted:
		return classified{errors.New("interrupted; run it again for what is left"), errInterrupted}
	case errors.Is(err, backfill.ErrGrown):
		return classified{fmt.Errorf("%w; what was copied stays, run it again to be asked about the rest", err), errLeftOver}
	case err != nil:
		return err
	case failed > 0:
		return classified{fmt.Errorf("%s could not be copied; remove the causes above and run it again", objectCount(failed)), errLeftOver}
	case report.Kept() > 0 && !dryRun:
		return classified{fmt.Errorf("%s still there that were deleted in another Region; "+
			"if that was no lifecycle rule, run it again with --hide-deleted", objectCount(report.Kept())), errLeftOver}
	case report.Copying() > 0:
		return classified{fmt.Errorf("%s left to the functions, which are copying them; run it again later",
			objectCount(report.Copying())), errLeftOver}
	default:
		return nil
	}
}
