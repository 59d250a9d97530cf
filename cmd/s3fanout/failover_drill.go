package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/failover"
	"s3fanout/internal/ui"
)

type drillFlags struct {
	shiftFlags
	length, every, settle time.Duration
	reports               string
}

const (
	defaultDrill = 10 * time.Minute
	longestDrill = 24 * time.Hour
	defaultEvery = 30 * time.Second
)

func newFailoverDrillCommand(a *app) *cobra.Command {
	var f drillFlags
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Shift traffic for a time, watch, shift back, write a report",
		Long: `Rehearse a failover: check that readers miss nothing, shift the traffic, watch
Regions and reads, shift back, and write a dated report. Ctrl-C shifts back.`,
		Example: `  s3fanout failover drill --away-from eu-west-1 --dry-run
  s3fanout failover drill --away-from eu-west-1 --for 1h`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.failoverDrill(cmd.Context(), f)
		},
	}
	f.add(cmd)
	cmd.Flags().DurationVar(&f.length, "for", defaultDrill, "how long the traffic stays shifted")
	cmd.Flags().DurationVar(&f.every, "every", defaultEvery, "time between two looks")
	cmd.Flags().DurationVar(&f.settle, "settle", failover.EffectTime, "wait for traffic to follow, before --for begins")
	cmd.Flags().StringVar(&f.reports, "reports", ".", "`directory` for the report")
	return cmd
}

func (f *drillFlags) check() error {
	if err := f.shiftFlags.check(); err != nil {
		return err
	}
	directory, err := os.Stat(f.reports)
	switch {
	case f.length < time.Second || f.length > longestDrill:
		return usageError{fmt.Errorf("--for %v: use 1s to %v", f.length, longestDrill)}
	case f.every < time.Second:
		return usageError{fmt.Errorf("--every %v: use at least 1s; each look takes dozens of requests", f.every)}
	case f.settle < 0 || f.settle > longestDrill:
		return usageError{fmt.Errorf("--settle %v: use 0s to %v", f.settle, longestDrill)}
	case err != nil:
		return usageError{fmt.Errorf("--reports: %w", err)}
	case !directory.IsDir():
		return usageError{fmt.Errorf("--reports %s: it is not a directory", f.reports)}
	}
	return nil
}

func (a *app) failoverDrill(ctx context.Context, f drillFlags) error {
	at, point, err := a.onePoint(ctx, f.point)
	if err != nil {
		return err
	}
	if err := reachesPoint(ctx, at.config, point); err != nil {
		return err
	}
	control, before, err := at.routes(ctx, point, f.away)
	if err != nil {
		return err
	}
	shifted, err := f.routes(before)
	if err != nil {
		return err
	}
	p := a.newProgress()
	drill := failover.Drill{
		Control: control, Look: failover.NewLooker(at.config, at.set, at.account).Look,
		Read:   failover.NewReader(at.config, at.set, at.account, point.ARN).Read,
		Routes: before, Shifted: shifted, For: f.length, Every: f.every, Settle: f.settle,
	}
	d := document.FailoverShift{
		ReplicaSet: at.set.Name, DryRun: f.dryRun, AccessPoint: document.NewFailoverPoint(point, control.Region(), before),
		After: document.NewFailoverRoutes(shifted), Risks: []document.FailoverRisk{}, Submitted: new(bool),
	}
	changes := failover.Changes(before, shifted)
	if len(changes) == 0 {
		return usageError{errors.New("the routes are already like that, and nothing would be shifted; see s3fanout failover status")}
	}
	stop := p.working("asking the Regions what readers would miss")
	first, risks, err := drill.Check(ctx)
	stop()
	if err != nil {
		return classified{errors.New("interrupted; nothing was changed"), errInterrupted}
	}
	d.Risks = document.NewFailoverRisks(risks)
	if len(risks) > 0 || f.dryRun {
		var refused error
		if len(risks) > 0 {
			refused = classified{fmt.Errorf("the drill was not begun, as readers would miss something, for %s above",
				countOf(len(risks), "reason", "reasons")), errLeftOver}
		}
		return withWrite(refused, a.writeFailoverShift(d, f.point))
	}
	if err := a.agree(
		ctx, f.yes, fmt.Sprintf("Shift the traffic of access point %s for %v: %s?", point.Name, f.length, describeChanges(changes)),
	); err != nil {
		return err
	}
	if err := stillSo(ctx, control, before); err != nil {
		return err
	}
	reports, err := createDrillReports(f.reports, first.Time)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	p.note("if this is killed, shift back by hand: %s", shiftBack(d.AccessPoint.Routes, f.point))
	drill.Report, stop = p.phases()
	result := drill.Run(ctx, first)
	stop()
	report := document.NewFailoverDrill(at.set.Name, d.AccessPoint, shifted, result)
	return withWrite(drillError(result, shiftBack(d.AccessPoint.Routes, f.point)), a.writeFailoverDrill(report, reports))
}

