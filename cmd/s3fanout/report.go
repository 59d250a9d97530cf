package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/metricdata"
	"s3fanout/internal/operator/report"
)

func newReportCommand(a *app) *cobra.Command {
	var month monthFlag
	form := reportFormat(outputText)
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Tell how many objects arrived in time in a month",
		Long: `Tell how a replica set did in a month: for each pair of Regions how many objects
arrived within 1, 15 and 60 minutes of their upload, how many were late, and how
long the latest took; what was given up; and what the scheduled comparisons
(reconcile) found and repaired.

A month is one of UTC, and an object belongs to the month in which it arrived.
Late is what took longer than replicationTimeThreshold in cdk.json, 15 minutes
by default. The numbers come from CloudWatch alone, which keeps them by the hour
for 455 days and interpolates near a limit; in an hour whose latest object was
in time, all are counted in time.

What the function copied for an event is counted, also what was overwritten. Not
counted are copies of backfill, S3 Batch Operations and reconcile, deletions and
tags that were followed, and an object whose function died after the copy. An
object that never arrived has no time: its event is among those given up, and in
the dead-letter queue.

AWS requests: cloudwatch:GetMetricData, once in each Region. CloudWatch charges
0.01 USD for 1,000 metrics; a run asks for 6N+6 at most in each of N Regions:
less than 0.01 USD for ten Regions.

With --output json the result is one document:
  {"replicaSet", "month", "from", "until", "complete", "thresholdSeconds",
   "pairs": [{"sourceRegion", "targetRegion", "arrived",
     "within": [{"seconds", "arrived"}], "late", "worst": {"seconds", "hour"}}],
   "regions": [{"region", "unavailable", "givenUp", "undelivered", "lost",
     "proofs": {"complete", "longestSeconds", "oldestSeconds", "keysCompared",
       "keysMissing", "keysDifferent", "keysRepaired", "keysUnrepaired"}}]}
"complete" is false if the month is not over, or partly forgotten. "worst" is
null where nothing arrived. "givenUp" are events that Lambda gave up, after all
attempts or while the Region was paused, "undelivered" messages of the Region's
topic that SNS did; each is a dead letter, or one of "lost". "proofs" is null
where reconcile is off; its numbers of keys are lower bounds, as a function that
dies takes up to a minute of its counts with it.

Exit codes: 0 done; 1 the CloudWatch of a Region did not answer, and the rest
was reported; 2 usage or configuration; 130 interrupted.`,
		Example: `  s3fanout report --month 2026-11
  s3fanout report --output markdown > report.md
  s3fanout report --month 2026-11 --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.report(cmd.Context(), month, form) },
	}
	cmd.Flags().Var(&month, "month", "month to report, as 2026-11 (default: the last one that is over)")
	// In place of the root's, which knows no Markdown.
	cmd.Flags().Var(&form, "output", "form of the result")
	return cmd
}

// monthFlag is the value of --month; the zero value is that it was not given.
type monthFlag struct {
	month report.Month
	given bool
}

// String is the flag's value, for cobra.
func (m *monthFlag) String() string {
	if !m.given {
		return ""
	}
	return m.month.String()
}

// Type names the flag's value in help.
func (m *monthFlag) Type() string { return "month" }

// Set reads a month.
func (m *monthFlag) Set(s string) (err error) {
	m.month, err = report.ParseMonth(s)
	m.given = err == nil
	return err
}

// reportFormat is the value of report's --output.
type reportFormat outputFormat

const outputMarkdown reportFormat = "markdown"

// String is the flag's value, for cobra.
func (f *reportFormat) String() string { return string(*f) }

// Type names the flag's value in help.
func (f *reportFormat) Type() string { return "text|markdown|json" }

// Set accepts the known forms alone.
func (f *reportFormat) Set(s string) error {
	switch v := reportFormat(s); v {
	case reportFormat(outputText), reportFormat(outputJSON), outputMarkdown:
		*f = v
		return nil
	}
	return errors.New("it has to be text, markdown or json")
}

func (a *app) report(ctx context.Context, month monthFlag, form reportFormat) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	o := report.Options{Set: set, Month: month.month, Threshold: set.ReplicationTime(), Now: time.Now()}
	if !month.given {
		o.Month = report.MonthOf(o.Now).Before()
	}
	if _, _, err := o.Month.Kept(o.Now); err != nil {
		return usageError{fmt.Errorf("--month: %w", err)}
	}
	config, err := awsConfig(ctx, set.Regions[0])
	if err != nil {
		return err
	}
	o.Clients = metricdata.NewClients(config, set.Regions)
	p := a.newProgress()
	seen := 0
	o.Done = func(string) {
		if seen++; p.width > 0 { // in a file it would say nothing that the result does not
			p.status("%d of %d Regions asked", seen, len(set.Regions))
		}
	}
	r, err := report.Make(ctx, o)
	p.done()
	switch {
	case err != nil && ctx.Err() != nil:
		return marked{errors.New("interrupted; nothing was changed"), errInterrupted}
	case err != nil:
		return err
	}
	if err := a.writeReport(r, form); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	var errs []error
	for _, region := range r.Regions {
		errs = append(errs, region.Err)
	}
	return awsapi.Join(errs)
}
