package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// manyTime is how long many events may take before a round counts as hanging.
const manyTime = 5 * time.Minute

// openMemory measures what a function holds after few events and after many.
func openMemory(ctx context.Context, e env) (contest, error) {
	functions, err := theFunctions(ctx, e)
	if err != nil {
		return contest{}, err
	}
	instant, err := startStandIn(e.dir)
	if err != nil {
		return contest{}, err
	}
	c := contest{
		name:  "memory",
		title: "Memory of the function over many events",
		about: "Resident memory of one process over 10,000 events on the stand-in.",
		metrics: []metric{
			{key: "100", name: "memory after 100 events", unit: "MiB", ratio: oursToTheirs},
			{key: "1000", name: "memory after 1,000 events", unit: "MiB", ratio: oursToTheirs},
			{key: "10000", name: "memory after 10,000 events", unit: "MiB", ratio: oursToTheirs},
			{key: "peak", name: "peak memory", unit: "MiB", ratio: oursToTheirs},
			{key: "growth", name: "growth from 1,000 to 10,000 events", unit: "times", ratio: oursToTheirs},
		},
		targets: []target{{metric: "peak", atMost: 20}, {metric: "growth", atMost: 1.1}},
		rounds:  3,
		end:     instant.close,
	}
	for _, f := range functions[:2] {
		c.contestants = append(c.contestants, contestant{name: f.name, run: func(ctx context.Context, _ int) (sample, error) {
			return manyEvents(ctx, f, instant.environment("bench-eu-west-1"))
		}})
	}
	if _, _, ok := memoryOf(os.Getpid()); !ok {
		for i := range c.contestants {
			c.contestants[i].missing = "only Linux says what a process holds"
		}
	}
	return c, nil
}

func manyEvents(ctx context.Context, f function, environment []string) (sample, error) {
	s, stops := sample{}, []int{100, 1_000, 10_000}
	err := f.withinTime(ctx, manyTime, environment, func(ctx context.Context, e *execution) error {
		for n := 1; n <= stops[len(stops)-1]; n++ {
			event, err := payload(benchOrigin, uploaded{fmt.Sprintf("films/%06d.mp4", n), "3HL4kqtJlcpXroDTDmJ", anyETag}, 7)
			if err != nil {
				return err
			}
			if _, err := e.invoke(ctx, n, event); err != nil {
				return err
			}
			if slices.Contains(stops, n) {
				now, peak, _ := memoryOf(e.cmd.Process.Pid)
				s[fmt.Sprint(n)], s["peak"] = now, peak
			}
		}
		return nil
	})
	s["growth"] = s["10000"] / s["1000"]
	return s, err
}
