package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
)

// behindTable has a row for each Region that something could wait for, and below
// it from where that comes.
func behindTable(d document.Status) table.Table {
	t := table.Table{Columns: []table.Column{{Title: "WAITING FOR"}}}
	titles := []string{"OLDEST", "EVENTS", "BYTES"}
	for _, age := range behind.Ages() {
		titles = append(titles, "<"+strings.ToUpper(shortAge(age)))
	}
	for _, title := range titles {
		t.Columns = append(t.Columns, table.Column{Title: title, Right: true})
	}
	for _, r := range d.Regions {
		if r.Behind != nil {
			t.Rows = append(t.Rows, behindRow(r.Region, *r.Behind))
		}
	}
	return t
}

func behindRow(region string, b document.StatusBehind) table.Row {
	none := "-"
	if b.Unavailable != "" {
		none = "n/a"
	}
	oldest, waiting := none, none
	if b.OldestSeconds != nil && somethingWaits(b.Waiting) {
		oldest = oldestWaiting(*b.OldestSeconds)
	}
	ages := make([]int64, len(behind.Ages()))
	var from []string
	for _, s := range b.Sources {
		for i, a := range s.ByAge {
			ages[i] += a.Waiting
		}
		if s.Waiting != nil && *s.Waiting > 0 {
			from = append(from, fmt.Sprintf("%s: %d", s.SourceRegion, *s.Waiting))
		}
	}
	row := table.Row{}
	if b.Waiting != nil {
		waiting = strconv.FormatInt(*b.Waiting, 10)
	}
	row.Cells = []string{region, oldest, waiting, "n/a"}
	for _, n := range ages {
		cell := none
		if b.Waiting != nil {
			cell = strconv.FormatInt(n, 10)
		}
		row.Cells = append(row.Cells, cell)
	}
	if len(from) > 0 {
		row.Below = "from " + strings.Join(from, ", ")
	}
	return row
}

// somethingWaits reports whether the age of the oldest waiting event says something:
// not once all events are done, when the age is of the last one. Unknown is nil.
func somethingWaits(waiting *int64) bool { return waiting == nil || *waiting > 0 }

// oldestWaiting shows for how long an event waits that had waited for so many seconds
// when it was last tried. Less than a minute then says little of now: the next try may
// come minutes later.
func oldestWaiting(seconds float64) string {
	if seconds < 60 {
		return "<5m"
	}
	return lag(seconds * 1000)
}

// behindUnavailable says why it is not known what waits, where CloudWatch
// answered otherwise.
func behindUnavailable(d document.Status) []string {
	var lines []string
	for _, r := range d.Regions {
		if r.Behind != nil && r.Behind.Unavailable != "" && r.MetricsUnavailable == "" {
			lines = append(lines, "n/a: what waits is not known: "+printable.Quote(r.Behind.Unavailable))
		}
	}
	return lines
}

// shortAge is a bound of an age, as 30m or 2h.
func shortAge(d time.Duration) string {
	if d%time.Hour == 0 {
		return strconv.Itoa(int(d.Hours())) + "h"
	}
	return strconv.Itoa(int(d.Minutes())) + "m"
}
