package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"s3fanout/internal/proof/page"
	"s3fanout/internal/table"
)

// line is one row of the table: a contestant's figures of one metric.
type line struct {
	what, who, figures, ratio, target string
}

// spell writes the least, the median and the greatest.
func spell(s series) string {
	sp, ok := s.spread()
	if !ok {
		return ""
	}
	if sp.least == sp.most {
		return number(sp.median)
	}
	return number(sp.least) + " / " + number(sp.median) + " / " + number(sp.most)
}

// number has three significant digits.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// lines are a contest's rows: each metric, ours first.
func (r result) lines() []line {
	var out []line
	for _, m := range r.contest.metrics {
		what := m.name + ", " + m.unit
		for i, c := range r.contest.contestants {
			l := line{what: what, who: c.title()}
			switch figures := r.figures(i, m.key); {
			case c.missing != "":
				l.figures = "not measured: " + c.missing
				l.target = r.verdict(m.key, i)
			case figures == nil:
				continue // this contestant has no such figure
			default:
				l.figures = spell(figures)
				if ratios := r.ratios(i, m); ratios != nil {
					l.ratio = spell(ratios) + " (" + string(m.ratio) + ")"
				}
				l.target = r.verdict(m.key, i)
			}
			out = append(out, l)
		}
	}
	return out
}

func (c contestant) title() string {
	if c.version == "" {
		return c.name
	}
	return c.name + " " + c.version
}

// verdict says what was aimed at with a contestant's figures, and whether that
// was reached.
func (r result) verdict(metric string, contestant int) string {
	name := r.contest.contestants[contestant].name
	var out []string
	for _, t := range r.contest.targets {
		if t.metric != metric || (len(t.against) == 0) != (contestant == 0) || contestant > 0 && !slices.Contains(t.against, name) {
			continue
		}
		one := t
		if contestant > 0 {
			one.against = []string{name}
		}
		met, measured := r.meets(one)
		word := map[bool]string{true: "met", false: "missed"}[met]
		if !measured {
			word = "not measured"
		}
		if t.atLeast > 0 {
			out = append(out, "≥ "+number(t.atLeast)+": "+word)
		}
		if t.atMost > 0 {
			out = append(out, "≤ "+number(t.atMost)+": "+word)
		}
	}
	return strings.Join(out, ", ")
}

func printTable(w io.Writer, m machine, results []result) error {
	t := table.Table{
		Columns: []table.Column{{Title: "WHAT"}, {Title: "WHO"}, {Title: "LEAST / MEDIAN / MOST"}, {Title: "RATIO"}, {Title: "TARGET"}},
	}
	for _, r := range results {
		for _, l := range r.lines() {
			t.Rows = append(t.Rows, table.Row{Cells: []string{l.what, l.who, l.figures, l.ratio, l.target}})
		}
	}
	if _, err := fmt.Fprintf(w, "%s, %s\n\n", m.date.Format("2006-01-02"), m); err != nil {
		return err
	}
	_, err := t.WriteTo(w)
	return err
}

// updatePage puts the results between the page's marks for each contest, and
// leaves everything else as it is. The page says once what all contests of one run were
// measured on; of contests that ran alone on something else, it says that with each.
func updatePage(path string, m machine, results []result) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(b)
	if len(results) == len(all) {
		if text, err = page.Section(text, "machine", "Where nothing else is said: "+m.short()+".\n"); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	on := m.short() + "; "
	if strings.Contains(text, ": "+m.short()+".\n<!-- end of machine -->") {
		on = ""
	}
	for _, r := range results {
		if text, err = page.Section(text, r.contest.name, r.markdown(on)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return os.WriteFile(path, []byte(text), 0o600) //nolint:gosec // the path is for the person who runs it to choose
}

// row is one of the page: medians, of ours and of another contestant.
type row struct{ what, ours, beside, ratio, target string }

// String is an item of the page's list.
func (r row) String() string {
	s := r.what + ": " + r.ours
	if r.beside != "" {
		s += "; " + r.beside
	}
	if r.ratio != "" {
		s += " (" + r.ratio + ")"
	}
	if r.target != "" {
		s += "; " + r.target
	}
	return s
}

// rows are those that have a target; all, of a contest without targets; and the parts of
// a figure. The printed table has everything.
func (r result) rows() (out []row) {
	named := map[int]bool{}
	for _, m := range r.contest.metrics {
		for i, c := range r.contest.contestants {
			verdict := r.verdict(m.key, i)
			if verdict == "" && (len(r.contest.targets) > 0 || i == 0) {
				continue
			}
			who := c.name // with its version the first time
			if !named[i] {
				who = c.title()
			}
			named[i] = true
			one := row{what: m.name + ", " + m.unit, ours: middle(r.beside(i, m.key)), target: verdict}
			switch {
			case c.missing != "":
				one.beside = who + ": not measured, " + c.missing
			case i > 0:
				one.beside, one.ratio = who+": "+middle(r.figures(i, m.key)), middle(r.ratios(i, m))
			}
			out = append(out, one)
		}
	}
	var parts []string
	for _, key := range r.contest.parts.metrics {
		name, _, _ := strings.Cut(r.contest.metric(key).name, ", ")
		parts = append(parts, name+" "+middle(r.figures(0, key)))
	}
	if parts != nil {
		out = append(out, row{what: r.contest.parts.name, ours: strings.Join(parts, ", ")})
	}
	return out
}

// middle writes the median.
func middle(s series) string {
	sp, ok := s.spread()
	if !ok {
		return ""
	}
	return number(sp.median)
}

// markdown is the contest's block on the page; on says where it ran, if that is not the
// same for all.
func (r result) markdown(on string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n%s\n\n", r.contest.title, table.Wrap(r.contest.about, 138, ""))
	for _, l := range r.rows() {
		b.WriteString("- " + l.String() + "\n")
	}
	rounds := "1 round"
	if r.contest.rounds > 1 {
		rounds = fmt.Sprintf("%d rounds", r.contest.rounds)
	}
	fmt.Fprintf(&b, "\n%s%s.\n", on, rounds)
	return b.String()
}
