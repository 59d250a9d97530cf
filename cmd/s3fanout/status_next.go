package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
)

// nextStep is a command that says more of what status shows.
type nextStep struct{ command, why string }

// nextSteps are the commands that lead on from what status shows, the most
// urgent first. Where nothing was found one is left: whether every object
// arrived is not for status to see.
func nextSteps(findings []document.Finding, regions []document.StatusRegion) []nextStep {
	var steps []nextStep
	var others, withLetters, paused []string // Regions
	for _, f := range findings {
		switch {
		case f.Check == health.CheckPaused:
			paused = append(paused, f.Region)
		case f.Check == health.CheckDeadLetters && f.Severity == string(health.Failed):
			withLetters = append(withLetters, f.Region)
		case f.Severity != string(health.Note) && !slices.Contains(others, f.Region):
			others = append(others, f.Region)
		}
	}
	if len(others) > 0 {
		steps = append(steps, nextStep{"s3fanout doctor" + regionFlag(others), "what it means, and the fix"})
	}
	if len(withLetters) > 0 {
		steps = append(steps, nextStep{"s3fanout redrive --dry-run" + regionFlag(withLetters), "why these objects were not copied"})
	}
	if len(paused) > 0 {
		steps = append(steps, nextStep{"s3fanout resume " + strings.Join(paused, " "), "copy again and replay the waiting events"})
	}
	if slices.ContainsFunc(regions, func(r document.StatusRegion) bool { return r.Diverged != nil && *r.Diverged > 0 }) {
		steps = append(steps, nextStep{"s3fanout verify", "which keys differ between Regions"})
	}
	if len(deletedLines(regions)) > 0 {
		steps = append(steps, nextStep{"s3fanout undelete --since 2h --dry-run", "what was deleted, if that was a mistake"})
	}
	if len(steps) == 0 {
		steps = append(steps, nextStep{"s3fanout verify", "whether every object is in every Region"})
	}
	return steps
}

// regionFlag limits a command to a Region if it is only one.
func regionFlag(regions []string) string {
	if len(regions) == 1 {
		return " --region " + regions[0]
	}
	return ""
}

// writeNextSteps writes the commands with their reasons beside them, or below
// where a line has no room.
func writeNextSteps(w io.Writer, steps []nextStep, width int) error {
	longest := 0
	for _, s := range steps {
		longest = max(longest, len(s.command))
	}
	if _, err := fmt.Fprintln(w, "\nNext:"); err != nil {
		return err
	}
	for _, s := range steps {
		line := fmt.Sprintf("  %-*s  # %s", longest, s.command, s.why)
		if width > 0 && len(line) > width {
			line = "  " + s.command + "\n      # " + s.why
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// divergedLines says where writes were refused because the key was there with
// other contents.
func divergedLines(regions []document.StatusRegion) []string {
	var where []string
	total := 0.0
	for _, r := range regions {
		if r.Diverged != nil && *r.Diverged > 0 {
			where = append(where, r.Region)
			total += *r.Diverged
		}
	}
	if len(where) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("diverged: %s: in the last hour %s not copied, "+
		"because the key existed with other contents; each Region keeps its own",
		strings.Join(where, ", "), countOf(int64(total), "write was", "writes were"))}
}
