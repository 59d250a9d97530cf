package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/console"
)

func newConsoleCommand(a *app) *cobra.Command {
	var port int
	var write bool
	var interval time.Duration
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Show the replica set in a browser",
		Long: `Show the replica set in a browser: Regions and lag, one key in all of them, dead
letters by reason, comparisons, findings with fixes, alarms, the month's report.
It listens on 127.0.0.1 only. Whoever has the URL that it prints can use it.

Without --write it changes no bucket, queue or setting.`,
		Example: `  s3fanout console
  s3fanout console --write --port 8080`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if port < 0 || port > 65535 {
				return usageError{fmt.Errorf("--port %d: a port is a number from 0 to 65535; 0 takes a free one", port)}
			}
			if interval < leastInterval {
				return usageError{fmt.Errorf("--interval %v: use at least %v; each look takes dozens of requests", interval, leastInterval)}
			}
			return a.serveConsole(cmd.Context(), port, console.Options{Write: write, Interval: interval})
		},
	}
	cmd.Flags().IntVar(&port, "port", 0, "port to listen on; 0 takes a free one")
	cmd.Flags().DurationVar(&interval, "interval", console.DefaultInterval, "time between two looks while a browser shows it")
	cmd.Flags().BoolVar(&write, "write", false, "allow replays and copies")
	return cmd
}

func (a *app) serveConsole(ctx context.Context, port int, o console.Options) error {
	options, config, err := a.healthOptions(ctx, nil)
	if err != nil {
		return err
	}
	account, err := accountID(ctx, config)
	if err != nil {
		return err
	}
	return a.listenForConsole(ctx, port, newConsoleSource(ctx, options, config, account, o.Interval).describe(o), a.showConsole)
}

// listenForConsole serves a console on a port of loopback until ctx ends. ready gets
// its URL.
func (a *app) listenForConsole(ctx context.Context, port int, o console.Options, ready func(url string) error) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("%w; give --port another one, or leave it out", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	o.Command = a.hints.called
	var readyErr error
	err = console.Serve(ctx, listener, o, func(url string) {
		if readyErr = ready(url); readyErr != nil {
			stop() // nobody could open it
		}
	})
	if readyErr != nil || errors.Is(err, context.Canceled) {
		return readyErr
	}
	return err
}

// consoleAt says where a console is.
func consoleAt(w io.Writer, url string) error {
	_, err := fmt.Fprintf(w, "The console is at\n\n  %s\n\nInterrupt (Ctrl-C) to end it.\n", url)
	return err
}

// consoleDocument is what the command writes as JSON.
type consoleDocument struct {
	URL string `json:"url"`
}

func (a *app) showConsole(url string) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, consoleDocument{url})
	}
	return consoleAt(a.stdout, url)
}
