package main

import (
	"fmt"
	"io"
	"strings"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
)

func (a *app) writeDoctor(facts health.Facts, findings []health.Finding) error {
	d := document.NewDoctor(facts, findings)
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	d.Findings = document.NewFindings(health.Merge(findings, facts.Caller))
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
		row := table.Row{Cells: []string{r.Region}}
		for _, part := range health.Parts() {
			row.Cells = append(row.Cells, r.Parts[string(part)])
		}
		t.Rows = append(t.Rows, row)
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

func writeFinding(w io.Writer, f document.Finding, width int, colours bool) error {
	severity := f.Severity
	if colours {
		severity = severityColour(health.Severity(severity)) + severity + plain
	}
	if _, err := fmt.Fprintf(w, "\n%s: %s: %s\n", f.Region, severity, f.Check); err != nil {
		return err
	}
	for _, line := range [][2]string{{"found", f.What}, {"means", f.Means}, {"fix", f.Fix}} {
		const indent = "         "
		room := 1 << 30
		if width > 0 {
			room = max(width-len(indent), 20)
		}
		if _, err := fmt.Fprintf(w, "  %-5s  %s\n", line[0], table.Wrap(printable.Quote(line[1]), room, indent)); err != nil {
			return err
		}
	}
	return nil
}

func severityColour(s health.Severity) string {
	switch s {
	case health.Failed:
		return red
	case health.Unknown, health.Warning:
		return yellow
	default:
		return plain
	}
}
