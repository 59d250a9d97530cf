package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/failover"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

func (a *app) writeFailoverStatus(d document.FailoverStatus, silent []string) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writeFailoverText(a.hinting(a.stdout), d, silent, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeFailoverText writes the access points, a table with a row for each Region, and
// why figures are not known.
func writeFailoverText(w io.Writer, d document.FailoverStatus, silent []string, width int, colours bool) error {
	var lines []string
	for _, p := range d.AccessPoints {
		lines = append(lines, fmt.Sprintf("Access point %s, %s, as %s says", p.Name, p.ARN, p.ControlRegion))
	}
	if len(silent) > 0 {
		lines = append(lines, "No answer about routes from "+strings.Join(silent, ", "))
	}
	if err := writeLines(w, append(lines, ""), width); err != nil {
		return err
	}
	t := failoverTable(d.AccessPoints, d.Regions)
	t.Width = width
	if _, err := t.WriteTo(w); err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range d.Regions {
		for _, why := range r.Unavailable {
			b.WriteString(levelLine(ui.Unknown, "n/a", r.Region+": "+printable.Quote(why), width, colours) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// failoverTable has the Regions of the set, and those of access points besides.
func failoverTable(points []document.FailoverPoint, regions []document.FailoverRegion) table.Table {
	t := table.Table{Columns: []table.Column{{Title: "REGION"}}}
	for _, p := range points {
		title := "ROUTE"
		if len(points) > 1 {
			title = strings.ToUpper(p.Name)
		}
		t.Columns = append(t.Columns, table.Column{Title: title})
	}
	for _, title := range []string{"LAG", "DEAD LETTERS", "WAITING", "OLDEST", "COMPARED"} {
		t.Columns = append(t.Columns, table.Column{Title: title, Right: true})
	}
	known := map[string]bool{}
	for _, r := range regions {
		known[r.Region] = true
	}
	for _, p := range points {
		for _, route := range p.Routes {
			if !known[route.Region] {
				known[route.Region] = true
				regions = append(regions, document.FailoverRegion{Region: route.Region, Unavailable: []string{"it is not in cdk.json"}})
			}
		}
	}
	for _, r := range regions {
		row := []string{r.Region}
		for _, p := range points {
			row = append(row, routeOf(p.Routes, r.Region))
		}
		t.Rows = append(t.Rows, table.Row{Cells: append(row, failoverFigures(r)...)})
	}
	return t
}

// routeOf is the word for a Region's route.
func routeOf(routes []document.FailoverRoute, region string) string {
	for _, r := range routes {
		if r.Region == region {
			return failover.Word(r.Active)
		}
	}
	return "-"
}

func failoverFigures(r document.FailoverRegion) []string {
	none := "-"
	if len(r.Unavailable) > 0 {
		none = "n/a"
	}
	cells := []string{none, none, none, none, none}
	if r.LagP99 != nil {
		cells[0] = lag(*r.LagP99)
	}
	if r.DeadLetters != nil {
		cells[1] = strconv.Itoa(*r.DeadLetters)
	}
	if r.Waiting != nil {
		cells[2] = strconv.FormatInt(*r.Waiting, 10)
	}
	if r.OldestSeconds != nil && somethingWaits(r.Waiting) {
		cells[3] = oldestWaiting(*r.OldestSeconds)
	}
	if r.ProofSeconds != nil {
		cells[4] = ageOf(time.Duration(*r.ProofSeconds*float64(time.Second))) + " ago"
	}
	return cells
}

// looksTable has a row for each look of a drill. Dead letters and what waits are those
// of all Regions, the lag is the greatest.
func looksTable(looks []document.FailoverLook) table.Table {
	t := table.Table{Columns: []table.Column{{Title: "TIME"}, {Title: "PHASE"}}}
	for _, title := range []string{"READS", "FAILED", "MISSING", "SLOWEST", "DEAD LETTERS", "WAITING", "LAG"} {
		t.Columns = append(t.Columns, table.Column{Title: title, Right: true})
	}
	for _, l := range looks {
		letters, waiting, worst, unknown := 0, int64(0), 0.0, false
		for _, r := range l.Regions {
			letters, waiting, worst = letters+valueOf(r.DeadLetters), waiting+valueOf(r.Waiting), max(worst, valueOf(r.LagP99))
			unknown = unknown || len(r.Unavailable) > 0
		}
		cells := []string{strconv.Itoa(letters), strconv.FormatInt(waiting, 10), lag(worst)}
		switch {
		case unknown:
			cells = []string{"n/a", "n/a", "n/a"}
		case worst == 0:
			cells[2] = "-"
		}
		t.Rows = append(t.Rows, table.Row{Cells: append([]string{
			l.Time.Format(
				time.TimeOnly,
			), l.Phase, strconv.Itoa(l.Reads.Tried), strconv.Itoa(l.Reads.Failed), strconv.Itoa(len(l.Reads.Missing)),
			lag(l.Reads.Slowest),
		}, cells...)})
	}
	return t
}

// valueOf is what a pointer points to, zero of nil.
func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
