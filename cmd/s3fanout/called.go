package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// calledHere is how this command was called, if that was by a relative path, as
// bin/s3fanout of a checkout is, and its name does not lead to it; otherwise it is
// the name.
func calledHere(typed string) string {
	const name = "s3fanout"
	if filepath.IsAbs(typed) || filepath.Base(typed) == typed {
		return name
	}
	exe, err := os.Executable()
	if err != nil {
		return name
	}
	return calledAs(exe, typed, exec.LookPath)
}

// hints names the command in its own hints as it was called, so that they can be
// copied. The zero value leaves them as they are.
type hints struct {
	ours   *regexp.Regexp // "s3fanout" before the name of a command
	called string
}

func newHints(root *cobra.Command, called string) hints {
	if called == root.Name() {
		return hints{}
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, regexp.QuoteMeta(c.Name()))
	}
	// Not after a word, a slash or the like: "/usr/bin/s3fanout doctor" is right.
	return hints{
		called: called,
		ours:   regexp.MustCompile(`(^|[\s"'(` + "`" + `])` + root.Name() + `( (?:` + strings.Join(names, "|") + `)\b)`),
	}
}

func (h hints) in(text string) string {
	if h.ours == nil {
		return text
	}
	return h.ours.ReplaceAllString(text, "${1}"+strings.ReplaceAll(h.called, "$", "$$")+"${2}")
}

// hinting is w with hints as the command was called. Each is written in one piece.
func (a *app) hinting(w io.Writer) io.Writer {
	if a.hints.ours == nil {
		return w
	}
	return hintWriter{w, a.hints}
}

type hintWriter struct {
	w     io.Writer
	hints hints
}

// Write implements io.Writer.
func (h hintWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(h.w, h.hints.in(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
