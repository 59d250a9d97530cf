package main

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/spf13/cobra"

	"s3fanout/internal/printable"
	"s3fanout/internal/sandbox"
)

// Exit codes of every subcommand.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2 // the command line or the configuration is wrong
	exitLeftOver    = 3 // difference found, or work left over
	exitInterrupted = 130
	// What a shell says of a command that a closed pipe ended, such as one
	// before "| head". There is nobody left to tell.
	exitUnread = 141
)

var (
	// errLeftOver marks an outcome that is not a failure, but not all that was
	// asked for either.
	errLeftOver = errors.New("left over")
	// errInterrupted marks a command that a signal ended early.
	errInterrupted = errors.New("interrupted")
)

// usageError is a mistake in the command line or the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitCode maps the error of a command line to the exit code. started says
// whether the subcommand began its work: what goes wrong before that is the
// command line.
func exitCode(err error, started bool) int {
	switch {
	case err == nil:
		return exitDone
	case !started, errors.As(err, &usageError{}), errors.As(err, &sandbox.ConfigError{}):
		return exitUsage
	case isUnread(err):
		return exitUnread
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errLeftOver):
		return exitLeftOver
	default:
		return exitFailed
	}
}

// isUnread says that a result could not be written because nobody reads it any
// more. A connection that broke is something else.
func isUnread(err error) bool {
	var write *fs.PathError
	return errors.As(err, &write) && write.Op == "write" && errors.Is(write.Err, syscall.EPIPE)
}

// watchStart makes the commands under root note that one of them began.
func watchStart(root *cobra.Command) *bool {
	started := new(bool)
	var wrap func(*cobra.Command)
	wrap = func(c *cobra.Command) {
		if inner := c.RunE; inner != nil {
			c.RunE = func(cmd *cobra.Command, args []string) error {
				*started = true
				return inner(cmd, args)
			}
		}
		for _, child := range c.Commands() {
			wrap(child)
		}
	}
	wrap(root)
	return started
}

// classified gives an error a class for errors.Is without changing its text.
type classified struct {
	error
	class error
}

func (m classified) Unwrap() []error { return []error{m.class, m.error} }

func oneLine(s string) string { return printable.OneLine(s) }
