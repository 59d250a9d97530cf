package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/table"
)

func newUndeleteCounts(r undelete.Region) document.UndeleteCounts {
	return document.UndeleteCounts{
		Objects: r.Objects, Bytes: r.Bytes, Restored: r.Restored, RestoredBytes: r.RestoredBytes,
		Present: r.Present, Gone: r.Gone, Failed: r.Failed, Left: r.Left(),
	}
}

func newUndeleteDocument(set string, f undeleteFlags, report undelete.Report, err error) document.Undelete {
	sum := report.Sum()
	d := document.Undelete{
		ReplicaSet: set, DryRun: f.dryRun, Interrupted: report.Interrupted, Since: f.since.time, Until: f.until.time, Keys: report.Keys,
		UndeleteCounts: newUndeleteCounts(sum),
		Earlier:        report.Earlier, Later: report.Later, Recreated: report.Recreated, Lost: report.Lost,
		Regions: []document.UndeleteRegion{}, Requests: newBackfillRequests(sum.Requests), Failures: []document.CopyFailure{},
	}
	d.Requests.List += report.Lists
	d.Requests.Head += report.Heads
	if err != nil {
		d.Error = oneLine(err.Error())
	}
	for _, r := range report.Regions {
		d.Regions = append(d.Regions, document.UndeleteRegion{Region: r.Region, UndeleteCounts: newUndeleteCounts(r)})
	}
	for _, f := range report.Failures {
		d.Failures = append(d.Failures, document.CopyFailure{Region: f.Region, Key: f.Key, Class: string(f.Class), Reason: f.Reason})
	}
	return d
}

// writeUndelete writes the result to stdout.
func (a *app) writeUndelete(d document.Undelete) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writeUndeleteText(a.stdout, d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeUndeleteText writes a table of the failures, and a line for each Region in
// which something was deleted.
func writeUndeleteText(w io.Writer, d document.Undelete, width int, colours bool) error {
	if len(d.Failures) > 0 {
		if _, err := failuresTable(d.Failures, width, colours).WriteTo(w); err != nil {
			return err
		}
	}
	var b strings.Builder
	span := fmt.Sprintf("from %s to %s", d.Since.Format(time.RFC3339), d.Until.Format(time.RFC3339))
	if d.Objects == 0 {
		fmt.Fprintf(&b, "Nothing to bring back of what was deleted %s\n", span)
	} else {
		fmt.Fprintf(&b, "Deleted %s:\n", span)
	}
	for _, r := range d.Regions {
		if r.Objects > 0 {
			fmt.Fprintf(&b, "%s: %s\n", r.Region, describeUndeleted(d, r.UndeleteCounts))
		}
	}
	for _, stays := range []struct {
		n    int
		text string
	}{
		{d.Earlier, "stays deleted: deleted before that as well"},
		{d.Later, "stays deleted: deleted again after that"},
		{d.Recreated, "stays as it is: written again since, or another Region has something else"},
		{d.Lost, "cannot come back: no version is left under the delete marker"},
	} {
		if stays.n > 0 {
			fmt.Fprintf(&b, "%s %s\n", keyCount(stays.n), stays.text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// describeUndeleted says how a Region stands.
func describeUndeleted(d document.Undelete, r document.UndeleteCounts) string {
	text := fmt.Sprintf("%s, %s", objectCount(r.Objects), table.Bytes(r.Bytes))
	if d.DryRun {
		return text + " would come back"
	}
	parts := []string{text, fmt.Sprintf("%d brought back (%s)", r.Restored, table.Bytes(r.RestoredBytes))}
	for _, part := range []struct {
		n    int
		text string
	}{
		{r.Present, "came back by themselves"},
		{r.Gone, "lost their version meanwhile"},
		{r.Failed, "failed"},
		{r.Left, "left"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	return strings.Join(parts, ", ")
}
