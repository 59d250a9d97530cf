package main

import (
	"fmt"
	"io"
	"strings"

	"s3fanout/internal/operator/adoption"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
)

func (a *app) writeAdopt(d document.Adopt) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writeAdoptText(a.hinting(a.stdout), d, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeAdoptText writes a line for each bucket, and a paragraph for each finding.
func writeAdoptText(w io.Writer, d document.Adopt, width int, colours bool) error {
	var b strings.Builder
	for _, r := range d.Regions {
		fmt.Fprintf(&b, "%s: bucket %s: %s\n", r.Region, r.Bucket, describeAdopted(d, r))
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

// describeAdopted says how it stands with a bucket.
func describeAdopted(d document.Adopt, r document.AdoptRegion) string {
	text := map[string]string{
		adoption.Present: "already sends the set's events",
		adoption.Written: "now sends the set's events",
		adoption.Wanting: "would send the set's events",
		adoption.Failed:  "failed",
	}[r.State]
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
