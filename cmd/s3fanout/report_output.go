package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/report"
	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/table"
)

func (a *app) writeReport(r report.Report, form reportFormat) error {
	d := document.NewReport(r)
	switch {
	case form == reportFormat(outputJSON):
		return writeJSONDocument(a.stdout, d)
	case form == outputMarkdown:
		return writeReportText(a.hinting(a.stdout), d, markdown{})
	}
	return writeReportText(a.hinting(a.stdout), d, terminal{a.terminalWidth(a.stdout)})
}

// sheet is how a report is laid out.
type sheet interface {
	title(w io.Writer, text string)
	text(w io.Writer, text string)
	table(w io.Writer, t table.Table)
}

// writeReportText writes the same in text and in Markdown.
func writeReportText(w io.Writer, d document.Report, s sheet) error {
	var b bytes.Buffer
	s.title(&b, fmt.Sprintf("Replica set %s, %s", d.ReplicaSet, d.Month))
	s.text(&b, reportSpan(d))
	s.table(&b, arrivalTable(d))
	for _, line := range reportNotes(d) {
		s.text(&b, line)
	}
	if t := proofTable(d); len(t.Rows) > 0 {
		s.table(&b, t)
	}
	if off := proofsOff(d); off != "" {
		s.text(&b, off)
	}
	_, err := w.Write(append(bytes.TrimRight(b.Bytes(), "\n"), '\n'))
	return err
}

// reportSpan says of what time the report is.
func reportSpan(d document.Report) string {
	const layout = "2006-01-02 15:04"
	span := fmt.Sprintf("From %s until %s, UTC.", d.From.Format(layout), d.Until.Format(layout))
	if d.Complete {
		return span
	}
	month, err := report.ParseMonth(d.Month)
	switch {
	case err == nil && d.Until.Before(month.End()):
		span += " The month is not over, and CloudWatch is some minutes behind."
	case err == nil && d.From.Equal(month.Begin()):
		span += " The month has just ended, and CloudWatch is some minutes behind."
	default:
		span += " CloudWatch has no older figures."
	}
	return span
}

// arrivalTable has a row for each pair of Regions.
func arrivalTable(d document.Report) table.Table {
	t := table.Table{Columns: []table.Column{{Title: "FROM"}, {Title: "TO"}, {Title: "ARRIVED", Right: true}}}
	for _, limit := range report.Limits() {
		t.Columns = append(t.Columns, table.Column{Title: fmt.Sprintf("IN %dM", int(limit.Minutes())), Right: true})
	}
	t.Columns = append(t.Columns, table.Column{Title: "LATE", Right: true}, table.Column{Title: "LATEST", Right: true})
	for _, p := range d.Pairs {
		cells := []string{p.SourceRegion, p.TargetRegion, strconv.FormatInt(p.Arrived, 10)}
		for _, w := range p.Within {
			cells = append(cells, strconv.FormatInt(w.Arrived, 10))
		}
		cells = append(cells, strconv.FormatInt(p.Late, 10))
		if p.Worst == nil {
			cells = append(cells, "-")
		} else {
			cells = append(cells, lag(p.Worst.Seconds*1000))
		}
		t.Rows = append(t.Rows, table.Row{Cells: cells})
	}
	return t
}

// reportNotes say what the table leaves open.
func reportNotes(d document.Report) []string {
	var arrived, late int64
	var latest *document.ReportPair
	for i, p := range d.Pairs {
		arrived, late = arrived+p.Arrived, late+p.Late
		if p.Worst != nil && (latest == nil || p.Worst.Seconds > latest.Worst.Seconds) {
			latest = &d.Pairs[i]
		}
	}
	threshold := time.Duration(d.Threshold * float64(time.Second))
	var notes []string
	switch {
	case arrived == 0:
		notes = append(notes, "CloudWatch has no object that arrived in that time.")
	case late == 0:
		notes = append(notes, fmt.Sprintf("All objects arrived within %s.", replicaset.Span(threshold)))
	default:
		notes = append(notes, fmt.Sprintf("%s of %d, %s, arrived later than %s after the upload.",
			countOf(late, "replica", "replicas"), arrived, share(late, arrived), replicaset.Span(threshold)))
	}
	if latest != nil {
		notes = append(notes, fmt.Sprintf("The latest took %s, from %s to %s, in the hour from %s UTC on.",
			lag(latest.Worst.Seconds*1000), latest.SourceRegion, latest.TargetRegion, latest.Worst.Hour.Format("2006-01-02 15:04")))
	}
	for _, r := range d.Regions {
		if r.Unavailable != "" {
			notes = append(notes, "Not available: "+printable.Quote(r.Unavailable))
			continue
		}
		if *r.GivenUp > 0 {
			notes = append(notes, fmt.Sprintf("%s: %s given up by Lambda after all attempts or during a pause. "+
				"Each became a dead letter, and counts above once a redrive succeeded.",
				r.Region, countOf(*r.GivenUp, "event was", "events were")))
		}
		if *r.Undelivered > 0 {
			notes = append(notes, fmt.Sprintf("%s: SNS could not deliver %s of this Region. Each became a dead letter here.",
				r.Region, countOf(*r.Undelivered, "message", "messages")))
		}
		if *r.Lost > 0 {
			notes = append(notes, fmt.Sprintf("%s: the dead-letter queue did not take %s, which are lost: "+
				"s3fanout verify finds what is missing, s3fanout backfill copies it.",
				r.Region, countOf(*r.Lost, "of them", "of them")))
		}
	}
	return notes
}

