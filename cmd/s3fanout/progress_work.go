package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"s3fanout/internal/ui"
)

// working shows on a terminal that work goes on, and for how long it has, until
// stop is called. Elsewhere it says nothing: the result says it.
func (p *progress) working(text string) (stop func()) {
	if p.width == 0 {
		return func() {}
	}
	began := p.now()
	end := p.ticking(func() string { return text + ", " + ui.Span(p.now().Sub(began)) })
	return func() { end(); p.done() }
}

// counting is working, for work of which it is known how many parts it has. next
// says that another is done.
func (p *progress) counting(total int, what string) (next, stop func()) {
	if p.width == 0 {
		return func() {}, func() {}
	}
	began := p.now()
	var done atomic.Int64
	text := func() string {
		n := done.Load()
		return fmt.Sprintf("%s  %d of %d %s, %s", ui.Bar(n, int64(total)), n, total, what, ui.Span(p.now().Sub(began)))
	}
	end := p.ticking(text)
	return func() { done.Add(1); p.status("%s", text()) }, func() { end(); p.done() }
}

// listingBar is how far a listing has come, once it is known to how many keys it comes.
type listingBar struct {
	total *atomic.Int64 // about how many keys; nil or 0: not known
	meter ui.Meter
}

// status shows the work of which the listing is a part: in a dry run it is all, and else
// it goes on beside. It reports whether that was all there is to show.
func (l *listingBar) status(p *progress, dryRun, listed bool, keys int, took time.Duration, text string) bool {
	switch {
	case dryRun && !listed:
		l.show(p, int64(keys), took, text)
	case !listed:
		p.status("%s", text+l.percent(p, int64(keys)))
	case dryRun:
		p.status("%s", text)
	default:
		return false
	}
	return true
}

// show adds a bar and the time that is left, if the listing has not passed its total.
func (l *listingBar) show(p *progress, keys int64, took time.Duration, text string) {
	total := l.known(p, keys)
	if total == 0 {
		p.status("%s", text)
		return
	}
	if left, ok := l.meter.Left(keys, total, took); ok {
		text += "; about " + ui.Span(left) + " left to list"
	}
	p.status("%s  %s", ui.Bar(keys, total), text)
}

// percent is ", about N % listed", for work that goes on meanwhile and after it.
func (l *listingBar) percent(p *progress, keys int64) string {
	total := l.known(p, keys)
	if total == 0 {
		return ""
	}
	return fmt.Sprintf(", about %d %% listed", keys*100/total)
}

// known is the total, 0 if it is of no use.
func (l *listingBar) known(p *progress, keys int64) int64 {
	if p.width == 0 || l.total == nil || keys > l.total.Load() {
		return 0
	}
	return l.total.Load()
}

// phases shows what report was last called with, and on a terminal counts down.
func (p *progress) phases() (report func(text string, until time.Time), stop func()) {
	type phase struct {
		text  string
		until time.Time
	}
	var now atomic.Pointer[phase]
	now.Store(&phase{text: "beginning"})
	text := func() string {
		ph := now.Load()
		if left := ph.until.Sub(p.now()); !ph.until.IsZero() && left > 0 {
			return ph.text + ", " + ui.Span(left) + " left"
		}
		return ph.text
	}
	end := func() {}
	if p.width > 0 {
		end = p.ticking(text)
	}
	return func(text0 string, until time.Time) { now.Store(&phase{text0, until}); p.status("%s", text()) },
		func() { end(); p.done() }
}

// silent shows nothing, where a screen or a page shows the result.
func silent(string) (stop func()) { return func() {} }
