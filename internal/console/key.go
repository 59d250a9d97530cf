package console

import (
	"slices"
	"time"

	"s3fanout/internal/operator/document"
)

// moment is something that happened to a key in one Region.
type moment struct {
	At     time.Time
	Region string
	What   string // as in the history of the key, or a dead letter
	Text   string
	X      float64 // on the line of time, percent
}

// moments are what is known of a key's past in all Regions, the earliest first: its
// versions, and the dead letters that name it.
func moments(h document.History, letters []document.ExplainLetter) []moment {
	var list []moment
	for _, e := range h.Entries {
		m := moment{At: e.Time, Region: e.Region, What: e.What, Text: e.VersionID}
		if e.What == "version" { // of which nothing tells
			m.What = "write or replica"
		}
		switch {
		case e.Of != "" && e.Certain:
			m.Text += " of " + e.Of
		case e.Of != "":
			m.Text += " likely of " + e.Of
		}
		list = append(list, m)
	}
	for _, l := range letters {
		if l.SentAt != nil {
			list = append(list, moment{At: *l.SentAt, Region: l.Queue, What: "dead letter", Text: l.Reason})
		}
	}
	slices.SortStableFunc(list, func(a, b moment) int { return a.At.Compare(b.At) })
	if len(list) == 0 {
		return nil
	}
	first, span := list[0].At, list[len(list)-1].At.Sub(list[0].At)
	for i := range list {
		list[i].X = 50
		if span > 0 {
			list[i].X = 2 + 96*float64(list[i].At.Sub(first))/float64(span)
		}
	}
	return list
}

// copyable says whether a backfill can fix what was found of a key.
func copyable(d document.Explain) bool {
	return slices.ContainsFunc(d.Regions, func(r document.ExplainRegion) bool {
		return slices.Contains([]string{"missing", "dead-letter", "stale"}, r.State)
	})
}

// The line of time has a lane for each Region, in the units of its SVG.
const (
	laneHeight       = 34
	laneFrom, laneTo = 180.0, 980.0
)

func lanes(d *document.Explain) int { return laneHeight * len(d.Regions) }

func laneText(i int) int { return laneHeight*i + 22 }

func laneLine(i int) int { return laneHeight*i + 17 }

func momentX(percent float64) string { return fixed(laneFrom + (laneTo-laneFrom)*percent/100) }

func momentLine(d *document.Explain, region string) int {
	return laneLine(max(0, slices.IndexFunc(d.Regions, func(r document.ExplainRegion) bool { return r.Region == region })))
}
