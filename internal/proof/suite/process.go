package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"s3fanout/internal/replicaset"
)

// hostArchitecture is this machine's processor in Lambda's spelling.
func hostArchitecture() string {
	if runtime.GOARCH == "arm64" {
		return replicaset.ARM64
	}
	return replicaset.X86
}

// outcome is how a command ended.
type outcome struct {
	code           int
	stdout, stderr string
}

// last is the last line that a command wrote, for a message.
func (o outcome) last() string {
	lines := strings.Split(strings.TrimSpace(o.stdout+"\n"+o.stderr), "\n")
	return lines[len(lines)-1]
}

// execute runs a program with an environment. That it ends with another code
// than 0 is no error.
func execute(ctx context.Context, env []string, log io.Writer, name string, args ...string) (outcome, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the suite's own commands
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = env, io.MultiWriter(&stdout, log), io.MultiWriter(&stderr, log)
	ownGroup(cmd)
	cmd.Cancel = func() error { return endGroup(cmd, false) }
	cmd.WaitDelay = 20 * time.Second
	_, _ = fmt.Fprintf(
		log,
		"\n$ %s %s\n",
		filepath.Base(name),
		strings.Join(args, " "),
	) // a log that cannot be written is no reason to stop
	err := cmd.Run()
	o := outcome{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	switch {
	case ctx.Err() != nil:
		return o, context.Cause(ctx)
	case cmd.ProcessState == nil:
		return o, fmt.Errorf("%s: %w; build it with `make build`", name, err)
	}
	return o, nil
}

// must is execute for a command that has to succeed.
func must(ctx context.Context, env []string, log *os.File, name string, args ...string) error {
	o, err := execute(ctx, env, log, name, args...)
	if err == nil && o.code != 0 {
		err = fmt.Errorf("%s %s ended with %d: %s; the log is %s",
			filepath.Base(name), strings.Join(args, " "), o.code, o.last(), log.Name())
	}
	return err
}

// poll calls f until it says that it is done, at once and then every so often,
// and returns an error that ends with the last reason when the limit is over.
func poll(ctx context.Context, every, limit time.Duration, f func(context.Context) (done bool, why string, err error)) error {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for why := ""; ; {
		done, now, err := f(within)
		if done && err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case err != nil && within.Err() == nil:
			return err
		case now != "":
			why = now
		}
		select {
		case <-within.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("not within %v: %s", limit, why)
		case <-tick.C:
		}
	}
}
