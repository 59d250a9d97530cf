package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
)

// statusView is the document, and what only the text has.
type statusView struct {
	document.Status

	shown []document.Finding
	steps []nextStep
}

func newStatusView(facts health.Facts, findings []health.Finding, figures map[string]health.Figures, waiting []behind.Target) statusView {
	d := statusView{
		shown:  document.NewFindings(health.ByUrgency(health.Merge(findings, facts.Caller))),
		Status: document.NewStatus(facts, findings, figures, waiting),
	}
	d.steps = nextSteps(d.Findings, d.Regions)
	for _, s := range d.steps {
		d.Next = append(d.Next, s.command)
	}
	return d
}

func (a *app) writeStatus(d statusView) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d.Status)
	}
	return writeStatusText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeStatusText writes tables, of what there is, the last hour and what waits,
// a line for each check that found something, and the commands that lead on.
func writeStatusText(w io.Writer, d statusView, width int, colours bool) error {
	title := fmt.Sprintf("Replica set %s in account %s", d.ReplicaSet, d.Account)
	if _, err := fmt.Fprintf(w, "%s\n\n", wrapped(title, width, "  ")); err != nil {
		return err
	}
	parts := partsTable(d.Status, width)
	if colours {
		parts.Paint = paintParts(func(row int) map[string]string { return d.Regions[row].Parts })
	}
	for _, t := range []table.Table{parts, figuresTable(d.Status), followedTable(d.Status), behindTable(d.Status)} {
		if len(t.Rows) == 0 {
			continue
		}
		t.Width = width
		if _, err := t.WriteTo(w); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	diverged := divergedLines(d.Regions)
	for _, line := range slices.Concat(
		unavailable(d.Status), behindUnavailable(d.Status), proofLines(d.Regions), diverged, deletedLines(d.Regions),
	) {
		if _, err := fmt.Fprintln(w, wrapped(line, width, "  ")); err != nil {
			return err
		}
	}
	if len(d.shown) == 0 {
		text := "All checks passed."
		if len(diverged) > 0 {
			text = "The deployment passed all checks. It did not cause the diverged writes."
		}
		if _, err := fmt.Fprintln(w, wrapped(text, width, "  ")); err != nil {
			return err
		}
	}
	for _, line := range handLines(d.shown) {
		level, head := severityLevel(line.severity), line.severity
		if width > 0 {
			head = level.Sign() + " " + head
		}
		text := wrapped(head+": "+line.text, width, "  ")
		if rest, ok := strings.CutPrefix(text, head); colours && ok {
			text = level.Paint(head) + rest
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return writeNextSteps(w, d.steps, width)
}

// proofLines say how long ago the Regions were last compared, if that is known of any.
func proofLines(regions []document.StatusRegion) []string {
	var known []string
	for _, r := range regions {
		if r.ProofSeconds != nil {
			known = append(known, r.Region+" "+shortAge(time.Duration(*r.ProofSeconds*float64(time.Second)))+" ago")
		}
	}
	if known == nil {
		return nil
	}
	return []string{"last comparison with the other Regions: " + strings.Join(known, ", ")}
}

// handLine is one line of what was found.
type handLine struct{ severity, check, text string }

// handLines makes one line of a check for all Regions: with what was found
// where it was found once, else with the Regions. doctor tells all.
func handLines(findings []document.Finding) []handLine {
	var lines []handLine
	regions := map[int][]string{}
	for _, f := range findings {
		i := slices.IndexFunc(lines, func(l handLine) bool { return l.severity == f.Severity && l.check == f.Check })
		if i < 0 {
			i = len(lines)
			lines = append(lines, handLine{
				severity: f.Severity, check: f.Check, text: f.Check + ": " + f.Region + ": " + printable.Quote(f.What),
			})
		} else {
			lines[i].text = ""
		}
		if !slices.Contains(regions[i], f.Region) {
			regions[i] = append(regions[i], f.Region)
		}
	}
	for i := range lines {
		if lines[i].text == "" {
			lines[i].text = lines[i].check + ": " + strings.Join(regions[i], ", ")
		}
	}
	return lines
}

// wrapped breaks a line into those of a terminal; width 0 means none.
func wrapped(text string, width int, indent string) string {
	if width == 0 {
		return text
	}
	return table.Wrap(text, max(width-len(indent), 20), indent)
}

func partsTable(d document.Status, width int) table.Table {
	t := table.Table{Columns: []table.Column{{Title: "REGION"}}}
	for _, part := range health.Parts() {
		t.Columns = append(t.Columns, table.Column{Title: partTitle(part)})
	}
	for _, r := range d.Regions {
		row := table.Row{Cells: []string{markedRegion(r.Region, r.Parts, width)}}
		for _, part := range health.Parts() {
			cell := r.Parts[string(part)]
			if ok := r.Subscriptions.OK; part == health.PartSubscriptions && ok != nil {
				cell = fmt.Sprintf("%d/%d", *ok, r.Subscriptions.Expected)
				if word := r.Parts[string(part)]; word == health.OK {
					cell += " ok"
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// figuresTable is what is known in numbers.
func figuresTable(d document.Status) table.Table {
	t := table.Table{Columns: []table.Column{{Title: "REGION"}}}
	for _, title := range []string{"DEAD LETTERS", "OLDEST", "ERRORS", "THROTTLES", "LAG P50", "P99", "MAX"} {
		t.Columns = append(t.Columns, table.Column{Title: title, Right: true})
	}
	for _, r := range d.Regions {
		none := "-"
		if r.MetricsUnavailable != "" {
			none = "n/a"
		}
		letters, oldest := "n/a", none
		if r.DeadLetters != nil {
			letters = strconv.Itoa(*r.DeadLetters)
		}
		if r.Oldest != nil {
			oldest = ageOf(time.Duration(*r.Oldest * float64(time.Second)))
		}
		cells := []string{r.Region, letters, oldest, count(r.Errors, none), count(r.Throttles, none)}
		if len(r.Lag) == 0 {
			cells = append(cells, none, none, none)
		} else {
			worst := document.StatusLag{}
			for _, l := range r.Lag {
				worst.P50, worst.P99, worst.Max = max(worst.P50, l.P50), max(worst.P99, l.P99), max(worst.Max, l.Max)
			}
			cells = append(cells, lag(worst.P50), lag(worst.P99), lag(worst.Max))
		}
		t.Rows = append(t.Rows, table.Row{Cells: cells})
	}
	return t
}

// unavailable says once for all Regions alike why CloudWatch's figures are
// not there.
func unavailable(d document.Status) []string {
	var reasons []string
	regions := map[string][]string{}
	for _, r := range d.Regions {
		if why := r.MetricsUnavailable; why != "" {
			if regions[why] == nil {
				reasons = append(reasons, why)
			}
			regions[why] = append(regions[why], r.Region)
		}
	}
	for i, why := range reasons {
		who := strings.Join(regions[why], ", ") + ": "
		if len(regions[why]) == len(d.Regions) {
			who = ""
		}
		reasons[i] = "n/a: " + who + "not available: " + printable.Quote(why)
	}
	return reasons
}

func count(n *float64, none string) string {
	if n == nil {
		return none
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

// lag is milliseconds with three digits.
func lag(ms float64) string {
	switch {
	case ms < 1000:
		return strconv.FormatFloat(ms, 'f', 0, 64) + "ms"
	case ms < 10_000:
		return strconv.FormatFloat(ms/1000, 'f', 2, 64) + "s"
	case ms < 100_000:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + "s"
	default:
		return ageOf(time.Duration(ms * float64(time.Millisecond)))
	}
}
