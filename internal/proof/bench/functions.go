package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// original is the function that people write, beside this file.
const original = "internal/proof/bench/original/function.py"

// A function is a command that copies what events name.
type function struct {
	name, version, missing string
	command                []string
}

// withinTime starts the function, waits until it is ready, and ends it after
// what do does with it.
func (f function) withinTime(
	ctx context.Context, most time.Duration, environment []string, do func(context.Context, *execution) error,
) (err error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	e, err := launch(ctx, f.command, environment)
	if err != nil {
		return err
	}
	defer func() {
		_, ended := e.end()
		err = errors.Join(err, ended)
	}()
	if _, err := e.untilReady(ctx); err != nil {
		return err
	}
	return do(ctx, e)
}

// The contestants of what functions are compared in.
const (
	bareGo  = "bare Go"
	boto3ed = "Python with boto3"
)

// theFunctions are s3fanout's and what it is compared with.
func theFunctions(ctx context.Context, e env) ([]function, error) {
	bare := filepath.Join(e.dir, "bare")
	if _, err := os.Stat(bare); errors.Is(err, os.ErrNotExist) {
		// The flags are the function's, see the Makefile.
		//nolint:gosec // the path is ours
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w",
			"-o", bare, "./internal/proof/bench/bare")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the bare function: %w: %s", err, out)
		}
	}
	script, err := filepath.Abs(original)
	if err != nil {
		return nil, err
	}
	interpreter, version, missing := python(ctx)
	return []function{
		{name: "s3fanout", command: []string{e.function}},
		{name: bareGo, command: []string{bare}},
		{name: boto3ed, command: []string{interpreter, script}, version: version, missing: missing},
	}, nil
}

// python finds an interpreter that has boto3, without the shims that some
// machines put before it, and says which; or why there is none.
func python(ctx context.Context) (path, version, missing string) {
	const ask = "import sys, platform, boto3; print(sys.executable, platform.python_version(), boto3.__version__)"
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.CommandContext(ctx, name, "-c", ask).Output() //nolint:gosec // it is one of two
		if err != nil {
			continue
		}
		if said := strings.Fields(string(out)); len(said) == 3 {
			return said[0], said[1] + ", " + said[2], ""
		}
	}
	return "", "", "no python3 with boto3 is installed"
}
