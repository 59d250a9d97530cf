package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/spf13/cobra"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/audit"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/table"
)

// auditFlags have the audit trail asked.
type auditFlags struct {
	audit bool
	since moment
}

func (f *auditFlags) register(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&f.audit, "audit", false, usage)
	cmd.Flags().Var(&f.since, "audit-since", "with --audit: ask it from this `time` on")
}

// from is from when on the trail is asked; zero if the command knows better. It refuses
// the flags where no trail is configured, and times of which it has nothing.
func (f *auditFlags) from(set replicaset.Config, now time.Time) (time.Time, error) {
	switch hasSince := f.since.text != ""; {
	case hasSince && !f.audit:
		return time.Time{}, usageError{errors.New("--audit-since is for --audit; give that too, or leave both out")}
	case !f.audit:
		return time.Time{}, nil
	case set.AuditTrail == nil:
		return time.Time{}, usageError{errors.New("--audit: cdk.json has no auditTrail, so that nobody records who writes; " +
			"set it and deploy, or leave --audit out")}
	case !hasSince:
		return time.Time{}, nil
	}
	f.since.settle(now)
	days := set.AuditTrail.Retention()
	switch {
	case f.since.time.After(now):
		return time.Time{}, usageError{fmt.Errorf("--audit-since %s is in the future; it is %s now",
			f.since.text, now.UTC().Format(time.RFC3339))}
	case f.since.time.Before(now.AddDate(0, 0, -days).Add(-time.Second)):
		return time.Time{}, usageError{fmt.Errorf("--audit-since %s: the trail keeps events for %d days; give %dd, or a later time",
			f.since.text, days, days)}
	}
	return f.since.time, nil
}

// asking says what a command about one key waits for.
func (f *auditFlags) asking(set replicaset.Config) string {
	text := "asking " + countOf(len(set.Regions), "Region", "Regions")
	if f.audit {
		text += " and the audit trail"
	}
	return text
}

// auditLogs asks CloudWatch Logs in the Region of the trail.
func auditLogs(config aws.Config, set replicaset.Config) audit.Logs {
	return cloudwatchlogs.NewFromConfig(config, func(o *cloudwatchlogs.Options) {
		o.Region = set.AuditRegion()
		o.HTTPClient = awsapi.HTTPClient(config, awsapi.RequestTime, 1)
	})
}

// auditTable lists what the trail has of a key.
func auditTable(d *document.Audit, width int) table.Table {
	t := table.Table{
		Width:   width,
		Columns: []table.Column{{Title: "EVENT AT"}, {Title: "REGION"}, {Title: "REQUEST"}, {Title: "VERSION", Cut: table.CutEnd}},
	}
	if d == nil {
		return t
	}
	for _, e := range d.Events {
		name, version := e.Event, "-"
		if e.VersionID != "" {
			version = e.VersionID
		}
		t.Rows = append(
			t.Rows,
			table.Row{Cells: []string{stamp(e.Time), e.Region, printable.Quote(name), printable.Quote(version)}, Below: auditBelow(e)},
		)
	}
	return t
}

// auditBelow is who sent a request, from where, and what came of it.
func auditBelow(e document.AuditEvent) string {
	parts := []string{auditWho(e)}
	if e.Destroyed {
		parts = append(parts, "destroyed the version")
	}
	if e.ByAccessPoint {
		parts = append(parts, "through the access point")
	}
	if e.Error != "" {
		parts = append(parts, "refused: "+e.Error)
	}
	if !e.Certain {
		parts = append(parts, "deleted several keys, likely this one")
	}
	return printable.Quote(strings.Join(parts, " · "))
}

func auditWho(e document.AuditEvent) string {
	switch {
	case e.By == "":
		return "caller not recorded, from " + e.Address
	case e.Own:
		return "by the function " + e.By
	}
	return "by " + e.By + " from " + e.Address
}

// writeAuditNote says from when on the trail was asked, and what it does not tell.
func writeAuditNote(w io.Writer, d *document.Audit, width int) error {
	if d == nil {
		return nil
	}
	said := "audit trail: asked from " + stamp(d.From)
	switch {
	case d.Error != "":
		said = "audit trail: not known: " + printable.Quote(d.Error)
	case d.Note != "":
		said += "; " + d.Note
	case len(d.Events) == 0:
		said += "; no event of this key"
	}
	if width == 0 {
		width = 1 << 30
	}
	const indent = "  "
	_, err := fmt.Fprintf(w, "%s\n", table.Wrap(said, width-len(indent), indent))
	return err
}
