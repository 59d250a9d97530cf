// Command s3fanout operates a replica set: a group of S3 buckets, one per AWS
// Region, between which a function in each Region copies every new object. The
// first write of a key wins.
//
// It uses the AWS SDK's ordinary configuration (profiles, environment,
// AWS_ENDPOINT_URL). Results go to standard output, everything else to
// standard error. What can be interrupted can be run again.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"s3fanout/internal/aws/awsapi"
)

func main() {
	os.Exit(runAs(interruptible(), calledHere(os.Args[0]), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// run is runAs for who calls the command by its name.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	return runAs(ctx, "s3fanout", args, stdin, stdout, stderr, getenv)
}

// runAs executes one command line and returns the exit code. An error becomes
// one line on stderr, on a terminal several if it is long. Hints name the command as it
// was called.
func runAs(ctx context.Context, called string, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}
	root := newCommand(a)
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		plainUsages(root)
	}
	a.hints = newHints(root, called)
	root.SetArgs(args)
	started := watchStart(root)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted // what it was waiting for does not matter any more
	}
	if err != nil && !isUnread(err) {
		text := "s3fanout: " + oneLine(err.Error())
		if errors.Is(err, awsapi.ErrTransient) {
			text += "; run it again, and if it fails again, s3fanout doctor"
		}
		_, _ = fmt.Fprintln(stderr, endText(text, a.terminalWidth(stderr), a.colours(stderr), exitCode(err, *started), a.hints.in))
	}
	return exitCode(err, *started)
}
