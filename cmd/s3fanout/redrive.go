package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"s3fanout/internal/redrive"
	"s3fanout/internal/replicaset"
)

func newRedriveCommand(a *app) *cobra.Command {
	var regions []string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "redrive",
		Short: "Replay what could not be copied",
		Long: `Replay the dead letters of the replica set: what a function could not copy after
its retries, and what SNS could not deliver to a function. Each letter's
function is invoked with the original event. A letter is deleted only after
that succeeded; what fails again stays, with its reason printed. A letter that
cannot be understood is reported and left.

Replaying twice is harmless, so it can be interrupted, and run again or twice at
once. A run that is killed leaves the letters it held invisible for at most 17
minutes.

With --dry-run it lists the letters and why they failed, invokes nothing,
deletes nothing, and leaves every letter as visible as it was.

AWS requests: sqs:GetQueueUrl, sqs:GetQueueAttributes, sqs:ReceiveMessage,
sqs:ChangeMessageVisibility; without --dry-run also sqs:DeleteMessage,
lambda:InvokeFunction, and sns:ListSubscriptionsByTopic for letters of SNS.

With --output json the result is one document:
  {"replicaSet", "dryRun", "interrupted", "left",
   "regions": [{"region", "found", "replayed", "left", "held", "error"}],
   "letters": [{"region", "messageId", "sentAt", "kind", "objects": [{"bucket",
     "key", "versionId"}], "reason", "errorType", "attempts", "functions":
     [{"region", "name"}], "outcome", "detail"}]}
"kind" is on-failure, function-dlq or subscription-dlq. "outcome" is replayed,
waiting (dry run), failed, not-understood, not-ours, not-invoked, not-deleted or
interrupted. "held" counts letters that could not be read, as another reader
holds them.

Exit codes: 0 all replayed, or nothing there; 1 a request failed; 2 usage or
configuration; 3 letters are left, with --dry-run: letters are there; 130
interrupted.`,
		Example: `  s3fanout redrive --dry-run
  s3fanout redrive
  s3fanout redrive --region eu-west-1 --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.redrive(cmd.Context(), regions, dryRun)
		},
	}
	cmd.Flags().StringSliceVar(&regions, "region", nil, "redrive this Region's queue only; can be repeated")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "list the letters, change nothing")
	return cmd
}

func (a *app) redrive(ctx context.Context, regions []string, dryRun bool) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	if regions, err = chosenRegions(set, regions); err != nil {
		return err
	}
	config, err := awsConfig(ctx, set.Regions[0])
	if err != nil {
		return err
	}
	p := a.newProgress()
	watch := redriveProgress{p: p, dryRun: dryRun}
	report, err := redrive.Run(ctx, redrive.Options{
		Config: set, Clients: redrive.NewClients(config, set.Regions), Regions: regions, DryRun: dryRun,
	}, redrive.Observer{Opened: watch.opened, Finished: watch.finished})
	p.done()
	if err != nil {
		return err
	}
	if err := a.writeRedrive(set.Name, dryRun, report); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return redriveError(report, dryRun)
}

// chosenRegions checks the values of --region; none means all members.
func chosenRegions(set replicaset.Config, regions []string) ([]string, error) {
	if len(regions) == 0 {
		return set.Regions, nil
	}
	var chosen []string
	for _, r := range regions {
		if !set.Contains(r) {
			return nil, usageError{fmt.Errorf("--region %s: not a Region of the replica set %s; it has %s", r, set.Name, strings.Join(set.Regions, ", "))}
		}
		if !slices.Contains(chosen, r) {
			chosen = append(chosen, r)
		}
	}
	return chosen, nil
}

// redriveError says what is wrong with the end of a run, nil if nothing is.
func redriveError(report redrive.Report, dryRun bool) error {
	held := 0
	for _, s := range report.Regions {
		held += s.Held
	}
	read := report.Left() - held
	err := report.Err()
	leftOver := func(text string) error {
		if held > 0 && read > 0 {
			text += fmt.Sprintf("; about %d more are held by another reader", held)
		}
		return marked{errors.New(text), errLeftOver}
	}
	switch {
	case report.Interrupted:
		return marked{errors.New("interrupted; what was not replayed is still in the queues, run it again"), errInterrupted}
	case err != nil:
		return err
	case read > 0 && dryRun:
		return leftOver(deadLetters(read) + " in the queues; replay with s3fanout redrive")
	case read > 0:
		return leftOver(deadLetters(read) + " left in the queues; remove the reasons above and run it again")
	case held > 0:
		return leftOver(fmt.Sprintf("about %s could not be read, as another reader holds them; run it again later, in %d minutes at most",
			deadLetters(held), int(redrive.HoldTime.Minutes())))
	default:
		return nil
	}
}

// redriveProgress turns what the run tells into a status. The run never calls
// it twice at once.
type redriveProgress struct {
	p                   *progress
	dryRun              bool
	waiting, ended, bad int
}

func (w *redriveProgress) opened(region string, waiting int) {
	if waiting == 0 {
		return
	}
	w.waiting += waiting
	w.p.note("region %s: about %s waiting", region, deadLetters(waiting))
}

func (w *redriveProgress) finished(r redrive.Result) {
	w.ended++
	total := max(w.waiting, w.ended)
	if w.dryRun {
		w.p.status("%d of about %d letters listed", w.ended, total)
		return
	}
	if r.Outcome != redrive.Replayed {
		w.bad++
	}
	w.p.status("%d of about %d letters, %d not replayed", w.ended, total, w.bad)
}
