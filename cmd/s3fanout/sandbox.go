package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/snapshot"
	"s3fanout/internal/sandbox/trace"
)

const functionHelp = "function's `program` (default: the one of this command)"

type sandboxFlags struct {
	listen, templates, dir, state, function string
	regions                                 []string
	retryWait, answerTimeout                time.Duration
	network                                 string // none if empty
	networkFrom                             string // first Region if empty
	seed                                    uint64 // zero: another one each time
	verbose, console                        bool
}

func newSandboxCommand(a *app) *cobra.Command {
	var f sandboxFlags
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the replica set on this machine, without AWS",
		Long: `Run the replica set on this machine until interrupted, without AWS. Point any
AWS SDK, the aws command or s3fanout at it with AWS_ENDPOINT_URL.`,
		Example: `  s3fanout sandbox
  s3fanout sandbox --listen 127.0.0.1:0 --state state.json
  s3fanout sandbox --templates cdk.out --dir /tmp/objects
  s3fanout sandbox --regions us-east-1,eu-west-1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runSandbox(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:4566", "loopback `address`")
	cmd.Flags().StringVar(&f.templates, "templates", "", "`directory` of cdk synth (default: built-in)")
	cmd.Flags().StringSliceVar(&f.regions, "regions", nil, "serve these `regions` and deploy nothing")
	cmd.Flags().StringVar(&f.dir, "dir", "", "keep objects and logs in this `directory`")
	cmd.Flags().StringVar(&f.state, "state", "", "write endpoint and credentials to this `file`")
	cmd.Flags().StringVar(&f.function, "function", "", functionHelp)
	cmd.Flags().DurationVar(&f.retryWait, "retry-wait", sandbox.DefaultRetryWait, "wait before Lambda's first retry")
	cmd.Flags().DurationVar(&f.answerTimeout, "answer-timeout", sandbox.DefaultAnswerTimeout, "wait for a custom resource")
	cmd.Flags().BoolVar(&f.console, "console", false, "show it in a browser; see s3fanout console")
	cmd.Flags().StringVar(&f.network, "network", networkLoopback, "`delays`: none, or aws for delays, speed and request rates like AWS's")
	cmd.Flags().StringVar(&f.networkFrom, "network-from", "", "`region` that clients are in, for --network aws (default: the first)")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "`number` that delays and faults follow")
	cmd.Flags().BoolVar(&f.verbose, "verbose", false, "log everything")
	cmd.AddCommand(newSandboxDeployCommand(a), newSandboxFaultCommand(a))
	return cmd
}

func (a *app) runSandbox(ctx context.Context, f sandboxFlags) error {
	function, err := functionFile(f.function)
	if err != nil {
		return err
	}
	programs, err := programsBeside()
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelDebug
	}
	var steps *trace.Trace
	if f.console {
		steps = trace.New()
	}
	sb, err := sandbox.Start(ctx, sandbox.Config{
		Trace:  steps,
		Listen: f.listen, Assembly: f.assembly(), Regions: f.regions, Function: function,
		Programs: programs, Dir: f.dir, RetryWait: f.retryWait,
		AnswerTimeout: f.answerTimeout,
		Seed:          cmp.Or(f.seed, uint64(time.Now().UnixNano())),
		Network:       f.network == networkAWS, NetworkFrom: f.networkFrom,
		OnUpdate: func(state sandbox.State) { a.followState(f.state, state) },
		Logger:   slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }() // again, where an error ends it early
	state := sb.State()
	if f.state != "" {
		if err := writeState(f.state, state); err != nil {
			return err
		}
	}
	if f.console {
		err = a.serveSandboxConsole(
			ctx, sb, steps, f.templates == "", func(url string) error { return a.showSandbox(state, sb.LogDir(), url) },
		)
	} else if err = a.showSandbox(state, sb.LogDir(), ""); err == nil {
		select {
		case <-ctx.Done(): // being interrupted is how it ends
		case <-sb.Done():
		}
	}
	return errors.Join(err, sb.Close())
}

// showSandbox says how the sandbox, and its console if there is one, are reached.
func (a *app) showSandbox(state sandbox.State, logs, console string) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, struct {
			sandbox.State
			Console string `json:"console,omitempty"`
		}{state, console})
	}
	a.explainSandbox(state, logs)
	if console == "" {
		return nil
	}
	return consoleAt(a.stdout, console)
}

// Values of --network.
const (
	networkLoopback = "none"
	networkAWS      = "aws"
)

// check finds mistakes in the names before anything is started.
func (f sandboxFlags) check() error {
	if f.retryWait <= 0 {
		return usageError{fmt.Errorf("--retry-wait %s: use a time above 0", f.retryWait)}
	}
	if f.answerTimeout <= 0 || f.answerTimeout > sandbox.DefaultAnswerTimeout {
		return usageError{fmt.Errorf("--answer-timeout %s: use a time above 0 and up to %s", f.answerTimeout, sandbox.DefaultAnswerTimeout)}
	}
	if f.console && len(f.regions) > 0 {
		return usageError{errors.New("--console shows a replica set, and --regions deploys none; leave one of them out")}
	}
	if f.network != "" && f.network != networkLoopback && f.network != networkAWS {
		return usageError{fmt.Errorf("--network %q: use %s or %s", f.network, networkLoopback, networkAWS)}
	}
	if f.networkFrom != "" && f.network != networkAWS {
		return usageError{fmt.Errorf("--network-from %s: it is for --network %s", f.networkFrom, networkAWS)}
	}
	if f.templates != "" && len(f.regions) > 0 {
		return usageError{errors.New("use either --regions or --templates; with --regions, deploy later with s3fanout sandbox deploy")}
	}
	if f.templates != "" {
		if _, err := os.Stat(filepath.Join(f.templates, "manifest.json")); errors.Is(err, fs.ErrNotExist) {
			return usageError{
				fmt.Errorf(
					"--templates %s: it has no manifest.json; name the directory that `cdk synth` has written, such as cdk.out",
					f.templates,
				),
			}
		}
	}
	if f.state != "" {
		dir := filepath.Dir(f.state)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return usageError{fmt.Errorf("--state %s: %s is not a directory", f.state, dir)}
		}
		if info, err := os.Stat(f.state); err == nil && info.IsDir() {
			return usageError{fmt.Errorf("--state %s is a directory; name a file", f.state)}
		}
	}
	return nil
}

// assembly is what is deployed at first; nil for nothing.
func (f sandboxFlags) assembly() fs.FS {
	switch {
	case f.templates != "":
		return os.DirFS(f.templates)
	case len(f.regions) > 0:
		return nil
	}
	return snapshot.FS()
}

func (a *app) explainSandbox(state sandbox.State, logs string) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(a.hinting(a.stdout), format+"\n", args...) }
	say("The sandbox is ready. In another shell:")
	say("")
	say("  export AWS_ENDPOINT_URL=%s", state.Endpoint)
	say("  export AWS_ACCESS_KEY_ID=%s", state.AccessKeyID)
	say("  export AWS_SECRET_ACCESS_KEY=%s", state.SecretAccessKey)
	say("")
	for _, region := range slices.Sorted(maps.Keys(state.Regions)) {
		say("  %-16s s3://%s", region, state.Regions[region].Bucket)
	}
	if points := state.AccessPoints; points != nil {
		say("")
		for _, arn := range points.ARNs {
			say("  access point  %s", arn)
		}
		say("  for a client of it in REGION:")
		say("  export AWS_CA_BUNDLE=%s", points.CABundle)
		for _, region := range slices.Sorted(maps.Keys(points.Proxies)) {
			say("  export HTTPS_PROXY=%s   # %s", points.Proxies[region], region)
		}
	}
	say("")
	say("  upload    aws s3 cp FILE s3://BUCKET --region REGION")
	say("  counters  curl %s/_sandbox/stats", state.Endpoint)
	say("  faults    s3fanout sandbox fault --region REGION --kind KIND --rate RATE")
	say("  replay    s3fanout redrive")
	say("  logs      %s", logs)
	say("")
	say("Interrupt (Ctrl-C) to stop; everything outside --dir is deleted then.")
}

// followState writes the state file anew after a deployment, which is done
// whether that succeeds or not.
func (a *app) followState(path string, state sandbox.State) {
	if path == "" {
		return
	}
	if err := writeState(path, state); err != nil {
		_, _ = fmt.Fprintln(a.stderr, "s3fanout: the deployment is done, but --state was not written:", err)
	}
}

// writeState writes the file whole or not at all: who waits for it never
// reads half of it. It holds a secret, if only the sandbox's.
func writeState(path string, state sandbox.State) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".state-*")
	if err != nil {
		return fmt.Errorf("write --state: %w", err)
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone already if all went well
	if err := writeJSONDocument(temp, state); err != nil {
		_ = temp.Close()
		return fmt.Errorf("write --state: %w", err)
	}
	if err := temp.Close(); err != nil {
		return fmt.Errorf("write --state: %w", err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return fmt.Errorf("write --state: %w", err)
	}
	return nil
}
