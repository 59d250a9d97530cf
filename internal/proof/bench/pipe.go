package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

// pipeTest is a test of package copier that measures, on virtual time: no machine moves
// 100 GiB for a benchmark.
const pipeTest = "TestLargeCopiesKeepThePipeFull"

var pipeTimes = regexp.MustCompile(`(\d+) GiB: (\S+) s, at full bandwidth (\S+) s,`)

// openPipe compares copies of large objects with what their bytes take at least.
func openPipe(context.Context, env) (contest, error) {
	const full = "bytes alone"
	c := contest{
		name: "pipe", title: "How full a large copy keeps the pipe", rounds: 1,
		about: "One object between us-east-1 and eu-west-1 over a network like AWS's, where each of 64 requests moves 85 MB a second, " +
			"with S3 simulated and on virtual time (`" + pipeTest + "`).",
	}
	run := func(column int) func(context.Context, int) (sample, error) {
		return func(ctx context.Context, _ int) (sample, error) {
			used, err := runCommand(ctx, os.Environ(), "go", "test", "-count=1", "-run", "^"+pipeTest+"$", "-v", "./internal/copier")
			if err != nil {
				return nil, err
			}
			s := sample{}
			for _, found := range pipeTimes.FindAllStringSubmatch(used.output, -1) {
				if s[found[1]], err = strconv.ParseFloat(found[column], 64); err != nil {
					return nil, err
				}
			}
			if len(s) == 0 {
				return nil, fmt.Errorf("%s did not print its times: %s", pipeTest, lastLines(used.output))
			}
			return s, nil
		}
	}
	for _, gib := range []string{"1", "10", "100", "1000"} {
		c.metrics = append(c.metrics, metric{gib, "copying " + gib + " GiB", "s", theirsToOurs})
		c.targets = append(c.targets, target{metric: gib, against: []string{full}, atLeast: 0.9})
	}
	c.contestants = []contestant{{name: "s3fanout", run: run(2)}, {name: full, run: run(3)}}
	if _, err := exec.LookPath("go"); err != nil {
		for i := range c.contestants {
			c.contestants[i].missing = "it needs Go"
		}
	}
	return c, nil
}
