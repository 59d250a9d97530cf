package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/operator/batchjob"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
)

// writeBatch writes the jobs that were made, or would be.
func (a *app) writeBatch(d document.Batch) error {
	if a.output == outputJSON {
		return a.writeBatchJSON(d)
	}
	if len(d.Jobs) == 0 {
		return nil // nobody agreed to them
	}
	if d.DryRun {
		for _, job := range d.Jobs {
			if _, err := fmt.Fprintf(a.stdout, "A job in %s would be created:\n", job.Region); err != nil {
				return err
			}
			if err := a.writeBatchJSON(job.Request); err != nil {
				return err
			}
		}
		return nil
	}
	t := table.Table{Width: a.terminalWidth(a.stdout), Columns: []table.Column{{Title: "REGION"}, {Title: "TO"}, {Title: "JOB"}}}
	for _, job := range d.Jobs {
		id := job.JobID
		if id == "" {
			id = "not created"
		}
		t.Rows = append(t.Rows, table.Row{Cells: []string{job.Region, job.TargetRegion, id}})
	}
	if _, err := t.WriteTo(a.stdout); err != nil {
		return err
	}
	for _, job := range d.Jobs {
		if job.JobID != "" {
			_, err := fmt.Fprintf(a.hinting(a.stdout), "Follow it: s3fanout backfill --job %s --region %s\n", job.JobID, job.Region)
			return err
		}
	}
	return nil
}

func (a *app) writeBatchJob(account string, j batchjob.Job) error {
	if a.output == outputJSON {
		return a.writeBatchJSON(document.NewBatchStatus(j))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", j.Region, printable.Quote(j.Status))
	if j.Target != "" {
		fmt.Fprintf(&b, ", copying to %s", printable.Quote(j.Target))
	}
	b.WriteString("\n")
	switch {
	case j.Tasks > 0:
		fmt.Fprintf(&b, "%d of %d objects done, %d failed\n", j.Succeeded+j.Failed, j.Tasks, j.Failed)
	case !j.Over():
		b.WriteString("the objects are being listed\n")
	}
	for _, reason := range j.Failures {
		fmt.Fprintf(&b, "%s\n", printable.Quote(reason))
	}
	if j.Status == string(types.JobStatusSuspended) {
		fmt.Fprintf(
			&b,
			"Confirm it: aws s3control update-job-status --region %s --job-id %s --requested-job-status Ready --account-id %s\n",
			j.Region,
			j.ID,
			account,
		)
	}
	if j.Report != "" && j.Over() {
		fmt.Fprintf(&b, "Report: %s\n", printable.Quote(j.Report))
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

func (a *app) writeBatchJSON(v any) error {
	return writeJSONDocument(a.stdout, v)
}
