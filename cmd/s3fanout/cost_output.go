package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/table"
)

// costTitles are how the items are shown.
func costTitles() map[cost.Item]string {
	return map[cost.Item]string{
		cost.Writes:       "S3 COPY, PUT and LIST",
		cost.Reads:        "S3 HEAD and GET",
		cost.Transfer:     "transfer between Regions",
		cost.TimeControl:  "Replication Time Control",
		cost.Publishes:    "SNS notifications",
		cost.Filtering:    "SNS filters",
		cost.Deliveries:   "SNS to other Regions",
		cost.Invocations:  "Lambda invocations",
		cost.FunctionTime: "Lambda time",
		cost.Logs:         "log lines",
		cost.Metrics:      "metrics",
		cost.Alarms:       "metrics of alarms",
		cost.Dashboards:   "dashboards",
	}
}

// writeCost writes the result to stdout.
func (a *app) writeCost(d document.Cost) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writeCostText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout))
}

// writeCostText writes a table of the designs side by side, and what follows
// from it.
func writeCostText(w io.Writer, d document.Cost, width int) error {
	if _, err := fmt.Fprintf(w, "%s\n\n", paragraph(costHeading(d), width)); err != nil {
		return err
	}
	if _, err := costTable(d, width).WriteTo(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", paragraph(costVerdict(d), width))
	return err
}

// paragraph fits a paragraph to the terminal, or to a page.
func paragraph(text string, width int) string { return table.Wrap(text, cmp.Or(width, 80), "") }

func costHeading(d document.Cost) string {
	to := "to all of " + strings.Join(d.Regions, ", ") + " alike"
	if strings.Contains(d.Regions[0], " ") {
		to = fmt.Sprintf("to all of %d Regions alike, at the prices of us-east-1", len(d.Regions))
	}
	if d.From != "" {
		to = fmt.Sprintf("to %s of %s", d.From, strings.Join(d.Regions, ", "))
	}
	if len(d.AssumedPrices) > 0 {
		to += " (prices of " + strings.Join(d.AssumedPrices, ", ") + " are not known, and assumed)"
	}
	if len(d.Follow) > 0 {
		to += "; " + strings.Join(d.Follow, " and ") + " are followed"
	}
	if d.Deletions > 0 {
		to += ", with " + countOf(int(d.Deletions), "deletion", "deletions")
	}
	if d.Reconcile != "" {
		to += fmt.Sprintf("; every %s the buckets, of %s, are compared", d.Reconcile, countOf(int(d.Keys), "key", "keys"))
	}
	return fmt.Sprintf("A month with %s of %s on average, uploaded %s:",
		countOf(int(d.Objects), "object", "objects"), table.Bytes(d.Bytes/d.Objects), to)
}

func costTable(d document.Cost, width int) table.Table {
	t := table.Table{Width: width, Columns: []table.Column{
		{Title: "", Cut: table.CutEnd}, {Title: "IN S3FANOUT", Right: true}, {Title: "S3FANOUT", Right: true},
		{Title: "CRR", Right: true}, {Title: "CRR+RTC", Right: true}, {Title: "ORIGINAL", Right: true},
	}}
	for _, item := range cost.Items() {
		row := table.Row{Cells: []string{costTitles()[item], ""}}
		used := false
		for i, design := range d.Designs {
			cell := "-"
			for _, line := range design.Items {
				if line.Item == string(item) {
					cell, used = costCell(line.Dollars), true
					if i == 0 {
						row.Cells[1] = quantity(line.Quantity, document.CostUnits()[item])
					}
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		if used {
			t.Rows = append(t.Rows, row)
		}
	}
	total := table.Row{Cells: []string{"total", ""}}
	for _, design := range d.Designs {
		cell := costCell(design.Dollars)
		if design.Cannot != "" {
			cell = "impossible"
		}
		total.Cells = append(total.Cells, cell)
	}
	t.Rows = append(t.Rows, total)
	return t
}

// costCell is a sum where there is little room.
func costCell(sum float64) string {
	switch {
	case sum > 0 && sum < 0.01:
		return "<$0.01"
	case sum >= 1000:
		return fmt.Sprintf("$%.0f", sum)
	default:
		return dollars(sum)
	}
}

// quantity is a number of requests, or of units, for people. A unit that the
// item's name says already is left out.
func quantity(n float64, unit string) string {
	digits := 0
	if strings.HasPrefix(unit, "G") && n < 1000 {
		digits = 1
	}
	number := strconv.FormatFloat(n, 'f', digits, 64)
	if strings.HasPrefix(unit, "G") {
		return number + " " + unit
	}
	return number
}

// costVerdict says who is cheaper, and by how much.
func costVerdict(d document.Cost) string {
	ours, crr, rtc := d.Designs[0], d.Designs[1], d.Designs[2]
	text := "S3's own replication (CRR) is " + costDifference(ours.Dollars, crr.Dollars) +
		", with Replication Time Control (RTC) " + costDifference(ours.Dollars, rtc.Dollars) +
		fmt.Sprintf(". Metrics, alarms and dashboards are %s of s3fanout's, whatever is uploaded. ", dollars(ours.Fixed))
	switch {
	case d.BreakEvenBytes == nil:
	case *d.BreakEvenBytes == 0:
		text += "With as many uploads, it costs no more than CRR with RTC, however small the objects. "
	default:
		text += fmt.Sprintf(
			"With as many uploads, it costs no more than CRR with RTC where objects have %s or more. ",
			table.Bytes(*d.BreakEvenBytes),
		)
	}
	if original := d.Designs[3]; original.Cannot != "" {
		text += "The original design cannot do it: " + original.Cannot + "."
	}
	return strings.TrimSpace(text)
}

// costDifference says how another's price compares with ours.
func costDifference(ours, other float64) string {
	if other > ours {
		return "more expensive by " + dollars(other-ours)
	}
	return "cheaper by " + dollars(ours-other)
}
