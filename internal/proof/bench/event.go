package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// benchmarks are Go benchmarks of the function's code, by the package that has
// them.
var benchmarks = []struct{ name, dir string }{
	{"replicator", "internal/function/replicator"}, // BenchmarkInvoke
	{"lambda", "lambda"},                           // BenchmarkInvokeWithClient
}

// openEvent measures what an event costs within the function.
func openEvent(ctx context.Context, e env) (contest, error) {
	for _, b := range benchmarks {
		binary := filepath.Join(e.dir, b.name+".test")
		build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./"+b.dir) //nolint:gosec // both are ours
		if out, err := build.CombinedOutput(); err != nil {
			return contest{}, fmt.Errorf("build the benchmarks of %s: %w: %s", b.dir, err, out)
		}
	}
	root, err := os.Getwd()
	if err != nil {
		return contest{}, err
	}
	return contest{
		name:  "event",
		title: "An event within the function",
		about: "Processor time of one event from payload to answer, with a fake S3 (`BenchmarkInvoke`).",
		metrics: []metric{
			{key: "all cpu-ns/op", name: "an event without S3", unit: "µs"},
			{key: "all allocs/op", name: "an event without S3", unit: "allocations"},
			{key: "all B/op", name: "an event without S3", unit: "KiB allocated"},
			{key: "parse cpu-ns/op", name: "of it, to parse", unit: "µs"},
			{key: "decide cpu-ns/op", name: "of it, to decide and make the request", unit: "µs"},
			{key: "rest cpu-ns/op", name: "of it, the log line, metrics and answer", unit: "µs"},
			{key: "client cpu-ns/op", name: "an event with the SDK, without the network", unit: "µs"},
			{key: "client allocs/op", name: "an event with the SDK, without the network", unit: "allocations"},
			{key: "client B/op", name: "an event with the SDK, without the network", unit: "KiB allocated"},
		},
		targets: []target{{metric: "all cpu-ns/op", atMost: 200}},
		contestants: []contestant{{name: "s3fanout", run: func(ctx context.Context, _ int) (sample, error) {
			return eventBenchmarks(ctx, e.dir, root)
		}}},
		rounds: 10,
	}, nil
}

func eventBenchmarks(ctx context.Context, dir, root string) (sample, error) {
	s := sample{}
	for _, b := range benchmarks {
		//nolint:gosec // it was built above
		run := exec.CommandContext(ctx, filepath.Join(dir, b.name+".test"),
			"-test.run=^$", "-test.bench=^BenchmarkInvoke", "-test.benchtime=5000x")
		run.Dir = filepath.Join(root, b.dir)
		out, err := run.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("benchmarks of %s: %w: %s", b.dir, err, out)
		}
		for name, figures := range readBenchmarks(string(out)) {
			switch name {
			case "BenchmarkInvokeWithClient":
				name = "client"
			default:
				name = strings.TrimPrefix(name, "BenchmarkInvoke/")
			}
			for unit, v := range figures {
				s[name+" "+unit] = v
			}
		}
	}
	s["rest cpu-ns/op"] = s["all cpu-ns/op"] - s["parse cpu-ns/op"] - s["decide cpu-ns/op"]
	for key, v := range s {
		switch {
		case strings.HasSuffix(key, "ns/op"):
			s[key] = v / 1e3
		case strings.HasSuffix(key, " B/op"):
			s[key] = v / 1024
		}
	}
	return s, nil
}

// readBenchmarks reads what go test prints of benchmarks: name, iterations, and
// pairs of a figure and its unit
// (https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md).
func readBenchmarks(out string) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := fields[0]
		if i := strings.LastIndex(name, "-"); i > 0 { // the number of processors
			name = name[:i]
		}
		figures := map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				figures[fields[i+1]] = v
			}
		}
		all[name] = figures
	}
	return all
}
