package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
)

// mostReasons is how many reasons the text's summary has; further ones are
// counted.
const mostReasons = 20

// sameReason stands below a dead letter instead of the reason of the one before.
const sameReason = "the same reason"

// writeRedriveText writes a table of the dead letters that are left, a line for each
// Region, the reasons, and what to do about them. Dead letters that were replayed are
// counted alone: nobody has to do anything about them. On a terminal, whose width is
// not 0, a dead letter's reason is a paragraph below it: in a column there would be no
// room for what matters.
func writeRedriveText(w io.Writer, d redriveView, width int, colours bool) error {
	left := slices.DeleteFunc(slices.Clone(d.Letters), func(l document.RedriveLetter) bool {
		return l.Outcome == string(redrive.Skipped) || l.Outcome == string(redrive.Replayed)
	})
	if len(left) > 0 {
		if _, err := lettersTable(left, width, colours).WriteTo(w); err != nil {
			return err
		}
	}
	for _, r := range d.Regions {
		if _, err := fmt.Fprintf(w, "%s: %s\n", r.Region, describeRegion(d.Redrive, r)); err != nil {
			return err
		}
	}
	if d.Limited {
		if _, err := fmt.Fprintln(w, "Stopped at --max; what was not tried is still in the queues."); err != nil {
			return err
		}
	}
	if err := writeReasons(w, "Reasons of those replayed:", d.replayed, width); err != nil {
		return err
	}
	if len(left) > 1 { // else the table says it
		if err := writeReasons(w, "Reasons:", d.left, width); err != nil {
			return err
		}
	}
	return writeNext(w, d.left, width)
}

// writeReasons writes how many dead letters have, or had, which reason.
func writeReasons(w io.Writer, title string, reasons []document.RedriveReason, width int) error {
	var lines []string
	for i, r := range reasons {
		if i == mostReasons {
			lines = append(lines, fmt.Sprintf("and %d more", len(reasons)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("%d × %s", r.Count, printable.Short(printable.Quote(r.Reason))))
	}
	return writeList(w, title, lines, width)
}

// writeNext writes what to do, each once.
func writeNext(w io.Writer, reasons []document.RedriveReason, width int) error {
	var lines []string
	for _, r := range reasons {
		if r.Next != "" && !slices.Contains(lines, r.Next) {
			lines = append(lines, r.Next)
		}
	}
	return writeList(w, "Next:", lines, width)
}

// writeList writes lines below a title, nothing if there are none.
func writeList(w io.Writer, title string, lines []string, width int) error {
	if len(lines) == 0 {
		return nil
	}
	text := title + "\n"
	for _, line := range lines {
		if width > 0 {
			const indent = "    "
			line = table.Wrap(line, width-len(indent), indent)
		}
		text += "  " + line + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

func lettersTable(letters []document.RedriveLetter, width int, colours bool) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{{Title: "REGION"}, {Title: "KIND"}, {Title: "OBJECTS", Cut: table.CutStart}}}
	if width == 0 {
		t.Columns = append(t.Columns, table.Column{Title: "REASON"})
	}
	t.Columns = append(t.Columns, table.Column{Title: "RESULT"})
	last := ""
	for _, l := range letters {
		kind := cmp.Or(l.Kind, "unknown")
		// Where the dead letter stays for another reason than before, that is the one
		// to act on.
		reason := printable.Quote(deadletter.Essence(cmp.Or(l.Detail, l.Reason)))
		row := table.Row{Cells: []string{l.Region, kind, describeObjects(l.Objects)}}
		if width == 0 {
			row.Cells = append(row.Cells, printable.Short(reason))
		} else {
			// The object is in the line above, and the requests in the JSON.
			row.Below = printable.Quote(deadletter.Cause(cmp.Or(l.Detail, l.Reason)))
			if row.Below == last && len(last) > len(sameReason) {
				row.Below = sameReason
			} else {
				last = row.Below
			}
		}
		row.Cells = append(row.Cells, l.Outcome)
		t.Rows = append(t.Rows, row)
	}
	if colours {
		t.Paint = func(row, column int, cell string) string {
			if column < len(t.Columns)-1 {
				return cell
			}
			return outcomeColour(redrive.Outcome(letters[row].Outcome)) + cell + plain
		}
	}
	return t
}

// describeRegion says how a Region's queue stands.
func describeRegion(d document.Redrive, r document.RedriveRegion) string {
	held := fmt.Sprintf("about %d are held by another reader for at most %d minutes", r.Held, int(redrive.HoldTime.Minutes()))
	line := "no dead letters"
	switch {
	case r.Error != "" && r.Found == 0:
		line = "not read"
	case d.DryRun && r.Found > 0:
		line = letterCount(r.Found)
	case r.Found > 0:
		line = fmt.Sprintf("%s, %d replayed, %d left", letterCount(r.Found), r.Replayed, r.Left)
	case d.Interrupted:
		line = "interrupted"
	case r.Held > 0:
		return "none could be read; " + held
	}
	if r.Skipped > 0 {
		line += fmt.Sprintf(", %d skipped", r.Skipped)
	}
	if r.Held > 0 {
		line += "; also, " + held
	}
	return line
}

func describeObjects(objects []document.RedriveObject) string {
	if len(objects) == 0 {
		return "-"
	}
	s := printable.Quote("s3://" + objects[0].Bucket + "/" + objects[0].Key)
	if change := objects[0].Change; change != "" {
		s += " (" + change + ")"
	}
	if more := len(objects) - 1; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

func outcomeColour(o redrive.Outcome) string {
	switch o {
	case redrive.Replayed:
		return green
	case redrive.Waiting, redrive.Interrupted, redrive.Skipped:
		return yellow
	default:
		return red
	}
}
