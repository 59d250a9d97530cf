package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// screen shows a text that changes, in place: on the terminal's other screen, so
// that what was there comes back at the end.
type screen struct {
	w    io.Writer
	size func() (width, height int)
}

// newScreen is nil if w is no terminal.
func (a *app) newScreen(w io.Writer) *screen {
	if a.terminalWidth(w) == 0 {
		return nil
	}
	f := w.(*os.File)
	return &screen{w: w, size: func() (width, height int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			return 80, 24
		}
		return width, height
	}}
}

// Control sequences (ECMA-48 and xterm's).
const (
	// The other screen has no cursor, and cuts lines that are wider than it is: a
	// table's, on a narrow one.
	otherScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	backAgain   = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	restOfLine  = "\x1b[K"
	restBelow   = "\x1b[J"
)

func (s *screen) open() error  { return s.write(otherScreen) }
func (s *screen) close() error { return s.write(backAgain) }

// draw replaces what is shown by a text that fits the width.
func (s *screen) draw(text string, height int) error { return s.write(frame(text, height)) }

func (s *screen) write(text string) error {
	_, err := io.WriteString(s.w, text)
	return err
}

// frame overwrites a screen line by line, in one write. Nothing is cleared before
// something else is there, or it would flicker. What does not fit is counted.
func frame(text string, height int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if more := len(lines) - height; more > 0 && height > 1 {
		lines = append(lines[:height-1], fmt.Sprintf("… %d lines more", more+1))
	}
	var b strings.Builder
	b.WriteString(home)
	for i, line := range lines {
		b.WriteString(line + restOfLine)
		if i < len(lines)-1 {
			b.WriteString("\r\n") // and no line after the last: that would scroll
		}
	}
	b.WriteString(restBelow)
	return b.String()
}
