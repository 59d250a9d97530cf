package main

import (
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/operator/batchjob"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
	"s3fanout/internal/ui"
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
	return writeBatchText(a.hinting(a.stdout), d.Jobs, a.terminalWidth(a.stdout))
}

// writeBatchText writes a table with a row for each job, and how to follow the first.
func writeBatchText(w io.Writer, jobs []document.BatchJob, width int) error {
	t := table.Table{Width: width, Columns: []table.Column{{Title: "REGION"}, {Title: "TO"}, {Title: "JOB"}}}
	var follow []string
	for _, job := range jobs {
		level, id := ui.OK, job.JobID
		switch {
		case id == "":
			level, id = ui.Failed, "not created"
		case len(follow) == 0:
			follow = append(follow, "Follow it: s3fanout backfill --job "+id+" --region "+job.Region)
		}
		region := job.Region
		if width > 0 {
			region = level.Sign() + " " + region
		}
		t.Rows = append(t.Rows, table.Row{Cells: []string{region, job.TargetRegion, id}})
	}
	if _, err := t.WriteTo(w); err != nil {
		return err
	}
	return writeLines(w, follow, width)
}

func (a *app) writeBatchJob(account string, j batchjob.Job) error {
	if a.output == outputJSON {
		return a.writeBatchJSON(document.NewBatchStatus(j))
	}
	return writeBatchJobText(a.stdout, account, j, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeBatchJobText writes the state of a job, what it waits for, and its report.
func writeBatchJobText(w io.Writer, account string, j batchjob.Job, width int, colours bool) error {
	state := printable.Quote(j.Status)
	if j.Target != "" {
		state += ", copying to " + printable.Quote(j.Target)
	}
	if _, err := fmt.Fprintln(w, levelLine(batchJobLevel(j), j.Region, state, width, colours)); err != nil {
		return err
	}
	var lines []string
	switch {
	case j.Tasks > 0:
		lines = append(lines, fmt.Sprintf("%d of %d objects done, %d failed", j.Succeeded+j.Failed, j.Tasks, j.Failed))
	case !j.Over():
		lines = append(lines, "the objects are being listed")
	}
	for _, reason := range j.Failures {
		lines = append(lines, printable.Quote(reason))
	}
	if j.Status == string(types.JobStatusSuspended) {
		lines = append(lines, fmt.Sprintf(
			"Confirm it: aws s3control update-job-status --region %s --job-id %s --requested-job-status Ready --account-id %s",
			j.Region, j.ID, account,
		))
	}
	if j.Report != "" && j.Over() {
		lines = append(lines, "Report: "+printable.Quote(j.Report))
	}
	return writeLines(w, lines, width)
}

// batchJobLevel is how good or bad the state of a job is.
func batchJobLevel(j batchjob.Job) ui.Level {
	switch {
	case j.Over() && j.Status != string(types.JobStatusComplete):
		return ui.Failed
	case j.Failed > 0, j.Status == string(types.JobStatusSuspended):
		return ui.Warning
	case !j.Over():
		return ui.Note
	}
	return ui.OK
}

func (a *app) writeBatchJSON(v any) error {
	return writeJSONDocument(a.stdout, v)
}
