package console

import (
	"cmp"
	"slices"
	"time"

	"s3fanout/internal/operator/document"
)

// moment is something that happened to a key in one Region.
type moment struct {
	At     time.Time
	Region string
	What   string // write, replica, delete marker
	Text   string
	X      float64 // on the line of time, percent
}

// moments are what is known of a key's past in all Regions, the earliest first. S3's
// time of a version has seconds.
func moments(d document.Explain) []moment {
	var list []moment
	for _, r := range d.Regions {
		for _, v := range r.Versions {
			m := moment{At: v.Modified, Region: r.Region, What: "version", Text: v.VersionID}
			switch {
			case v.DeletionMarker:
				m.What = "delete marker"
			case r.Object != nil && r.Object.VersionID == v.VersionID && r.Object.Likely != "":
				m.What = r.Object.Likely
			}
			list = append(list, m)
		}
		if len(r.Versions) == 0 && r.Object != nil {
			list = append(list, moment{At: r.Object.Modified, Region: r.Region, What: cmp.Or(r.Object.Likely, "version"), Text: r.Object.VersionID})
		}
	}
	for _, l := range d.Letters {
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

// fixable says which runs of the console can fix what was found of a key: a replay of
// its dead letters, and a copy of what is missing.
func fixable(d document.Explain) (replay, backfill bool) {
	for _, r := range d.Regions {
		if slices.Contains([]string{"missing", "dead-letter", "stale"}, r.State) {
			backfill = true
		}
	}
	return len(d.Letters) > 0, backfill
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

func momentClass(what string) string {
	switch what {
	case "delete marker":
		return "deleted"
	case "dead letter":
		return "letter"
	case "replica":
		return "replica"
	}
	return "upload"
}
