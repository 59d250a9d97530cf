package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/replicaset"
)

func newRedriveCommand(a *app) *cobra.Command {
	var f redriveFlags
	cmd := &cobra.Command{
		Use:   "redrive",
		Short: "Replay what could not be copied",
		Long: `Replay the dead letters of the replica set: what a function could not copy after
its retries, and what SNS could not deliver to a function. Each letter's
function is invoked with the original event. A letter is deleted only after
that succeeded; what fails again stays, with its reason printed. A letter that
cannot be understood is reported and left.

It lists what it did not replay, counts the rest, sums up the reasons, and says
what to do next.

Replaying twice is harmless, so it can be interrupted, and run again or twice at
once. While it runs it keeps the letters it has read invisible to others. One
that is killed leaves them invisible for at most 2 minutes.

With --dry-run it lists the letters and why they failed, invokes nothing,
deletes nothing, and leaves every letter as visible as it was.

--prefix, --older-than, --newer-than and --reason choose letters; all that are
given have to fit. A letter of several objects fits a prefix if one of them
does. A letter's age is the time it has been in the queue. --max ends the run
when so many letters were tried, successfully or not. What is not chosen, or
beyond --max, stays in the queues. It is counted as skipped, not as left.

--watch goes on when the queues are empty: it waits for new letters and replays
them as they come, each result a line. A letter that was not replayed is tried
again after 1 minute, then 2, 4, 8 and every 15. A Region that cannot be reached
is waited for. An interrupt is its ordinary end, with a summary. Until then,
letters that are not replayed or not chosen are hidden from other readers, but
not from the alarms, which count letters that are held.

AWS requests: sqs:GetQueueUrl, sqs:GetQueueAttributes, sqs:ReceiveMessage,
sqs:ChangeMessageVisibility; without --dry-run also sqs:DeleteMessage,
lambda:InvokeFunction, and sns:ListSubscriptionsByTopic for letters of SNS. A
letter costs some three requests of SQS and what its copy costs. --watch asks
each queue about 130,000 times a month, $0.05.

With --output json the result is one document:
  {"replicaSet", "dryRun", "interrupted", "limited", "left",
   "regions": [{"region", "found", "replayed", "left", "skipped", "held",
     "error"}],
   "reasons": [{"reason", "count", "next"}],
   "letters": [{"region", "messageId", "sentAt", "kind", "objects": [{"bucket",
     "key", "versionId", "change"}], "reason", "errorType", "attempts",
     "functions": [{"region", "name"}], "outcome", "detail", "again"}]}
"change" is deletion or tags, and left out of what was written.
"kind" is on-failure, function-dlq or subscription-dlq. "outcome" is replayed,
waiting (dry run), failed, not-understood, not-ours, not-invoked, not-deleted,
interrupted or skipped. "held" counts letters that could not be read, as another
reader holds them. "limited" says that --max ended the run. "reasons" leaves out
what differs from object to object; "next" is what to do.
With --watch each result is a line, an element of "letters" without those
skipped; "again" is when the letter will be tried again. The last line is the
document, with the letters that are left or skipped.

Exit codes: 0 all that was chosen is replayed, or nothing there; 1 a request
failed; 2 usage or configuration; 3 letters are left, with --dry-run: letters
are there; 130 interrupted. --watch ended by an interrupt: 0 or 3.`,
		Example: `  s3fanout redrive --dry-run
  s3fanout redrive
  s3fanout redrive --region eu-west-1 --output json
  s3fanout redrive --prefix films/ --newer-than 2d --reason AccessDenied
  s3fanout redrive --max 1
  s3fanout redrive --watch --rate 5`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return a.redrive(cmd.Context(), f)
		},
	}
	f.add(cmd.Flags())
	return cmd
}

func (a *app) redrive(ctx context.Context, f redriveFlags) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	regions, err := chosenRegions(set, f.regions)
	if err != nil {
		return err
	}
	config, err := awsConfig(ctx, set.Regions[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := a.newProgress()
	told := redriveProgress{p: p, dryRun: f.dryRun}
	observer := redrive.Observer{Opened: told.opened, Finished: told.finished}
	lines := redriveLines{a: a, p: p, stop: cancel, now: time.Now, told: map[string]string{}}
	if f.watch {
		observer.Finished, observer.Trouble = lines.finished, lines.trouble
	}
	report, err := redrive.Run(ctx, f.options(set, regions, redrive.NewClients(config, set.Regions, f.concurrency)), observer)
	p.done()
	if err != nil {
		return err
	}
	if err := cmp.Or(lines.err, a.writeRedrive(set.Name, f, report)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return redriveError(report, f.dryRun)
}

// chosenRegions checks the values of --region; none means all members.
func chosenRegions(set replicaset.Config, regions []string) ([]string, error) {
	switch {
	case regions == nil:
		return set.Regions, nil
	case len(regions) == 0: // given, and not to be taken for all
		return nil, usageError{fmt.Errorf("--region is empty; name one of %s, or leave it out for all", strings.Join(set.Regions, ", "))}
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
		least := ""
		if slices.ContainsFunc(report.Regions, func(s redrive.Summary) bool { return s.Limited }) {
			least = "at least " // --max left the rest unread
		}
		return leftOver(least + letterCount(read) + " in the queues; replay with s3fanout redrive")
	case read > 0:
		return leftOver(letterCount(read) + " left in the queues; do what is said above, then run it again")
	case held > 0:
		return leftOver(fmt.Sprintf("about %s could not be read, as another reader holds them; run it again later, in %d minutes at most",
			letterCount(held), int(redrive.HoldTime.Minutes())))
	default:
		return nil
	}
}

// redriveProgress turns what the run tells into a status. The run never calls
// it twice at once.
type redriveProgress struct {
	p              *progress
	dryRun         bool
	waiting, ended int
	bad, skipped   int
}

func (w *redriveProgress) opened(region string, waiting int) {
	if waiting == 0 {
		return
	}
	w.waiting += waiting
	w.p.note("region %s: about %s waiting", region, letterCount(waiting))
}

func (w *redriveProgress) finished(r redrive.Result) {
	w.ended++
	total := max(w.waiting, w.ended)
	if w.dryRun {
		w.p.status("%d of about %d letters listed", w.ended, total)
		return
	}
	switch r.Outcome {
	case redrive.Replayed:
	case redrive.Skipped:
		w.skipped++
	default:
		w.bad++
	}
	skipped := ""
	if w.skipped > 0 {
		skipped = fmt.Sprintf(", %d skipped", w.skipped)
	}
	w.p.status("%d of about %d letters, %d not replayed%s", w.ended, total, w.bad, skipped)
}
