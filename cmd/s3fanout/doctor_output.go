package main

import (
	"fmt"
	"io"
	"strings"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

func (a *app) writeDoctor(facts health.Facts, findings []health.Finding) error {
	d := document.NewDoctor(facts, findings)
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	d.Findings = document.NewFindings(health.ByUrgency(health.Merge(findings, facts.Caller)))
	return writeDoctorText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeDoctorText writes a table of the parts, and a paragraph for each
// finding.
func writeDoctorText(w io.Writer, d document.Doctor, width int, colours bool) error {
	title := fmt.Sprintf("Replica set %s in account %s, seen as %s", d.ReplicaSet, d.Account, printable.Quote(d.Caller))
	if _, err := fmt.Fprintf(w, "%s\n\n", wrapped(title, width, "  ")); err != nil {
		return err
	}
	t := table.Table{Width: width, Columns: []table.Column{{Title: "REGION"}}}
	for _, part := range health.Parts() {
		t.Columns = append(t.Columns, table.Column{Title: partTitle(part)})
	}
	for _, r := range d.Regions {
		row := table.Row{Cells: []string{markedRegion(r.Region, r.Parts, width)}}
		for _, part := range health.Parts() {
			row.Cells = append(row.Cells, r.Parts[string(part)])
		}
		t.Rows = append(t.Rows, row)
	}
	if colours {
		t.Paint = paintParts(func(row int) map[string]string { return d.Regions[row].Parts })
	}
	if _, err := t.WriteTo(w); err != nil {
		return err
	}
	for _, f := range d.Findings {
		if err := writeFinding(w, f, width, colours); err != nil {
			return err
		}
	}
	if len(d.Findings) == 0 {
		text := "All checks passed. Whether every object is in every Region: s3fanout verify"
		if d.Probed {
			text = "S3 enforces the condition of copies. " + text
		}
		_, err := fmt.Fprintln(w, "\n"+wrapped(text, width, ""))
		return err
	}
	return nil
}

// partTitle is a part's name as a column's title.
func partTitle(part health.Part) string {
	if part == health.PartSubscriptions {
		return "SUBSCR."
	}
	return strings.ToUpper(string(part))
}

// writeFinding writes a paragraph: what was found, what it means, and each step of
// the fix in a line of its own. Commands are never wrapped, so that they can be copied.
func writeFinding(w io.Writer, f document.Finding, width int, colours bool) error {
	const indent = "         "
	room := 1 << 30
	if width > 0 {
		room = max(width-len(indent), 20)
	}
	level := severityLevel(f.Severity)
	severity, sign := f.Severity, ""
	if width > 0 {
		sign = level.Sign() + " "
	}
	if colours {
		severity, sign = level.Paint(severity), level.Paint(sign)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s%s: %s: %s\n", sign, f.Region, severity, f.Check)
	for _, line := range [][2]string{{"found", f.What}, {"means", f.Means}} {
		fmt.Fprintf(&b, "  %-5s  %s\n", line[0], table.Wrap(printable.Quote(line[1]), room, indent))
	}
	name := "fix"
	for _, step := range stepsOf(printable.Quote(f.Fix)) {
		if !isCommand(step) {
			step = table.Wrap(step, room, indent)
		}
		fmt.Fprintf(&b, "  %-5s  %s\n", name, step)
		name = ""
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// severityLevel is how bad a severity, or the state of a part, is.
func severityLevel(word string) ui.Level {
	switch word {
	case health.OK:
		return ui.OK
	case string(health.Failed), health.Missing:
		return ui.Failed
	case string(health.Unknown):
		return ui.Unknown
	case string(health.Warning), health.PausedPart:
		return ui.Warning
	}
	return ui.Note
}

// markedRegion is a Region's name, on a terminal with the sign of its worst part.
func markedRegion(region string, parts map[string]string, width int) string {
	if width == 0 {
		return region
	}
	return worstLevel(parts).Sign() + " " + region
}

// worstLevel is that of a Region's worst part.
func worstLevel(parts map[string]string) ui.Level {
	worst := ui.OK
	for _, word := range parts {
		worst = max(worst, severityLevel(word))
	}
	return worst
}

// paintParts gives the cells of a table of parts the colours of their states; of has
// the parts of a row.
func paintParts(of func(row int) map[string]string) func(row, column int, cell string) string {
	return func(row, column int, cell string) string {
		if column > 0 {
			return severityLevel(of(row)[string(health.Parts()[column-1])]).Paint(cell)
		}
		if worst := worstLevel(of(row)); worst != ui.OK {
			return worst.Paint(cell)
		}
		return cell
	}
}
