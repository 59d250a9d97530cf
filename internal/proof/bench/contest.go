package main

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// A contest measures s3fanout beside others that do the same work on the same
// machine at the same time.
type contest struct {
	name    string // of the -only flag
	title   string
	about   string // what is done, and how it is measured: a paragraph of Markdown
	metrics []metric
	targets []target
	// parts are metrics of ours that make up another and have no target; the page has
	// them under one name.
	parts struct {
		name    string
		metrics []string
	}
	// contestants take turns. The first is s3fanout.
	contestants []contestant
	rounds      int
	// end releases what the contest needed.
	end func() error
}

// A metric is what a contestant is measured by.
type metric struct {
	key   string // in a sample
	name  string
	unit  string
	ratio ratio
}

// ratio says how ours is compared with another's.
type ratio string

const (
	oursToTheirs ratio = "ours / theirs"
	theirsToOurs ratio = "theirs / ours" // of times: how many times as fast ours is
)

// A target is what a result should be.
type target struct {
	metric string
	// against names the contestants whose ratio to ours counts, each of them. If
	// it is empty, our own figure counts.
	against []string
	atLeast float64 // 0: no bound
	atMost  float64 // 0: no bound
}

// A contestant does the work once a round and says what was measured.
type contestant struct {
	name    string
	version string
	// missing says why it cannot run on this machine.
	missing string
	once    bool // it runs in the first round alone
	run     func(ctx context.Context, round int) (sample, error)
}

// A sample has a figure for each metric, by its key.
type sample map[string]float64

// result is what a contest has shown.
type result struct {
	contest contest
	samples [][]sample // by contestant and round; none for the missing
}

// run has the contestants take turns, and begins each round with another one,
// so that a machine that gets slower or faster does so for all.
//
// Who fails counts as missing; the error says why.
func (c contest) run(ctx context.Context, notes io.Writer) (_ result, failed error) {
	r := result{contest: c, samples: make([][]sample, len(c.contestants))}
	for round := range c.rounds {
		for i := range c.contestants {
			n := (i + round) % len(c.contestants)
			who := c.contestants[n]
			if who.missing != "" || who.once && round > 0 {
				continue
			}
			_, _ = fmt.Fprintf(notes, "%s: round %d of %d, %s\n", c.name, round+1, c.rounds, who.name) // a note
			s, err := who.run(ctx, round)
			if err != nil && ctx.Err() != nil {
				return r, ctx.Err()
			}
			if err != nil { // the others are measured all the same
				failed = errors.Join(failed, fmt.Errorf("%s: %s: %w", c.name, who.name, err))
				c.contestants[n].missing = "it failed"
				r.samples[n] = nil
				continue
			}
			r.samples[n] = append(r.samples[n], s)
		}
	}
	return r, failed
}
