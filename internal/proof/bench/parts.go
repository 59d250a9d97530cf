package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"time"
)

// partsTest is a test of package e2e that measures, because a sandbox with
// other templates and slow requests is what tests have. It prints both times.
const partsTest = "TestBenchmarkCopyInParts"

var partsTimes = regexp.MustCompile(`one CopyObject: (\S+), 32 parts at a time: (\S+),`)

// openParts is the contest of copying a large object in parts with copying it
// by one request.
func openParts(context.Context, env) (contest, error) {
	const one = "one CopyObject"
	var mu sync.Mutex
	rounds := map[int][2]time.Duration{} // the test measures both contestants
	took := func(contestant int) func(context.Context, int) (sample, error) {
		return func(ctx context.Context, round int) (sample, error) {
			mu.Lock()
			defer mu.Unlock()
			if _, ok := rounds[round]; !ok {
				times, err := copyInParts(ctx)
				if err != nil {
					return nil, err
				}
				rounds[round] = times
			}
			return sample{"time": rounds[round][contestant].Seconds()}, nil
		}
	}
	c := contest{
		name: "parts", title: "Copying a large object in parts", rounds: 1,
		about:   "An object of 2 GiB where each request to S3 moves 10 MiB a second (`" + partsTest + "`).",
		metrics: []metric{{"time", "copying 2 GiB", "s", theirsToOurs}},
		targets: []target{{metric: "time", against: []string{one}, atLeast: 25}},
		contestants: []contestant{
			{name: "32 parts at a time", run: took(1)},
			{name: one, run: took(0)},
		},
	}
	if _, err := exec.LookPath("go"); err != nil {
		for i := range c.contestants {
			c.contestants[i].missing = "it needs Go"
		}
	}
	return c, nil
}

// copyInParts runs the test and returns the times of one CopyObject and of
// parts.
func copyInParts(ctx context.Context) (times [2]time.Duration, err error) {
	used, err := runCommand(
		ctx, append(os.Environ(), "S3FANOUT_E2E_BENCH=1"),
		"go", "test", "-count=1", "-timeout", "30m", "-run", "^"+partsTest+"$", "-v", "./internal/proof/e2e",
	)
	if err != nil {
		return times, err
	}
	found := partsTimes.FindStringSubmatch(used.output)
	if found == nil {
		return times, fmt.Errorf("%s did not print its times: %s", partsTest, lastLines(used.output))
	}
	for i := range times {
		if times[i], err = time.ParseDuration(found[i+1]); err != nil {
			return times, err
		}
	}
	return times, nil
}
