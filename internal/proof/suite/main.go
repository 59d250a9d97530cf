// Command suite deploys a replica set, tries on it what users and operators do,
// and takes it away again: one suite for the sandbox, for an emulator that
// others wrote, and for a real account.
//
// It uses what a user has: the CDK app, the built command, and clients of AWS's
// SDK. Nothing of it is part of the product. What a target is known to do
// otherwise than AWS is in that target's list of differences, with whose fault
// it is; a difference that is not there any more fails the run, so that the list
// stays true.
//
// A real account is asked for a confirmation first, with the estimated cost,
// and left as it was: stacks, buckets and objects of the random name go, and
// the run fails if something stays. make emulators and make smoke run it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes, those of the s3fanout command.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// usageError is a mistake in what was asked for: nothing was begun.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	interrupted := ctx.Err() != nil
	stop()
	code := exitDone
	switch {
	case err == nil:
	case errors.As(err, &usageError{}):
		code = exitUsage
	case interrupted:
		code = exitInterrupted
	default:
		code = exitFailed
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "suite:", err)
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string) error {
	o, err := parseOptions(args, os.Stderr)
	if err != nil {
		return usageError{err}
	}
	if o.target == emulatorTarget {
		if done, err := confine(ctx); done || err != nil {
			return err
		}
	}
	return runSuite(ctx, o, os.Stdin, os.Stdout)
}
