package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

// terminalWidth is the number of columns of the terminal that w writes to; 0
// means that w is none, and nothing has to fit.
func (a *app) terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || a.getenv("TERM") == "dumb" {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// colours says whether w may be given colours (https://no-color.org).
func (a *app) colours(w io.Writer) bool {
	return a.terminalWidth(w) > 0 && a.getenv("NO_COLOR") == ""
}

const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	plain  = "\x1b[0m"
)

// progress tells on stderr how far long work has come: on a terminal in one
// line that is rewritten, elsewhere in plain lines, the newest state every few
// seconds. What cannot be written is dropped. It is safe for concurrent use.
type progress struct {
	w     io.Writer
	width int // 0: not a terminal
	now   func() time.Time

	mu    sync.Mutex
	last  time.Time
	shown bool   // a status line is on the terminal
	owed  string // the newest state, where it was not written
}

// progressInterval is the least time between two states where each is a line
// of its own.
const progressInterval = 5 * time.Second

func (a *app) newProgress() *progress {
	return &progress{w: a.stderr, width: a.terminalWidth(a.stderr), now: time.Now}
}

// status replaces the state that is shown.
func (p *progress) status(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := oneLine(fmt.Sprintf(format, args...))
	if p.width > 0 {
		_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s", table.CutEnd(text, p.width-1))
		p.shown = true
		return
	}
	p.owed = text
	if now := p.now(); now.Sub(p.last) >= progressInterval {
		p.last = now
		p.settle()
	}
}

// share replaces the state by that of work of which a part is done, on a terminal
// with a bar.
func (p *progress) share(done, total int, text string) {
	if p.width > 0 {
		text = ui.Bar(int64(done), int64(total)) + "  " + text
	}
	p.status("%s", text)
}

// ticking replaces the state by what text returns, each second anew on a terminal,
// until stop is called. Elsewhere it is written once.
func (p *progress) ticking(text func() string) (stop func()) {
	p.status("%s", text())
	if p.width == 0 {
		return func() {} // each would be a line
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		second := time.NewTicker(time.Second)
		defer second.Stop()
		for {
			select {
			case <-ended:
				return
			case <-second.C:
				p.status("%s", text())
			}
		}
	}()
	return sync.OnceFunc(func() { close(ended); <-done })
}

// countdown is ticking, for work that takes a time at most.
func (p *progress) countdown(most time.Duration, text func() string) (stop func()) {
	until := p.now().Add(most)
	return p.ticking(func() string { return text() + ", " + ui.Span(until.Sub(p.now())) + " at most" })
}

// note writes a line that stays, wrapped on a terminal.
func (p *progress) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	_, _ = fmt.Fprintln(p.w, wrapped(oneLine(fmt.Sprintf(format, args...)), p.width, "  "))
}

// aside takes the state off the terminal while write writes elsewhere, perhaps to the
// same terminal.
func (p *progress) aside(write func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return write()
}

// done takes the state off the terminal; elsewhere it writes the last one. Call
// it before results are written.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.settle()
}

// settle writes the state that is owed.
func (p *progress) settle() {
	if p.owed != "" {
		_, _ = fmt.Fprintln(p.w, p.owed)
		p.owed = ""
	}
}

func (p *progress) clear() {
	if p.shown {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
