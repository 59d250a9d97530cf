package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/verify"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
)

// verifyOutput writes the results of verify, sorted, once all are there.
type verifyOutput struct {
	found  verify.Sorted
	counts *verify.Counts
	w      io.Writer
	notes  *progress
	set    string
	chosen []string
	flags  verifyFlags
	json   bool

	last    string // the key that was written last
	few     fewKeys
	width   int // of the terminal; 0: none
	region  int // of the widest Region's name
	colours bool
}

func (a *app) newVerifyOutput(notes *progress, set string, regions []string, f verifyFlags) *verifyOutput {
	o := &verifyOutput{
		w: a.stdout, notes: notes, set: set, chosen: regions, flags: f, json: a.output == outputJSON,
		width: a.terminalWidth(a.stdout), colours: a.colours(a.stdout), counts: verify.NewCounts(f.prefix, regions),
	}
	for _, r := range regions {
		o.region = max(o.region, len(r))
	}
	return o
}

func (o *verifyOutput) close() { o.found.Close() }

// write writes what was found, and what it comes to.
func (o *verifyOutput) write(s verify.Summary) error {
	for d, err := range o.found.All() {
		if err != nil {
			return err
		}
		o.counts.Add(d)
		o.few.add(d)
		if err := o.difference(d); err != nil {
			return err
		}
	}
	if s.Unanswered != nil {
		for line := range strings.Lines(s.Unanswered.Error()) {
			o.notes.note("%s; so keys that are being deleted or copied may count as missing", strings.TrimSpace(line))
		}
	}
	return o.summary(s)
}

// difference writes one difference.
func (o *verifyOutput) difference(d verify.Difference) error {
	switch {
	case o.json:
		return o.encode(document.NewVerifyDifference(d))
	case o.flags.keys:
		return o.key(d)
	}
	var b strings.Builder
	for _, region := range slices.Concat(d.Without, d.Differing) {
		why := d.Why
		if d.Kind == verify.Missing && why == "deleted" && !slices.Contains(d.Deleted, region) {
			why = "absent"
		}
		line := fmt.Sprintf("%-9s  %-*s  %-10s", d.Kind, o.region, region, why)
		key := printable.Quote(d.Key)
		if o.width > 0 {
			key = table.CutStart(key, max(o.width-len(line), narrowestKey))
		}
		if o.colours {
			line = verifyColour(d.Kind) + line + plain
		}
		b.WriteString(line + key + "\n")
	}
	return o.text(b.String())
}

// narrowestKey is how much of a key is shown on a terminal, however narrow.
const narrowestKey = 12

func verifyColour(k verify.Kind) string {
	if k == verify.Different {
		return red
	}
	return yellow
}

// key writes a difference's key, once for a key that has two.
func (o *verifyOutput) key(d verify.Difference) error {
	if d.Key == o.last {
		return nil
	}
	o.last = d.Key
	switch {
	case strings.ContainsAny(d.Key, "\r\n"):
		o.notes.note("%s %s has a line break and is not among the lines; --output json has it", d.Kind, printable.Quote(d.Key))
		return nil
	case o.width > 0:
		return o.text(printable.Quote(d.Key) + "\n")
	}
	return o.text(d.Key + "\n")
}

// summary writes the end. With --keys it is a note, as the keys are for other
// programs.
func (o *verifyOutput) summary(s verify.Summary) error {
	if o.json {
		return o.encode(document.VerifyEnd{Summary: document.NewVerifySummary(o.set, o.flags.prefix, o.chosen, s, o.counts)})
	}
	lines := describeSummary(s)
	if o.flags.keys {
		for _, line := range lines {
			o.notes.note("%s", line)
		}
		return nil
	}
	var b strings.Builder
	blank := ""
	if counts := o.countsTable(); len(counts.Rows) > 0 {
		if o.width > 0 {
			blank = "\n"
		}
		b.WriteString(blank)
		if _, err := counts.WriteTo(&b); err != nil {
			return err
		}
	}
	b.WriteString(blank)
	for _, line := range lines {
		b.WriteString(wrapped(line, o.width, "  ") + "\n")
	}
	return o.text(b.String())
}

