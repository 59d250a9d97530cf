// Command bench measures s3fanout on one machine in one run, and compares it with other
// tools and with minimal implementations. It prints one table and writes it into
// docs/internals/benchmarks.md, with machine, versions and date.
//
// `make bench` runs it from the repository's root. Everything stays on this
// machine: peers work against the sandbox or a server of the benchmark's own.
// A peer that is not installed is named as not measured.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"s3fanout/internal/operator/verify"
)

// env is what contests find on this machine.
type env struct {
	function string // binaries built for this machine, absolute
	command  string
	hello    string
	dir      string // temporary, for everything that is written
	clients  string // Python's environment with tools/clients.txt; empty for programs that are installed
	objects  int    // to copy in the backfill contest; 0: as many as it wants
	large    int    // to copy in the contest of large objects
	letters  int    // to replay in the redrive contest; 0: as many as it wants
	keys     int    // of each bucket in the verify contest; 0: as many as it wants
	rounds   int    // 0: as many as the contest wants
	network  string // of sandboxes, as s3fanout sandbox --network has it
}

// distant says that requests take as long as to AWS.
func (e env) distant() bool { return e.network == networkAWS }

// benchmarksPage is where results are written, from the repository's root.
const benchmarksPage = "docs/internals/benchmarks.md"

// Values of -network.
const (
	networkNone = "none"
	networkAWS  = "aws"
)

// open prepares a contest. What it has made is released by the contest's end.
type open func(ctx context.Context, e env) (contest, error)

// all contests, in the order of the page, and the network that each wants.
var all = []struct {
	name    string
	open    open
	network string
}{
	{"function", openFunction, networkNone},
	{"copy", openCopy, networkNone},
	{"memory", openMemory, networkNone},
	{"event", openEvent, networkNone},
	{"parts", openParts, networkNone},
	{"pipe", openPipe, networkNone},
	{"backfill", openBackfill, networkAWS},
	{"large", openLarge, networkAWS},
	{"verify", openVerify, networkAWS},
	{"redrive", openRedrive, networkAWS},
	{"latency", openLatency, networkAWS},
	{"sandbox", openSandbox, networkNone},
	{"storage", openStorage, networkNone},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, args []string, stdout, notes io.Writer) (err error) {
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	var e env
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(notes)
	only := flags.String("only", strings.Join(names, ","), "the contests to run")
	page := flags.String("write", benchmarksPage, "the page to write the results into; empty for none")
	flags.StringVar(&e.function, "function", "bin/bootstrap", "the function, built for this machine")
	flags.StringVar(&e.command, "command", "bin/s3fanout", "the command")
	flags.StringVar(&e.hello, "hello", "bin/hello", "the bare function to compare start-up with")
	flags.StringVar(&e.clients, "clients", "build/clients", "Python's environment with tools/clients.txt, whose programs are compared")
	flags.IntVar(&e.objects, "objects", 0, "objects to copy in the backfill contest; 0 for as many as it wants")
	flags.IntVar(&e.large, "large", largeObjects, "objects to copy in the contest of large ones")
	flags.IntVar(&e.letters, "letters", 0, "dead letters to replay in the redrive contest; 0 for as many as it wants")
	flags.IntVar(&e.keys, "keys", 0, "keys of each bucket in the verify contest; 0 for as many as it wants")
	flags.IntVar(&e.rounds, "rounds", 0, "rounds of each contest; 0 for as many as it wants")
	flags.StringVar(
		&e.network, "network", "", "none, or aws for delays, speed and request rates like AWS's; empty for what each contest wants",
	)
	dir := flags.String(
		"dir", memory(), "where servers keep objects; in memory if there is such a place, as disks are not what is measured",
	)
	server := flags.String("serve", "", "be the server of this name until the standard input ends; the program starts itself so")
	compared := flags.String(
		"compare", "", "compare the buckets at this endpoint and print the number of equal keys; the program starts itself so",
	)
	listed := flags.String("list", "", "list them only")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if *server != "" {
		return serveUntilEOF(ctx, *server, *dir, os.Stdin, stdout)
	}
	switch {
	case *compared != "":
		debug.SetGCPercent(verify.GCPercent) // as the command does
		return printCount(ctx, stdout, *compared, e.keys, compareBuckets)
	case *listed != "":
		return printCount(ctx, stdout, *listed, e.keys, bareListing)
	}
	chosen := strings.Split(*only, ",")
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return fmt.Errorf("-only: no contest is called %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	if e.clients != "" {
		if e.clients, err = filepath.Abs(e.clients); err != nil {
			return err
		}
	}
	if err := e.absolute(); err != nil {
		return err
	}
	if e.dir, err = os.MkdirTemp(*dir, "s3fanout-bench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(e.dir)) }()
	var results []result
	var failed error
	for _, c := range all {
		if !slices.Contains(chosen, c.name) {
			continue
		}
		own := e
		own.network = cmp.Or(e.network, c.network)
		r, err := measure(ctx, c.open, own, notes)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed = errors.Join(failed, err)
		if r.samples != nil {
			results = append(results, r)
		}
	}
	m := thisMachine(ctx)
	if err := printTable(stdout, m, results); err != nil {
		return err
	}
	if *page != "" {
		failed = errors.Join(failed, updatePage(*page, m, results))
	}
	return failed
}

// memory is the directory of a file system in memory, or empty.
func memory() string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err != nil || !info.IsDir() {
		return ""
	}
	return shm
}

// measure opens, runs and ends a contest.
func measure(ctx context.Context, open open, e env, notes io.Writer) (_ result, err error) {
	c, err := open(ctx, e)
	if err != nil {
		return result{}, err
	}
	if c.end != nil {
		defer func() { err = errors.Join(err, c.end()) }()
	}
	if e.rounds > 0 {
		c.rounds = e.rounds
	}
	return c.run(ctx, notes)
}
