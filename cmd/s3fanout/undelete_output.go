package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/table"
	"s3fanout/internal/ui"
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
	line := func(text string) { b.WriteString(wrapped(text, width, "  ") + "\n") }
	if d.Objects == 0 {
		line("Nothing to restore of what was deleted " + span)
	} else {
		line("Deleted " + span + ":")
	}
	for _, r := range d.Regions {
		level := ui.OK
		if r.Failed > 0 {
			level = ui.Failed
		}
		if r.Objects > 0 {
			b.WriteString(levelLine(level, r.Region, describeUndeleted(d, r.UndeleteCounts), width, colours) + "\n")
		}
	}
	for _, stays := range []struct {
		n                int
		verb, many, text string
	}{
		{d.Earlier, "stays", "stay", "deleted: deleted before, too"},
		{d.Later, "stays", "stay", "deleted: deleted again later"},
		{d.Recreated, "stays", "stay", "as is: written again since, or different in another Region"},
		{d.Lost, "cannot", "cannot", "be restored: no version is left under the delete marker"},
	} {
		if stays.n > 0 {
			line(countOf(stays.n, "key "+stays.verb, "keys "+stays.many) + " " + stays.text)
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
