package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/table"
)

// undeleteDocument is what undelete --output json writes. Its names and the
// values of class are stable.
type undeleteDocument struct {
	ReplicaSet  string    `json:"replicaSet"`
	DryRun      bool      `json:"dryRun"`
	Interrupted bool      `json:"interrupted"`
	Error       string    `json:"error,omitempty"`
	Since       time.Time `json:"since"`
	Until       time.Time `json:"until"`
	Keys        int       `json:"keys"`
	undeleteCounts
	Earlier   int               `json:"earlier"`
	Later     int               `json:"later"`
	Recreated int               `json:"recreated"`
	Lost      int               `json:"lost"`
	Regions   []undeleteRegion  `json:"regions"`
	Requests  backfillRequests  `json:"requests"`
	Failures  []backfillFailure `json:"failures"`
}

type undeleteCounts struct {
	Objects       int   `json:"objects"`
	Bytes         int64 `json:"bytes"`
	Restored      int   `json:"restored"`
	RestoredBytes int64 `json:"restoredBytes"`
	Present       int   `json:"present"`
	Gone          int   `json:"gone"`
	Failed        int   `json:"failed"`
	Left          int   `json:"left"`
}

type undeleteRegion struct {
	Region string `json:"region"`
	undeleteCounts
}

func newUndeleteCounts(r undelete.Region) undeleteCounts {
	return undeleteCounts{
		Objects: r.Objects, Bytes: r.Bytes, Restored: r.Restored, RestoredBytes: r.RestoredBytes,
		Present: r.Present, Gone: r.Gone, Failed: r.Failed, Left: r.Left(),
	}
}

func newUndeleteDocument(set string, f undeleteFlags, report undelete.Report, err error) undeleteDocument {
	sum := report.Sum()
	d := undeleteDocument{
		ReplicaSet: set, DryRun: f.dryRun, Interrupted: report.Interrupted, Since: f.since.time, Until: f.until.time, Keys: report.Keys,
		undeleteCounts: newUndeleteCounts(sum),
		Earlier:        report.Earlier, Later: report.Later, Recreated: report.Recreated, Lost: report.Lost,
		Regions: []undeleteRegion{}, Requests: newBackfillRequests(sum.Requests), Failures: []backfillFailure{},
	}
	d.Requests.List += report.Lists
	if err != nil {
		d.Error = oneLine(err.Error())
	}
	for _, r := range report.Regions {
		d.Regions = append(d.Regions, undeleteRegion{r.Region, newUndeleteCounts(r)})
	}
	for _, f := range report.Failures {
		d.Failures = append(d.Failures, backfillFailure{Region: f.Region, Key: f.Key, Class: string(f.Class), Reason: f.Reason})
	}
	return d
}

// writeUndelete writes the result to stdout.
func (a *app) writeUndelete(d undeleteDocument) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writeUndeleteText(a.stdout, d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeUndeleteText writes a table of the failures, and a line for each Region in
// which something was deleted.
func writeUndeleteText(w io.Writer, d undeleteDocument, width int, colours bool) error {
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
			fmt.Fprintf(&b, "%s: %s\n", r.Region, describeUndeleted(d, r.undeleteCounts))
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
func describeUndeleted(d undeleteDocument, r undeleteCounts) string {
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