// reachesPoint refuses to send reads to AWS where another endpoint is configured: the
// SDK knows no other host of an access point, so a proxy has to lead to it.
func reachesPoint(ctx context.Context, config aws.Config, point failover.Point) error {
	if config.BaseEndpoint == nil {
		return nil
	}
	url := "https://" + point.Alias + ".accesspoint.s3-global.amazonaws.com/"
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return err
	}
	if proxy, err := http.ProxyFromEnvironment(r); err != nil || proxy == nil {
		return usageError{errors.New("AWS_ENDPOINT_URL is set, and reads through the access point would still go to AWS: " +
			"set HTTPS_PROXY and AWS_CA_BUNDLE to what s3fanout sandbox says, or unset AWS_ENDPOINT_URL")}
	}
	return nil
}

// drillError says how a drill ended that has not passed.
func drillError(r failover.Result, back string) error {
	state := "the traffic is as it was"
	switch {
	case r.Unsure:
		state = "whether the traffic is as it was is not known: look with s3fanout failover status; to shift back: " + back
	case !r.Restored:
		state = "the traffic is NOT as it was; to shift back: " + back
	}
	switch r.Outcome {
	case failover.Interrupted:
		return classified{errors.New("interrupted; " + state), errInterrupted}
	case failover.Failed:
		return classified{fmt.Errorf("%s; %s", countOf(len(r.Problems), "problem", "problems"), state), errLeftOver}
	case failover.Passed:
	}
	return nil
}

// drillReports are the files of a report.
type drillReports struct {
	path       string // without the ending
	text, json *os.File
}

// createDrillReports makes the files before anything is shifted: where that fails, no
// drill begins.
func createDrillReports(directory string, began time.Time) (r drillReports, err error) {
	r.path = filepath.Join(directory, "failover-drill-"+began.UTC().Format("20060102T150405Z"))
	if r.text, err = os.Create(r.path + ".txt"); err == nil {
		if r.json, err = os.Create(r.path + ".json"); err != nil {
			_ = r.text.Close() // nothing was written
		}
	}
	if err != nil {
		err = fmt.Errorf("make the report: %w", err)
	}
	return r, err
}

// writeFailoverDrill writes the report to its files, which it closes, and to standard
// output.
func (a *app) writeFailoverDrill(d document.FailoverDrill, to drillReports) error {
	failed := errors.Join(writeDrillText(to.text, d, 0, false), to.text.Close(), writeJSONDocument(to.json, d), to.json.Close())
	shown := func(w io.Writer) error { return writeJSONDocument(w, d) }
	if a.output == outputText {
		shown = func(w io.Writer) error { return writeDrillText(w, d, a.terminalWidth(w), a.colours(w)) }
	}
	if err := shown(a.stdout); err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	a.newProgress().note("report: %s.txt, %s.json", to.path, to.path)
	return nil
}

// writeDrillText writes the report as people read it.
func writeDrillText(w io.Writer, d document.FailoverDrill, width int, colours bool) error {
	lines := []string{
		fmt.Sprintf("Failover drill of replica set %s: %s", d.ReplicaSet, d.Outcome),
		fmt.Sprintf("%s to %s, access point %s", d.Began.Format(time.RFC3339), d.Ended.Format(time.RFC3339), d.AccessPoint.ARN),
		"active before: " + strings.Join(activeOf(d.AccessPoint.Routes), ", "),
		"active during: " + strings.Join(activeOf(d.Shifted), ", ") + "; " + afterOr(d.AwaySeconds, "never shown by S3"),
	}
	back := "not known to be shifted back"
	if d.Restored {
		back = "shifted back, " + afterOr(d.BackSeconds, "as nothing had changed")
	}
	if err := writeLines(w, append(lines, back, ""), width); err != nil {
		return err
	}
	t := looksTable(d.Looks)
	t.Width = width
	if _, err := t.WriteTo(w); err != nil {
		return err
	}
	end := "\n"
	for _, problem := range d.Problems {
		end += levelLine(ui.Failed, "problem", problem, width, colours) + "\n"
	}
	if len(d.Problems) == 0 {
		end += "No problems.\n"
	}
	_, err := io.WriteString(w, end)
	return err
}

// afterOr says how long it took until S3 showed a change.
func afterOr(seconds *float64, otherwise string) string {
	if seconds == nil {
		return otherwise
	}
	return "shown by S3 after " + lag(*seconds*1000)
}

func activeOf(routes []document.FailoverRoute) (regions []string) {
	for _, r := range routes {
		if r.Active {
			regions = append(regions, r.Region)
		}
	}
	return regions
}
