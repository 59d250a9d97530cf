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
		Short: "Report how many objects arrived in time in a month",
		Long: `Report a month: how many objects arrived within 1, 15 and 60 minutes for each
pair of Regions, how many were late or failed, and what reconcile found.`,
		Example: `  s3fanout report --month 2026-11
  s3fanout report --output markdown > report.md
  s3fanout report --month 2026-11 --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.report(cmd.Context(), month, form) },
	}
	cmd.Flags().Var(&month, "month", "such as 2026-11 (default: the last one)")
	// In place of the root's, which knows no Markdown.
	cmd.Flags().Var(&form, "output", "format of the report")
	return cmd
}

// monthFlag is the value of --month; the zero value is that it was not given.
type monthFlag struct {
	month report.Month
	isSet bool
}

// String is the flag's value, for cobra.
func (m *monthFlag) String() string {
	if !m.isSet {
		return ""
	}
	return m.month.String()
}

// Type names the flag's value in help.
func (m *monthFlag) Type() string { return "month" }

// Set reads a month.
func (m *monthFlag) Set(s string) (err error) {
	m.month, err = report.ParseMonth(s)
	m.isSet = err == nil
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
	if !month.isSet {
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
	next, stop := a.newProgress().counting(len(set.Regions), "Regions asked")
	o.Done = func(string) { next() }
	r, err := report.Make(ctx, o)
	stop()
	switch {
	case err != nil && ctx.Err() != nil:
		return classified{errors.New("interrupted; nothing was changed"), errInterrupted}
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
