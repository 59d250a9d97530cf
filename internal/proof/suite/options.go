package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"s3fanout/internal/replicaset"
)

// The targets.
const (
	sandboxTarget  = "sandbox"
	emulatorTarget = "emulator"
	accountTarget  = "account"
)

// options are what a run is asked for.
type options struct {
	target   string
	name     string
	set      replicaset.Config
	context  string // the same as JSON, for the CDK app
	dir      string // absolute; for logs, the assembly and the report
	report   string
	command  string // the s3fanout command
	function string // the function, built for this machine
	emulator string // the emulator's program
	objects  int    // uploads whose lag is measured
	timeout  time.Duration
	yes      bool
	keep     bool
}

// steps are those of a run.
func (o options) steps() []step {
	if o.set.Follow.Any() {
		return followSteps()
	}
	return steps()
}

// checks are those of a run: none where a set follows, since the other run asks.
func (o options) checks() []check {
	if o.set.Follow.Any() {
		return nil
	}
	return checks()
}

// smokeName is what every name of a run begins with, and nothing else: teardown
// deletes only what has such a name.
var smokeName = regexp.MustCompile(`^smoke-[a-z0-9]{10}$`)

// randomName makes up a name that nobody has.
func randomName() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 10)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return "smoke-" + string(b)
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{name: randomName()}
	var regions, fields string
	f := flag.NewFlagSet("suite", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.target, "target", sandboxTarget, "sandbox, emulator or account")
	f.StringVar(&regions, "regions", "us-east-1,eu-west-1,ap-northeast-1", "members of the replica set")
	f.StringVar(&fields, "config", "{}", "further `fields` of the configuration, as JSON")
	f.StringVar(&o.dir, "dir", "build/suite", "`directory` for logs, templates and the report")
	f.StringVar(&o.report, "report", "", "`file` for the report (default: report.md in the directory of the run)")
	f.StringVar(&o.command, "command", "bin/s3fanout", "the built `program`")
	f.StringVar(&o.function, "function", "bin/bootstrap", "the function's `program` for this machine")
	f.StringVar(&o.emulator, "emulator", "build/ministack/bin/ministack", "the emulator's `program`")
	f.IntVar(&o.objects, "objects", 60, "uploads whose lag is measured")
	f.DurationVar(&o.timeout, "timeout", 0, "end of the run (default: 10m, an hour on an account)")
	f.BoolVar(&o.yes, "yes", false, "do not ask before an account is used")
	f.BoolVar(&o.keep, "keep", false, "leave everything as it is at the end")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag", f.Arg(0))
	}
	switch o.target {
	case sandboxTarget, emulatorTarget, accountTarget:
	default:
		return o, fmt.Errorf("-target %q is not sandbox, emulator or account", o.target)
	}
	if o.objects < 1 || o.objects > 10_000 {
		return o, fmt.Errorf("-objects %d is not between 1 and 10000", o.objects)
	}
	if o.timeout == 0 {
		o.timeout = 10 * time.Minute
		if o.target == accountTarget {
			o.timeout = time.Hour
		}
	}
	for _, path := range []*string{&o.dir, &o.command, &o.function, &o.emulator, &o.report} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return o, err
		}
		*path = abs
	}
	o.dir = filepath.Join(o.dir, o.name)
	if o.report == "" {
		o.report = filepath.Join(o.dir, "report.md")
	}
	return o, o.configure(strings.Split(regions, ","), fields)
}

// configure makes the replica set's configuration: small parts, so that a small
// object is copied in some, and what the caller adds.
func (o *options) configure(regions []string, fields string) error {
	all := map[string]any{"multipartThresholdMiB": 5}
	if o.target == emulatorTarget {
		all["functionArchitecture"] = hostArchitecture()
	}
	var more map[string]any
	if err := json.Unmarshal([]byte(fields), &more); err != nil {
		return fmt.Errorf("-config %s: it is not an object of JSON: %w", fields, err)
	}
	maps.Copy(all, more)
	if _, ok := more["name"]; ok {
		return errors.New("-config: the name is made up, so that teardown cannot meet anything else")
	}
	all["name"], all["regions"] = o.name, regions
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if o.set, err = replicaset.Parse(raw); err != nil {
		return err
	}
	o.context = string(raw)
	return o.set.Validate()
}
