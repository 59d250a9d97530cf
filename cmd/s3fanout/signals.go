package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// patience is how long after the first signal others are taken for the same
// request: timeout(1), a terminal's Ctrl-C through make, and a terminal that is
// closed send several at once. Later ones kill.
const patience = 2 * time.Second

// interruptible returns a context that ends with the first signal to stop. A
// pipe that nobody reads any more is no signal but an error of the write, so
// that the command ends in order.
func interruptible() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	// A terminal or an SSH session that is closed ends the command in order too;
	// under nohup(1) it goes on.
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(stop, syscall.SIGHUP)
	}
	// Unlike an ignored signal, one that is caught is not inherited by the
	// function's processes.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		<-stop
		cancel()
		time.AfterFunc(patience, func() { signal.Stop(stop) })
	}()
	return ctx
}
