package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/replicaset"
)

// mostConcurrency is as many as an account's functions may run at once unless
// AWS has raised it.
const mostConcurrency = 1000

// redriveFlags are the flags of redrive.
type redriveFlags struct {
	regions              []string
	dryRun, watch        bool
	prefix, reason       string
	key, message         string
	olderThan, newerThan age
	max, concurrency     int
	rate                 float64
}

func (f *redriveFlags) add(flags *pflag.FlagSet) {
	namesVar(flags, &f.regions, "region", "only this `region`; can be repeated")
	flags.BoolVar(&f.dryRun, "dry-run", false, "list the dead letters, change nothing")
	flags.StringVar(&f.prefix, "prefix", "", "only keys with this `prefix`")
	flags.StringVar(&f.key, "key", "", "only this `key`")
	flags.StringVar(&f.message, "message", "", "only this message `ID`")
	flags.StringVar(&f.reason, "reason", "", "only reasons with this `text`, in any case")
	flags.Var(&f.olderThan, "older-than", "only older ones; such as 90m, 12h or 2d")
	flags.Var(&f.newerThan, "newer-than", "only newer ones")
	flags.IntVar(&f.max, "max", 0, "stop after this many, in all Regions together")
	flags.IntVar(&f.concurrency, "concurrency", redrive.DefaultParallel, "replays of a queue at the same time")
	flags.Float64Var(&f.rate, "rate", 0, "at most this many per second, such as 0.5")
	flags.BoolVar(&f.watch, "watch", false, "wait for new dead letters until interrupted")
}

// check refuses what can be no one's intention. changed says whether a flag
// was given.
func (f *redriveFlags) check(changed func(string) bool) error {
	for _, empty := range []struct{ name, value string }{
		{"prefix", f.prefix}, {"reason", f.reason}, {"key", f.key}, {"message", f.message},
	} {
		if changed(empty.name) && empty.value == "" {
			return usageError{fmt.Errorf("--%s is empty; leave it out to choose all dead letters", empty.name)}
		}
	}
	if err := checkPrefix(f.prefix); err != nil {
		return err
	}
	if err := checkKey(f.key); f.key != "" && err != nil {
		return err
	}
	switch {
	case f.key != "" && f.prefix != "":
		return keyAndPrefix()
	case f.watch && f.dryRun:
		return usageError{errors.New("--watch and --dry-run exclude each other; a dry run lists what is there now")}
	case f.olderThan.text != "" && f.newerThan.text != "" && f.olderThan.Duration >= f.newerThan.Duration:
		return usageError{fmt.Errorf("--older-than %s and --newer-than %s exclude each other; the first has to be less",
			f.olderThan.text, f.newerThan.text)}
	case changed("max") && f.max < 1:
		return usageError{fmt.Errorf("--max %d: it has to be at least 1; leave it out for no limit", f.max)}
	case f.concurrency < 1 || f.concurrency > mostConcurrency:
		return usageError{fmt.Errorf("--concurrency %d: it has to be between 1 and %d", f.concurrency, mostConcurrency)}
	case changed("rate") && !(f.rate > 0 && !math.IsInf(f.rate, 0)):
		return usageError{fmt.Errorf("--rate %g: it has to be more than 0; leave it out for no limit", f.rate)}
	default:
		return nil
	}
}

func (f *redriveFlags) options(set replicaset.Config, regions []string, clients map[string]redrive.Clients) redrive.Options {
	return redrive.Options{
		Config: set, Clients: clients, Regions: regions,
		DryRun: f.dryRun, Watch: f.watch, Parallel: f.concurrency, Max: f.max, Rate: f.rate,
		Filter: redrive.Filter{
			Prefix: f.prefix, Reason: f.reason, Key: f.key, MessageID: f.message,
			OlderThan: f.olderThan.Duration, NewerThan: f.newerThan.Duration,
		},
	}
}

// age is the value of a flag: a duration that may be in days.
type age struct {
	time.Duration
	text string
}

// String is the flag's value as it was typed, for cobra.
func (a *age) String() string { return a.text }

// Type names the flag's value in help.
func (a *age) Type() string { return "duration" }

// Set accepts Go's durations, and whole days.
func (a *age) Set(s string) error {
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int64
		n, err = strconv.ParseInt(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d <= 0 {
		return errors.New("it has to be a time such as 90m, 12h or 2d")
	}
	a.Duration, a.text = d, s
	return nil
}