// countsTable has the counts of each Region, and of the prefixes with most.
func (o *verifyOutput) countsTable() table.Table {
	t := table.Table{Width: o.width}
	regions := o.counts.Regions()
	if len(regions) == 0 {
		return t
	}
	t.Columns = []table.Column{{Title: "REGION"}}
	type column struct {
		title string
		of    func(verify.Count) int64
	}
	columns := slices.DeleteFunc([]column{
		{"MISSING", func(c verify.Count) int64 { return c.Missing }}, {"COPYING", func(c verify.Count) int64 { return c.Copying }},
		{"DIFFERENT", func(c verify.Count) int64 { return c.Different }}, {"UNDELETED", func(c verify.Count) int64 { return c.Undeleted }},
		{"UNSETTLED", func(c verify.Count) int64 { return c.Unsettled }},
	}, func(c column) bool { // that nothing is in
		return !slices.ContainsFunc(regions, func(n verify.Count) bool { return c.of(n) > 0 })
	})
	for _, c := range columns {
		t.Columns = append(t.Columns, table.Column{Title: c.title, Right: true})
	}
	t.Columns = append(t.Columns, table.Column{Title: "PREFIX", Cut: table.CutStart})
	add := func(n verify.Count, prefix string) {
		cells := []string{n.Region}
		for _, c := range columns {
			cells = append(cells, fmt.Sprint(c.of(n)))
		}
		t.Rows = append(t.Rows, table.Row{Cells: append(cells, prefix)})
	}
	for _, n := range regions {
		add(n, "all")
	}
	prefixes, others := o.counts.Prefixes()
	if len(prefixes) > len(regions) { // else they say no more
		for _, n := range prefixes {
			prefix := "no prefix"
			if n.Prefix != "" {
				prefix = printable.Quote(n.Prefix)
			}
			add(n, prefix)
		}
	}
	if others > 0 {
		t.Rows[len(t.Rows)-1].Below = fmt.Sprintf("and %d more with fewer", others)
	}
	return t
}

func describeSummary(s verify.Summary) []string {
	first := fmt.Sprintf("%s, %s in each Region: %d the same, %d missing, %d different",
		keyCount(s.Keys), table.Bytes(s.Bytes), s.Equal, s.Missing, s.Different)
	for _, extra := range []struct {
		n    int64
		text string
	}{
		{s.Copying, "being copied"}, {s.Both, "both missing and different"}, {s.Undeleted, "undeleted"},
		{s.Unsettled, "unsettled"}, {s.Gone, "deleted in the meantime"}, {s.Unfinished, "not looked at again"},
	} {
		if extra.n > 0 {
			first += fmt.Sprintf(", %d %s", extra.n, extra.text)
		}
	}
	if s.Partial {
		first = "Partial: " + first
	}
	lines := []string{first}
	if s.SizeOnly > 0 {
		lines = append(lines, fmt.Sprintf("of the same, %d by size alone: their ETags and checksums cannot be compared", s.SizeOnly))
	}
	requests := fmt.Sprintf("%d LIST and %d HEAD requests", s.Lists, s.Heads)
	if s.Tags > 0 {
		requests = fmt.Sprintf("%d LIST and %d HEAD requests and %d for tags", s.Lists, s.Heads, s.Tags)
	}
	return append(lines, requests+", estimated cost "+verifyUSD(document.VerifyCost(s)))
}

func verifyUSD(usd float64) string {
	if usd < 0.01 {
		return fmt.Sprintf("$%.6f", usd)
	}
	return fmt.Sprintf("$%.2f", usd)
}

func (o *verifyOutput) encode(v any) error {
	var b strings.Builder
	if err := writeJSONLine(&b, v); err != nil {
		return err
	}
	return o.text(b.String())
}

// text writes results, off the status line if that is on the same terminal.
func (o *verifyOutput) text(text string) error {
	o.notes.mu.Lock()
	defer o.notes.mu.Unlock()
	o.notes.clear()
	if _, err := io.WriteString(o.w, text); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
