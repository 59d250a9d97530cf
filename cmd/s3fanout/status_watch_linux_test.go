package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"s3fanout/internal/table"
)

// setSize tells a pseudoterminal how large it is.
func setSize(t *testing.T, terminal *os.File, columns, rows uint16) {
	t.Helper()
	size := [4]uint16{rows, columns}
	ioctl(t, terminal, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
}

// On a terminal the watch takes its other screen, redraws it at once when the size
// changes, and gives it back when it is interrupted, with what was seen last on the
// ordinary one.
func TestWatchOnATerminal(t *testing.T) {
	user, terminal := openTerminal(t)
	setSize(t, terminal, 120, 40)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	looks := 0
	a := &app{stdout: terminal, getenv: func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }}
	done := make(chan error, 1)
	go func() {
		done <- a.watchStatus(ctx, func(context.Context) (statusLook, error) { looks++; return seen(broken), nil }, time.Hour)
		_ = terminal.Close()
	}()
	r := bufio.NewReader(user)
	until := func(end string) string {
		t.Helper()
		var b strings.Builder
		for !strings.HasSuffix(b.String(), end) {
			c, err := r.ReadByte()
			if err != nil {
				t.Fatalf("after %q: %v", b.String(), err)
			}
			b.WriteByte(c)
		}
		return b.String()
	}
	for i, columns := range []uint16{120, 90} {
		if i > 0 {
			setSize(t, terminal, columns, 40)
			if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
				t.Fatal(err)
			}
		} else if got := until(otherScreen); got != otherScreen {
			t.Errorf("it begins with %q", got)
		}
		shown := until(restBelow)
		text, ok := strings.CutPrefix(shown, home)
		if !ok || !strings.Contains(text, "Replica set media") {
			t.Errorf("%d columns: shown %q", columns, shown)
		}
		for line := range strings.Lines(text) {
			line = strings.NewReplacer(restOfLine, "", restBelow, "", "\r", "", "\n", "").Replace(line)
			if table.Width(line) > int(columns) || strings.Contains(line, "\x1b") {
				t.Errorf("%d columns: %q", columns, line)
			}
		}
	}
	cancel()
	if left := until(backAgain); left != backAgain {
		t.Errorf("on the other screen it ends with %q", left)
	}
	rest, _ := io.ReadAll(r) // ends with EIO once nobody has the terminal
	if text := string(rest); !strings.HasPrefix(text, "Replica set media") || strings.Contains(text, "\x1b") {
		t.Errorf("left on the terminal: %q", text)
	}
	if err := <-done; err == nil || looks != 1 {
		t.Errorf("it ends with %v after %d looks, want what was found in one", err, looks)
	}
}
