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
	"s3fanout/internal/ui"
)

func newRedriveCommand(a *app) *cobra.Command {
	var f redriveFlags
	cmd := &cobra.Command{
		Use:   "redrive",
		Short: "Replay dead letters: events that could not be copied",
		Long: `Replay the dead letters of the replica set: events that a function could not
copy, or that SNS could not deliver. A dead letter is deleted only after its
copy succeeded. What is left is listed with the reason and what to do next.
Interrupt it and run it again as you like.`,
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
	shown := newRedriveProgress(p, f.dryRun)
	observer := redrive.Observer{Opened: shown.opened, Finished: shown.finished}
	lines := redriveLines{a: a, p: p, stop: cancel, now: time.Now, reported: map[string]string{}}
	stop := func() {}
	if f.watch {
		observer.Finished, observer.Trouble = lines.finished, lines.trouble
		if p.width > 0 {
			stop = p.ticking(lines.waiting)
		}
	}
	report, err := redrive.Run(ctx, f.options(set, regions, redrive.NewClients(config, set.Regions, f.concurrency)), observer)
	stop()
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
			have := strings.Join(set.Regions, ", ")
			return nil, usageError{fmt.Errorf("--region %s: not a Region of the replica set %s; it has %s", r, set.Name, have)}
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
		return classified{errors.New(text), errLeftOver}
	}
	switch {
	case report.Interrupted:
		return classified{errors.New("interrupted; what was not replayed is still in the queues, run it again"), errInterrupted}
	case err != nil:
		return err
	case read > 0 && dryRun:
		least := ""
		if slices.ContainsFunc(report.Regions, func(s redrive.Summary) bool { return s.Limited }) {
			least = "at least " // --max left the rest unread
		}
		return leftOver(least + letterCount(read) + " in the queues; replay with s3fanout redrive")
	case read > 0:
		again := "run it again"
		if advised(report) {
			again = "do what is said above, then " + again
		}
		return leftOver(letterCount(read) + " left in the queues; " + again)
	case held > 0:
		return leftOver(fmt.Sprintf("about %s could not be read, as another reader holds them; run it again later, in %d minutes at most",
			letterCount(held), int(redrive.HoldTime.Minutes())))
	default:
		return nil
	}
}

// advised says whether there is something to do about what is left, which is not so
// where the dead letters were only interrupted, as at the end of a watch.
func advised(report redrive.Report) bool {
	return slices.ContainsFunc(report.Regions, func(s redrive.Summary) bool {
		return slices.ContainsFunc(s.Results, func(r redrive.Result) bool { return r.Next() != "" })
	})
}

// redriveProgress turns what the run tells into a status. The run never calls
// it twice at once.
type redriveProgress struct {
	p              *progress
	dryRun         bool
	waiting, ended int
	bad, skipped   int

	now   func() time.Time
	began time.Time
	meter ui.Meter
}

func newRedriveProgress(p *progress, dryRun bool) *redriveProgress {
	return &redriveProgress{p: p, dryRun: dryRun, now: time.Now, began: time.Now()}
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
		w.p.share(w.ended, total, fmt.Sprintf("%d of about %d dead letters listed", w.ended, total))
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
	text := fmt.Sprintf("%d of about %d dead letters, %d not replayed%s", w.ended, total, w.bad, skipped)
	took := w.now().Sub(w.began)
	if left, ok := w.meter.Left(int64(w.ended), int64(total), took); ok {
		text += fmt.Sprintf("; %.0f/s; %s left", float64(w.ended)/took.Seconds(), ui.Span(left))
	}
	w.p.share(w.ended, total, text)
}
