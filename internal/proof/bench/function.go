package main

import (
	"context"
	"errors"
	"time"
)

const (
	startsARound = 50
	startTime    = time.Minute // that a start may take before it counts as hanging
)

// openFunction measures the start of the function.
func openFunction(_ context.Context, e env) (contest, error) {
	starts := func(binary string) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) {
			return startOnce(ctx, binary, environment("", "bench-eu-west-1", anyKeyID, anySecret))
		}
	}
	turns := inTurns(startsARound, starts(e.function), starts(e.hello))
	return contest{
		name:  "function",
		title: "Start of the function",
		about: "From the start of the binary to its first question for work, beside a Go function that answers `hello`. " +
			"What AWS does before is not in it.",
		metrics: []metric{
			{key: "ready", name: "start", unit: "ms", ratio: oursToTheirs},
			{key: "cpu", name: "processor time of a start", unit: "ms", ratio: oursToTheirs},
			{key: "memory", name: "peak memory when ready", unit: "MiB", ratio: oursToTheirs},
		},
		targets: []target{{metric: "ready", against: []string{bareHello}, atMost: 1.5}},
		contestants: []contestant{
			{name: "s3fanout", run: turns[0]},
			{name: bareHello, run: turns[1]},
		},
		rounds: 10,
	}, nil
}

const bareHello = "hello-world in Go"

// startOnce starts a function until it is ready.
func startOnce(ctx context.Context, binary string, environment []string) (_ sample, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	e, err := launch(ctx, []string{binary}, environment)
	if err != nil {
		return nil, err
	}
	s := sample{}
	ready, err := e.untilReady(ctx)
	if _, peak, ok := memoryOf(e.cmd.Process.Pid); ok {
		s["memory"] = peak
	}
	cpu, ended := e.end()
	s["ready"], s["cpu"] = milliseconds(ready), milliseconds(cpu)
	return s, errors.Join(err, ended)
}

// inTurns returns for each of several what a round measures, so that they take
// turns within the round as well: whoever is asked first in a round has all
// measured, times each, and everyone's sample has the medians.
func inTurns(times int, each ...func(context.Context) (sample, error)) []func(context.Context, int) (sample, error) {
	var (
		measured = -1
		medians  []sample
	)
	measure := func(ctx context.Context, round int) error {
		if round == measured {
			return nil
		}
		all := make([][]sample, len(each))
		for n := range times {
			for i := range each {
				which := (i + n) % len(each)
				s, err := each[which](ctx)
				if err != nil {
					return err
				}
				all[which] = append(all[which], s)
			}
		}
		medians = nil
		for _, samples := range all {
			medians = append(medians, medianOf(samples))
		}
		measured = round
		return nil
	}
	var out []func(context.Context, int) (sample, error)
	for i := range each {
		out = append(out, func(ctx context.Context, round int) (sample, error) {
			if err := measure(ctx, round); err != nil {
				return nil, err
			}
			return medians[i], nil
		})
	}
	return out
}

// medianOf has the median of each figure that every sample has.
func medianOf(samples []sample) sample {
	r := result{samples: [][]sample{samples}}
	out := sample{}
	for key := range samples[0] {
		if sp, ok := r.figures(0, key).spread(); ok {
			out[key] = sp.median
		}
	}
	return out
}