// proofTable has a row for each Region with a schedule of comparisons.
func proofTable(d document.Report) table.Table {
	t := table.Table{Columns: []table.Column{{Title: "COMPARED IN"}}}
	for _, title := range []string{"DONE", "LONGEST", "OLDEST", "KEYS", "MISSING", "DIFFER", "REPAIRED", "LEFT"} {
		t.Columns = append(t.Columns, table.Column{Title: title, Right: true})
	}
	age := func(seconds float64) string { return ageOf(time.Duration(seconds * float64(time.Second))) }
	for _, r := range d.Regions {
		p := r.Proofs
		if p == nil {
			continue
		}
		cells := []string{r.Region, strconv.FormatInt(p.Complete, 10), "-", age(p.OldestSeconds)}
		if p.Complete > 0 {
			cells[2] = age(p.LongestSeconds)
		}
		for _, n := range []int64{p.Compared, p.Missing, p.Different, p.Repaired, p.Unrepaired} {
			cells = append(cells, strconv.FormatInt(n, 10))
		}
		t.Rows = append(t.Rows, table.Row{Cells: cells})
	}
	return t
}

// proofsOff says where nothing was compared on a schedule.
func proofsOff(d document.Report) string {
	var off []string
	for _, r := range d.Regions {
		if r.Proofs == nil && r.Unavailable == "" {
			off = append(off, r.Region)
		}
	}
	switch len(off) {
	case 0:
		return ""
	case len(d.Regions):
		return "no comparisons: reconcile is off"
	}
	return "no comparisons in " + strings.Join(off, ", ") + ": reconcile is off"
}

// share is a part of a whole in percent, never rounded to all or nothing.
func share(part, whole int64) string {
	percent := 100 * float64(part) / float64(whole)
	for digits := 2; ; digits++ {
		s := strconv.FormatFloat(percent, 'f', digits, 64)
		if v, err := strconv.ParseFloat(s, 64); err != nil || digits > 12 || (v > 0 && v < 100) || part == 0 || part == whole {
			return s + " %"
		}
	}
}

// terminal lays a report out for a terminal, or for a file where the width is 0.
type terminal struct{ width int }

func (t terminal) title(w io.Writer, text string) {
	_, _ = fmt.Fprintf(w, "%s\n", wrapped(text, t.width, "  "))
}

func (t terminal) text(w io.Writer, text string) {
	_, _ = fmt.Fprintf(w, "%s\n\n", wrapped(text, t.width, ""))
}

func (t terminal) table(w io.Writer, tab table.Table) {
	tab.Width = t.width
	_, _ = tab.WriteTo(w)
	_, _ = fmt.Fprintln(w)
}

// markdown lays a report out as a page of Markdown.
type markdown struct{}

func (markdown) title(w io.Writer, text string) { _, _ = fmt.Fprintf(w, "# %s\n\n", text) }

func (markdown) text(w io.Writer, text string) { _, _ = fmt.Fprintf(w, "%s\n\n", text) }

func (markdown) table(w io.Writer, t table.Table) {
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	row := func(cells []string) {
		for _, c := range cells {
			_, _ = fmt.Fprintf(w, "| %s ", cell.Replace(c))
		}
		_, _ = fmt.Fprintln(w, "|")
	}
	var titles, rules []string
	for _, c := range t.Columns {
		rule := "---"
		if c.Right {
			rule = "---:"
		}
		titles, rules = append(titles, strings.ToLower(c.Title)), append(rules, rule)
	}
	row(titles)
	row(rules)
	for _, r := range t.Rows {
		row(r.Cells)
	}
	_, _ = fmt.Fprintln(w)
}
