package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

// undeleteFlags are the command's own.
type undeleteFlags struct {
	since, until moment
	prefix       string
	keys         []string
	dryRun       bool
	concurrency  int
}

func newUndeleteCommand(a *app) *cobra.Command {
	var f undeleteFlags
	cmd := &cobra.Command{
		Use:   "undelete",
		Short: "Restore deleted objects in all Regions",
		Long: `Restore, in all Regions, the objects that were deleted since a time. The version
under each delete marker becomes the current one again, as a new write that the
functions replicate. Try --dry-run first.`,
		Example: `  s3fanout undelete --since 2h --dry-run
  s3fanout undelete --since 2h
  s3fanout undelete --since 2026-11-29T08:30:00Z \
    --until 2026-11-29T08:45:00Z
  s3fanout undelete --since 2d --prefix films/
  s3fanout undelete --since 2d --key films/one.mp4`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags().Changed, time.Now()); err != nil {
				return err
			}
			return a.undelete(cmd.Context(), f)
		},
	}
	cmd.Flags().Var(&f.since, "since", "restore what was deleted from this `time` on")
	cmd.Flags().Var(&f.until, "until", "up to this `time` (default: now)")
	cmd.Flags().StringVar(&f.prefix, "prefix", "", "only keys with this `prefix`")
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "only this `key`; can be repeated")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be changed, change nothing")
	cmd.Flags().IntVar(&f.concurrency, "concurrency", undelete.DefaultConcurrency, "copies at the same time")
	return cmd
}

// check finds what cannot be meant, and makes times of what was long ago.
func (f *undeleteFlags) check(changed func(string) bool, now time.Time) error {
	if !changed("since") {
		return usageError{errors.New("--since is missing: give a time, such as --since 2h or --since 2026-11-29T08:30:00Z")}
	}
	if err := checkNotEmpty(changed, flagValue{"prefix", f.prefix}); err != nil {
		return err
	}
	if err := chooseKeys(&f.keys, f.prefix); err != nil {
		return err
	}
	f.since.settle(now)
	f.until.settle(now)
	switch {
	case f.since.time.After(now):
		return usageError{fmt.Errorf("--since %s is in the future; it is %s now", f.since.text, now.UTC().Format(time.RFC3339))}
	case f.since.time.After(f.until.time):
		return usageError{fmt.Errorf("--since %s is after --until %s; the first has to be earlier", f.since.text, f.until.text)}
	case f.concurrency < 1 || f.concurrency > maxConcurrency:
		return usageError{fmt.Errorf("--concurrency %d: use 1 to %d", f.concurrency, maxConcurrency)}
	}
	return nil
}

func (a *app) undelete(ctx context.Context, f undeleteFlags) error {
	set, err := a.replicaSet()
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
	watch := undeleteProgress{p: p, now: time.Now, began: time.Now(), dryRun: f.dryRun, listing: listingBar{total: &total.sum}}
	rules := set.FollowRules()
	report, err := undelete.Run(ctx, undelete.Options{
		Members: undelete.NewMembers(config, set, account, f.concurrency, slog.New(slog.NewTextHandler(noteWriter{p}, nil))),
		Span:    undelete.Span{Since: f.since.time, Until: f.until.time},
		Prefix:  f.prefix, Keys: f.keys, Match: set.Matches, KMS: set.OpaqueETags(), DryRun: f.dryRun, Concurrency: f.concurrency,
		Follows: func(key string) bool { return rules.For(key).Overwrites }, FollowSince: set.FollowSince,
	}, undelete.Observer{Progress: watch.progress, Failed: watch.failed})
	p.done()
	span := undelete.Span{Since: f.since.time, Until: f.until.time}
	if err := a.writeUndelete(document.NewUndelete(set.Name, span, f.dryRun, report, err)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if set.NoUserCopies && report.Sum().Restored > 0 {
		p.note("%s", f.unannounced())
	}
	return undeleteError(report, f, err)
}

// unannounced says how what was restored comes to the other Regions where S3 does not
// announce copies.
func (f *undeleteFlags) unannounced() string {
	command := "s3fanout backfill --restore-deleted"
	if f.prefix != "" {
		command += " --prefix=" + printable.Shell(f.prefix)
	}
	for _, key := range f.keys {
		command += " --key=" + printable.Shell(key)
	}
	return "copiesByUsers is false, so S3 does not announce what was restored; " +
		"to copy it, and what else only some Regions have deleted: " + command
}

// undeleteError says what is wrong with the end of a run, nil if nothing is.
func undeleteError(report undelete.Report, f undeleteFlags, err error) error {
	switch failed := report.Sum().Failed; {
	case report.Interrupted && f.dryRun:
		return classified{errors.New("interrupted; the numbers are those of the keys listed so far"), errInterrupted}
	case report.Interrupted:
		return classified{fmt.Errorf("interrupted; for what is left run it again with --since %s --until %s",
			f.since.time.Format(time.RFC3339), f.until.time.Format(time.RFC3339)), errInterrupted}
	case err != nil:
		return err
	case failed > 0:
		return classified{
			fmt.Errorf("%s could not be restored; remove the causes above and run it again with --since %s --until %s", objectCount(failed),
				f.since.time.Format(time.RFC3339), f.until.time.Format(time.RFC3339)),
			errLeftOver,
		}
	}
	return nil
}

// undeleteProgress turns what the run tells into a status. The run never calls it
// twice at once.
type undeleteProgress struct {
	p      *progress
	now    func() time.Time
	began  time.Time
	last   time.Time
	meter  ui.Meter
	dryRun bool
	named  int // failures

	listing listingBar
}

func (w *undeleteProgress) progress(u undelete.Progress) {
	now, last := w.now(), u.Listed && (w.dryRun || u.Ended == u.Objects)
	if now.Sub(w.last) < statusInterval && !last {
		return
	}
	w.last = now
	text := describeUndelete(u, w.dryRun)
	if w.listing.status(w.p, w.dryRun, u.Listed, u.Keys, now.Sub(w.began), text) {
		return
	}
	if left, ok := w.meter.Left(int64(u.Ended), int64(u.Objects), now.Sub(w.began)); ok {
		text += "; " + ui.Span(left) + " left"
	}
	w.p.share(u.Ended, u.Objects, text)
}

// failed names the failures that the result does not.
func (w *undeleteProgress) failed(f backfill.Failure) {
	if w.named++; w.named > undelete.MaxFailures {
		w.p.note("%s: %s: %s", f.Region, printable.Quote(f.Key), f.Reason)
	}
}

// describeUndelete is the line of a run. Until the listing is done, nobody knows
// how much there is to do.
func describeUndelete(u undelete.Progress, dryRun bool) string {
	least := "at least "
	if u.Listed {
		least = ""
	}
	line := fmt.Sprintf("%s listed; %s%s deleted, %s", keyCount(u.Keys), least, objectCount(u.Objects), table.Bytes(u.Bytes))
	if dryRun {
		return line
	}
	line += fmt.Sprintf("; %d done", u.Ended)
	if u.Failed > 0 {
		line += fmt.Sprintf(", %d failed", u.Failed)
	}
	return line
}
