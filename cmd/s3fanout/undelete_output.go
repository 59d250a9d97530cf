package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/table"
)

// writeUndelete writes the result to stdout.
func (a *app) writeUndelete(d document.Undelete) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writeUndeleteText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout), a.colours(a.stdout))
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
		fmt.Fprintf(&b, "Nothing to restore of what was deleted %s\n", span)
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
		{d.Earlier, "stays deleted: was deleted before, too"},
		{d.Later, "stays deleted: was deleted again later"},
		{d.Recreated, "stays as it is: written again since, or different in another Region"},
		{d.Lost, "cannot be restored: no version is left under the delete marker"},
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
		return text + " would be restored"
	}
	parts := []string{text, fmt.Sprintf("%d restored (%s)", r.Restored, table.Bytes(r.RestoredBytes))}
	for _, part := range []struct {
		n    int
		text string
	}{
		{r.Present, "came back by themselves"},
		{r.Gone, "lost their version in the meantime"},
		{r.Failed, "failed"},
		{r.Left, "left"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	return strings.Join(parts, ", ")
}
