package main

import (
	"io"
	"strings"

	"s3fanout/internal/operator/adoption"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/printable"
	"s3fanout/internal/ui"
)

func (a *app) writeAdopt(d document.Adopt) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writeAdoptText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// adoptCheckForPeople has the findings in the order in which to act on them.
func adoptCheckForPeople(facts health.Facts, findings []health.Finding) document.Adopt {
	return document.NewAdoptCheck(facts, health.ByUrgency(findings))
}

// writeAdoptText writes a line for each bucket, and a paragraph for each finding.
func writeAdoptText(w io.Writer, d document.Adopt, width int, colours bool) error {
	var b strings.Builder
	for _, r := range d.Regions {
		b.WriteString(levelLine(adoptedLevel(d, r), r.Region, "bucket "+r.Bucket+": "+describeAdopted(d, r), width, colours) + "\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	for _, f := range d.Findings {
		if err := writeFinding(w, f, width, colours); err != nil {
			return err
		}
	}
	return nil
}

func severalFailed(d document.Adopt) bool {
	n := 0
	for _, r := range d.Regions {
		if r.Error != "" {
			n++
		}
	}
	return n > 1
}

// adoptedLevel is how bad it stands with a bucket.
func adoptedLevel(d document.Adopt, r document.AdoptRegion) ui.Level {
	level := ui.OK
	switch {
	case r.State == adoption.Failed:
		level = ui.Failed
	case r.Raced || r.State == adoption.Wanting:
		level = ui.Warning
	}
	for _, f := range d.Findings {
		if f.Region == r.Region {
			level = max(level, severityLevel(f.Severity))
		}
	}
	return level
}

// describeAdopted says how it stands with a bucket.
func describeAdopted(d document.Adopt, r document.AdoptRegion) string {
	text := map[string]string{
		adoption.Present: "already sends the set's events",
		adoption.Written: "now sends the set's events",
		adoption.Wanting: "would send the set's events",
		adoption.Failed:  "failed",
	}[r.State]
	if r.Error != "" && severalFailed(d) { // the command's error has the first one
		text += ": " + strings.TrimPrefix(printable.Quote(r.Error), "region "+r.Region+": ")
	}
	if d.Check {
		found := 0
		for _, f := range d.Findings {
			if f.Region == r.Region && f.Severity != string(health.Note) {
				found++
			}
		}
		if text = "can be adopted"; found > 0 {
			text = countChecks(found) + " to look at, below"
		}
	}
	if r.Raced {
		text += "; somebody else wrote its notifications at the same time: check that theirs are complete"
	}
	return text
}
