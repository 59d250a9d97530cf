package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/table"
)

// machine is what the results were got on.
type machine struct {
	processor string
	cores     int
	system    string
	memory    string
	revision  string // of s3fanout
	goVersion string
	date      time.Time
}

func thisMachine(ctx context.Context) machine {
	m := machine{
		processor: runtime.GOARCH, cores: runtime.NumCPU(), system: runtime.GOOS, goVersion: runtime.Version(),
		date: time.Now().UTC(),
	}
	if r := revision(ctx, "."); r != "" {
		m.revision = "s3fanout " + r
	}
	// What there is not on other systems than Linux is left out.
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.system += " " + strings.TrimSpace(string(release))
	}
	m.processor = cmp.Or(value("/proc/cpuinfo", "model name"), m.processor)
	if kib, err := strconv.ParseInt(strings.TrimSuffix(value("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.memory = table.Bytes(kib << 10)
	}
	return m
}

// revision is the commit of a work tree, with -dirty if anything else than the page, which
// each run writes, was changed since; empty if git does not say.
func revision(ctx context.Context, dir string) string {
	describe := exec.CommandContext(ctx, "git", "describe", "--always")
	status := exec.CommandContext(ctx, "git", "status", "--porcelain", "--untracked-files=no",
		"--", ":(top)", ":(top,exclude)"+benchmarksPage)
	describe.Dir, status.Dir = dir, dir
	commit, err := describe.Output()
	if err != nil {
		return ""
	}
	changed, err := status.Output()
	if err != nil {
		return ""
	}
	r := strings.TrimSpace(string(commit))
	if len(changed) > 0 {
		r += "-dirty"
	}
	return r
}

// value is what a file with lines "name: value" has, or nothing.
func value(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if n, v, _ := strings.Cut(line, ":"); strings.TrimSpace(n) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (m machine) String() string { return m.join(m.memory, m.system, m.goVersion, m.revision) }

// short has the date, and leaves out what hardly differs from run to run.
func (m machine) short() string {
	return m.date.Format("2 January 2006") + ", " + m.join(m.goVersion, m.revision)
}

func (m machine) join(parts ...string) string {
	parts = append([]string{fmt.Sprintf("%d cores (%s)", m.cores, m.processor)}, parts...)
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// absolute makes the binaries' paths absolute, and says how to make those that
// are not there.
func (e *env) absolute() error {
	for _, path := range []*string{&e.function, &e.command, &e.hello} {
		if _, err := os.Stat(*path); err != nil {
			return fmt.Errorf("%w: run `make bench`, which builds it", err)
		}
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return nil
}
