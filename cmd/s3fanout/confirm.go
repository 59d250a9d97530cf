package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// asks says whether somebody is there to be asked: both the question and the
// answer need a terminal.
func (a *app) asks() bool {
	for _, stream := range []any{a.stdin, a.stderr} {
		if f, ok := stream.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
			return false
		}
	}
	return true
}

// confirm asks a question that is answered with y or yes, or with anything else
// for no. The error is ctx's, or that of the terminal.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	answer, err := a.line(ctx, question+" [y/N]")
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}

// ask asks for a line, which has no spaces around it. The error is ctx's, or says
// that the terminal gives no more.
func (a *app) ask(ctx context.Context, question string) (string, error) {
	answer, err := a.line(ctx, question)
	if errors.Is(err, io.EOF) && answer == "" {
		return "", errors.New("no answer; nothing was changed")
	} else if errors.Is(err, io.EOF) {
		err = nil
	}
	return answer, err
}

// line shows a question and reads a line. The error is io.EOF behind the last one.
func (a *app) line(ctx context.Context, question string) (string, error) {
	if _, err := fmt.Fprint(a.stderr, wrapped(question, a.terminalWidth(a.stderr), "  ")+" "); err != nil {
		return "", err
	}
	type answer struct {
		line string
		err  error
	}
	answered := make(chan answer, 1)
	go func() { // a read cannot be interrupted; the process ends soon after ctx
		line, err := bufio.NewReader(a.stdin).ReadString('\n')
		answered <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(a.stderr)
		return "", context.Cause(ctx)
	case got := <-answered:
		if got.err != nil && !errors.Is(got.err, io.EOF) {
			got.err = fmt.Errorf("read the answer: %w", got.err)
		}
		return strings.TrimSpace(got.line), got.err
	}
}
