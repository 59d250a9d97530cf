package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/ui"
)

const (
	// defaultInterval is between two looks. CloudWatch's figures change once a
	// minute, and cost.
	defaultInterval = 30 * time.Second
	// leastInterval keeps the watch from asking all the time: a look takes dozens of
	// requests.
	leastInterval = 5 * time.Second
	// figuresInterval is how long CloudWatch's figures are shown before they are
	// asked for again.
	figuresInterval = time.Minute
)

// statusLook is how the set stood at a moment.
type statusLook struct {
	view     statusView
	findings []health.Finding
}

// err says what is wrong, nil if nothing is.
func (l statusLook) err() error { return healthError(l.findings, "run "+l.view.Next[0]) }

// statusWatch shows again and again how the set stands. One look ends before the
// next begins, and there is at least the interval between two beginnings.
type statusWatch struct {
	look     func(context.Context) (statusLook, error)
	interval time.Duration
	now      func() time.Time
	resized  <-chan os.Signal
	tick     <-chan time.Time // when what is shown has changed by itself, as a countdown
	show     func(watched) error
}

// watched is what there is to show: the last look that succeeded, and why the newest
// one did not.
type watched struct {
	at   time.Time // of the newest look
	last *statusLook
	good time.Time // when last was
	err  error
}

// run watches until ctx ends, and returns what the last look found. It ends early
// only if the first look fails, or nothing can be shown.
func (w statusWatch) run(ctx context.Context) error {
	var s watched
	for {
		s.at = w.now()
		look, err := w.look(ctx)
		if ctx.Err() != nil {
			return s.end()
		}
		if s.err = err; err == nil {
			s.last, s.good = &look, s.at
		}
		if s.last == nil {
			return err
		}
		if err := w.show(s); err != nil {
			return err
		}
		if !w.wait(ctx, s) {
			return s.end()
		}
	}
}

// wait shows the same for new sizes until it is time for the next look; false means
// that ctx ended.
func (w statusWatch) wait(ctx context.Context, s watched) bool {
	next := time.NewTimer(max(0, w.interval-w.now().Sub(s.at)))
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-next.C:
			return true
		case <-w.tick:
			if w.show(s) != nil {
				return true
			}
		case <-w.resized:
			if w.show(s) != nil {
				return true // the next look tells
			}
		}
	}
}

// end is what an interrupted watch ends with.
func (s watched) end() error {
	switch {
	case s.last == nil:
		return errInterrupted
	case s.err != nil:
		return s.err
	}
	return s.last.err()
}

// watchStatus shows how the set stands until it is interrupted: on a terminal in
// place, elsewhere as blocks with their time, as JSON in lines.
func (a *app) watchStatus(ctx context.Context, look func(context.Context) (statusLook, error), interval time.Duration) error {
	w := statusWatch{look: look, interval: interval, now: time.Now, show: a.showBlock}
	if a.output == outputJSON {
		w.show = a.showLine
		return w.run(ctx)
	}
	display := a.newScreen(a.stdout)
	if display == nil {
		return w.run(ctx)
	}
	changed, stop := resizes()
	defer stop()
	w.resized = changed
	second := time.NewTicker(time.Second)
	defer second.Stop()
	w.tick = second.C
	if err := display.open(); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	var last watched
	w.show = func(s watched) error {
		last = s
		width, height := display.size()
		text, err := a.statusScreen(s, max(0, interval-time.Since(s.at)), width)
		if err != nil {
			return err
		}
		if err := display.draw(text, height); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
		return nil
	}
	err := w.run(ctx)
	if failed := display.close(); failed != nil {
		return errors.Join(err, fmt.Errorf("write the result: %w", failed))
	}
	if last.last != nil { // what was seen last stays
		if failed := a.writeStatus(last.last.view); failed != nil {
			return fmt.Errorf("write the result: %w", failed)
		}
	}
	return err
}

// statusScreen is what the terminal shows, so long before the next look.
func (a *app) statusScreen(s watched, next time.Duration, width int) (string, error) {
	var b strings.Builder
	head := fmt.Sprintf("%s, next in %s; Ctrl-C ends", s.good.UTC().Format(time.RFC3339), ui.Span(next))
	b.WriteString(wrapped(head, width, "  ") + "\n")
	if s.err != nil {
		b.WriteString(wrapped(notRefreshed(s), width, "  ") + "\n")
	}
	b.WriteString("\n")
	err := writeStatusText(&b, s.last.view, width, a.getenv("NO_COLOR") == "")
	return b.String(), err
}

func notRefreshed(s watched) string {
	return "not refreshed since " + s.good.UTC().Format(time.RFC3339) + ": " + oneLine(s.err.Error())
}

// showBlock appends a block.
func (a *app) showBlock(s watched) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", s.at.UTC().Format(time.RFC3339))
	if s.err != nil {
		fmt.Fprintf(&b, "%s\n\n", notRefreshed(s))
	} else {
		if err := writeStatusText(&b, s.last.view, 0, false); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	if _, err := io.Copy(a.stdout, &b); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// showLine appends a line of JSON.
func (a *app) showLine(s watched) error {
	line := document.StatusLine{Time: s.at.UTC().Truncate(time.Second)}
	if s.err != nil {
		line.Error = oneLine(s.err.Error())
	} else {
		line.Status = &s.last.view.Status
	}
	if err := writeJSONLine(a.stdout, line); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
