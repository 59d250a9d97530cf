package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/printable"
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
			if d.DryRun {
				b.WriteString(foundLines(d.Found, undelete.Restore, r.Region, r.Objects, width))
			}
		}
	}
	for _, stays := range []struct {
		n                int
		verdict          undelete.Verdict
		verb, many, text string
	}{
		{d.Earlier, undelete.Earlier, "stays", "stay", "deleted: deleted before, too"},
		{d.Later, undelete.Later, "stays", "stay", "deleted: deleted again later"},
		{d.Recreated, undelete.Recreated, "stays", "stay", "as is: written again since, or different in another Region"},
		{d.Lost, undelete.Lost, "cannot", "cannot", "be restored: no version is left under the delete marker"},
	} {
		if stays.n > 0 {
			line(countOf(stays.n, "key "+stays.verb, "keys "+stays.many) + " " + stays.text)
			b.WriteString(foundLines(d.Found, stays.verdict, "", stays.n, width))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shownFound is how many keys of a verdict the text names.
const shownFound = 10

// foundLines name the first of so many keys with a verdict, whose version the
// Region has; empty for none.
func foundLines(found []document.UndeleteFound, verdict undelete.Verdict, region string, n, width int) string {
	const indent = "    "
	var b strings.Builder
	shown := 0
	for _, f := range found {
		if f.Verdict != string(verdict) || f.Region != region {
			continue
		}
		if shown == shownFound {
			break
		}
		key := printable.Quote(f.Key)
		if width > 0 {
			key = table.CutStart(key, max(width-len(indent), narrowestKey))
		}
		b.WriteString(indent + key + "\n")
		shown++
	}
	if shown > 0 && n > shown {
		fmt.Fprintf(&b, indent+"and %d more; --output json has the first %d\n", n-shown, undelete.MaxFound)
	}
	return b.String()
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
