package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

// writeBackfill writes the result to stdout.
func (a *app) writeBackfill(d document.Backfill) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writeBackfillText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeBackfillText writes a table of the failures and a line for each target.
func writeBackfillText(w io.Writer, d document.Backfill, width int, colours bool) error {
	if len(d.Failures) > 0 {
		if _, err := failuresTable(d.Failures, width, colours).WriteTo(w); err != nil {
			return err
		}
	}
	var b strings.Builder
	if d.DryRun && len(d.Conflicts) > 0 {
		if _, err := conflictsTable(d.Conflicts, width).WriteTo(&b); err != nil {
			return err
		}
	}
	line := func(format string, args ...any) {
		b.WriteString(wrapped(fmt.Sprintf(format, args...), width, "  ") + "\n")
	}
	for _, w := range d.Wins {
		line("%s: its write wins for %s of which Regions have different ones", w.Region, keyCount(w.Keys))
	}
	deleted := 0
	for _, t := range d.Targets {
		level := ui.OK
		if t.Failed > 0 {
			level = ui.Failed
		}
		b.WriteString(levelLine(level, t.Region, describeTarget(d, t), width, colours) + "\n")
		deleted += t.Deleted
	}
	if deleted > 0 {
		line("What was deleted in a Region stays deleted there; --restore-deleted copies it")
	}
	if d.Different > 0 {
		line("%s between Regions, left as is; s3fanout verify shows which", countOf(d.Different, "key differs", "keys differ"))
	}
	if e := d.Estimate; e != nil {
		line("Estimated cost: %s (%s for %d requests, %s for transfer) at list prices%s",
			dollars(e.Dollars), dollars(e.RequestDollars), totalOf(e.Requests), dollars(e.TransferDollars), assumed(e.AssumedPrices))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// conflictsTable says which write of a key wins.
func conflictsTable(conflicts []document.BackfillConflict, width int) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{
		{Title: "WINS"}, {Title: "WRITTEN"}, {Title: "LOSES"}, {Title: "KEY", Cut: table.CutStart},
	}}
	for i, c := range conflicts {
		if i == shownConflicts {
			t.Rows[i-1].Below = fmt.Sprintf("and %d more; --output json has the first %d", len(conflicts)-i, backfill.MaxFailures)
			break
		}
		wins := c.Wins
		if c.Deleted {
			wins += " (deleted)"
		}
		t.Rows = append(t.Rows, table.Row{Cells: []string{
			wins, c.Written.Format(time.RFC3339), strings.Join(c.Loses, ", "), printable.Quote(c.Key),
		}})
	}
	return t
}

// shownConflicts is how many a table has.
const shownConflicts = 20

// failuresTable has the reason in a column, or on a terminal below the key: in
// a column there would be no room for what matters.
func failuresTable(failures []document.CopyFailure, width int, colours bool) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{{Title: "REGION"}, {Title: "KEY", Cut: table.CutStart}}}
	if width == 0 {
		t.Columns = append(t.Columns, table.Column{Title: "REASON"})
	}
	t.Columns = append(t.Columns, table.Column{Title: "CLASS"})
	for _, f := range failures {
		reason := printable.Quote(f.Reason)
		row := table.Row{Cells: []string{f.Region, printable.Quote(f.Key)}}
		if width == 0 {
			row.Cells = append(row.Cells, printable.Short(reason))
		} else {
			row.Below = reason
		}
		row.Cells = append(row.Cells, f.Class)
		t.Rows = append(t.Rows, row)
	}
	if colours {
		t.Paint = func(row, column int, cell string) string {
			if column < len(t.Columns)-1 {
				return cell
			}
			if failures[row].Class == string(copier.Retryable) {
				return yellow + cell + plain
			}
			return red + cell + plain
		}
	}
	return t
}

// describeTarget says how a Region stands.
func describeTarget(d document.Backfill, t document.BackfillTarget) string {
	if t.Missing+t.Stale+t.Undeleted == 0 {
		if d.Interrupted || d.Error != "" {
			return "nothing is known to be missing"
		}
		return "nothing is missing"
	}
	parts := []string{objectCount(t.Missing) + " missing"}
	if t.Stale > 0 {
		parts[0] += fmt.Sprintf(", %d older than the latest", t.Stale)
	}
	if t.Undeleted > 0 {
		parts[0] += fmt.Sprintf(", %d deleted elsewhere", t.Undeleted)
	}
	if d.DryRun {
		parts[0] += ", " + table.Bytes(t.MissingBytes)
	} else {
		parts = append(parts, fmt.Sprintf("%d copied (%s)", t.Copied+t.Replaced, table.Bytes(t.Bytes)))
	}
	for _, part := range []struct {
		n    int
		text string
	}{
		{t.Hidden, "deleted"},
		{t.Kept, "kept"},
		{t.Destroyed, "destroyed where they were written"},
		{t.Deleted, "deleted there, not restored"},
		{t.Copying, "being copied by others"},
		{t.Exists, "arrived meanwhile"},
		{t.Diverged, "arrived meanwhile with other contents"},
		{t.SourceGone, "deleted at the source"},
		{t.NoSource, "missing in the source Region, too"},
		{t.Failed, "failed"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	if t.Left > 0 && !d.DryRun {
		parts = append(parts, fmt.Sprintf("%d left", t.Left))
	}
	return strings.Join(parts, ", ")
}

func totalOf(r document.CopyRequests) int {
	return r.Copy + r.Head + r.Tags + r.Create + r.Part + r.List + r.Complete + r.Abort + r.Delete
}

// dollars is a sum for people. What rounds to nothing is not free.
func dollars(sum float64) string {
	if sum > 0 && sum < 0.01 {
		return "less than $0.01"
	}
	return fmt.Sprintf("$%.2f", sum)
}

func assumed(regions []string) string {
	if len(regions) == 0 {
		return ""
	}
	return "; those of " + strings.Join(regions, ", ") + " are not known and assumed"
}
