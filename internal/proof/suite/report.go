package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"
)

// report is what a run found, for people.
type report struct {
	o      options
	target target
	watch  *bounds
	out    io.Writer

	began, ended            time.Time
	steps, checks, teardown []result
	unmade                  bool // nothing was deployed
}

// say writes a line of progress; that nobody reads it is no reason to stop.
func (r *report) say(format string, args ...any) { _, _ = fmt.Fprintf(r.out, format+"\n", args...) }

// add keeps a result and shows it.
func (r *report) add(list *[]result, one result) string {
	*list = append(*list, one)
	note := one.note
	if note != "" {
		note = ": " + shorten(note)
	}
	r.say("%-9s %-22s %8v%s", one.status, one.id, one.took, note)
	return one.status
}

// failures counts what failed.
func (r *report) failures() (n int) {
	for _, list := range [][]result{r.steps, r.checks, r.teardown} {
		for _, one := range list {
			if one.status == failed {
				n++
			}
		}
	}
	return n
}

// finish writes the report and says whether the run passed.
func (r *report) finish(w *world) error {
	if err := os.WriteFile(r.o.report, []byte(r.markdown(w)), 0o600); err != nil {
		return err
	}
	r.say("the report is %s", r.o.report)
	if n := r.failures(); n > 0 {
		return fmt.Errorf("%d of the run's steps, checks and clean-up failed", n)
	}
	return nil
}

// markdown is the dated report.
func (r *report) markdown(w *world) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s: %s, %s", r.o.name, r.target.describe(), r.began.UTC().Format("2006-01-02"))
	line("")
	line("From %s to %s, at commit %s.", r.began.UTC().Format(time.RFC3339), r.ended.UTC().Format(time.RFC3339), commit())
	line("Regions: %s. Configuration: `%s`.", strings.Join(r.o.set.Regions, ", "), r.o.context)
	if r.watch != nil {
		line("Of what it may have: %v, %v of %v.", r.watch, r.ended.Sub(r.began).Round(time.Second), r.o.timeout)
	}
	line("")
	line("## Steps")
	table(&b, "step", r.steps)
	if w != nil && len(w.lag) > 0 {
		line("")
		line("## Lag")
		line("From the answer to an upload until the replica is in its Region's list, looked for every 200 ms:")
		line("")
		line("| replicas | p50 | p99 | longest |")
		line("|---|---|---|---|")
		line("| %d | %v | %v | %v |", len(w.lag), rounded(w.lag, 50), rounded(w.lag, 99), rounded(w.lag, 100))
	}
	if len(r.checks) > 0 {
		line("")
		line("## What was not confirmed against AWS")
		table(&b, "check", r.checks)
	}
	if list := r.target.differences(); len(list) > 0 {
		line("")
		line("## What this target does otherwise than AWS")
		line("")
		line("| difference | what | whose fault | override |")
		line("|---|---|---|---|")
		for _, d := range list {
			override := d.override
			if override == "" {
				override = "none"
			}
			line("| %s | %s | %s | %s |", d.id, d.what, d.fault, override)
		}
	}
	if len(r.teardown) > 0 {
		line("")
		line("## Clean-up")
		table(&b, "step", r.teardown)
	}
	return b.String()
}

func rounded(sorted []time.Duration, p int) time.Duration {
	return percentile(sorted, p).Round(10 * time.Millisecond)
}

func table(b *strings.Builder, title string, list []result) {
	fmt.Fprintf(b, "\n| %s | result | time | what | seen |\n|---|---|---|---|---|\n", title)
	for _, one := range list {
		fmt.Fprintf(b, "| `%s` | %s | %v | %s | %s |\n", one.id, one.status, one.took, cell(one.what), cell(one.note))
	}
}

// cell is a text in a table of Markdown.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ").Replace(shorten(s))
}

// commit is what the suite was built from, and whether the checkout was changed.
func commit() string {
	out, err := exec.CommandContext(context.Background(), "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err == nil {
		return strings.TrimSpace(string(out))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
