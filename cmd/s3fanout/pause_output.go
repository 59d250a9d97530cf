package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/ui"
)

func (a *app) writePause(d document.Pause, set replicaset.Config) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writePauseText(a.hinting(a.stdout), d, set.QueueName(), a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writePauseText writes a line for each Region, and what a pause means.
func writePauseText(w io.Writer, d document.Pause, queue string, width int, colours bool) error {
	var regions strings.Builder
	var paused, lines []string
	for _, r := range d.Regions {
		level, text := ui.Failed, "not paused"
		if r.Paused {
			level, text = ui.OK, describePause(d, r, queue)
			paused = append(paused, r.Region)
		}
		regions.WriteString(levelLine(level, r.Region, text, width, colours) + "\n")
	}
	if _, err := io.WriteString(w, regions.String()); err != nil {
		return err
	}
	if len(paused) > 0 && !d.DryRun {
		lines = append(lines,
			"Copies under way end within 15 minutes. Uploads to a paused Region's bucket still go to the others. "+
				"The alarm dead-letters goes to ALARM there, and dead-letters-old after three days: that is the reminder.",
			"To copy again and catch up: s3fanout resume "+strings.Join(paused, " "))
	}
	return writeLines(w, lines, width)
}

func describePause(d document.Pause, r document.PauseRegion, queue string) string {
	text := "paused since " + r.Since.Format(time.RFC3339)
	switch {
	case r.Already:
		text = "was paused already, since " + r.Since.Format(time.RFC3339)
	case d.DryRun:
		text = "would be paused"
	}
	if r.KeptUntil != nil {
		text += "; events that arrive meanwhile wait in queue " + queue + ", the first until " + r.KeptUntil.Format(time.RFC3339)
	}
	if r.DeadLetters != nil && *r.DeadLetters > 0 {
		text += fmt.Sprintf("; about %s there", letterCount(*r.DeadLetters))
	}
	return text
}

func (a *app) writeResume(d document.Resume, redriven *redriveView) error {
	if a.output == outputJSON {
		if redriven != nil {
			d.Redrive = &redriven.Redrive
		}
		return writeJSONDocument(a.stdout, d)
	}
	width := a.terminalWidth(a.stdout)
	if err := writeResumeText(a.hinting(a.stdout), d, width, a.colours(a.stdout)); err != nil || redriven == nil {
		return err
	}
	return writeRedriveText(a.hinting(a.stdout), *redriven, width, a.colours(a.stdout))
}

func writeResumeText(w io.Writer, d document.Resume, width int, colours bool) error {
	var b strings.Builder
	for _, r := range d.Regions {
		level := ui.OK
		switch {
		case r.Error != "":
			level = ui.Failed
		case !r.Paused:
			level = ui.Note
		}
		b.WriteString(levelLine(level, r.Region, describeResume(d, r), width, colours) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func describeResume(d document.Resume, r document.ResumeRegion) string {
	switch {
	case r.Error != "":
		return "not resumed"
	case !r.Paused:
		return "was not paused"
	}
	reserved := "without reserved concurrency"
	if r.ReservedConcurrency != nil {
		reserved = fmt.Sprintf("with a reserved concurrency of %d", *r.ReservedConcurrency)
	}
	text := "copies again"
	if d.DryRun {
		text = "would copy again"
	}
	text += ", " + reserved
	if r.Since != nil {
		text += "; it was paused since " + r.Since.Format(time.RFC3339)
	}
	return text
}

// writeLines writes lines, wrapped on a terminal. A command that does not fit beside
// its words stands in a line of its own, to be copied.
func writeLines(w io.Writer, lines []string, width int) error {
	const indent = "  "
	var b strings.Builder
	for _, line := range lines {
		steps := []string{line}
		if width > 0 && commandStart.MatchString(line) {
			steps = clauses(line, width)
		}
		for i, step := range steps {
			switch {
			case i == 0:
				b.WriteString(wrapped(step, width, indent) + "\n")
			case isCommand(step):
				b.WriteString(indent + step + "\n")
			default:
				b.WriteString(indent + wrapped(step, width-len(indent), indent+indent) + "\n")
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
