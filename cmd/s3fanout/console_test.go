package main

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressOnTerminal(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, width: 10, now: time.Now}
	p.status("one of many letters")
	p.status("two")
	p.note("a note")
	p.done()
	if got, want := b.String(), "\r\x1b[Kone of m…"+"\r\x1b[Ktwo"+"\r\x1b[Ka note\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressElsewhere(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(1000, 0)
	p := &progress{w: &b, now: func() time.Time { return now }}
	p.status("one")
	p.status("dropped")
	now = now.Add(progressInterval)
	p.status("two")
	p.note("a note")
	p.status("dropped")
	p.status("three")
	p.done()
	p.done()
	if got, want := b.String(), "one\ntwo\na note\nthree\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What stays on a terminal is wrapped, and whole.
func TestNotesAreWrappedOnATerminal(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, width: 30, now: time.Now}
	p.note("region us-east-1: no answer from http://127.0.0.1:4566 in time")
	if got, want := b.String(), "region us-east-1: no answer\n  from http://127.0.0.1:4566\n  in time\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoColoursElsewhere(t *testing.T) {
	a := &app{getenv: func(string) string { return "" }}
	if a.colours(&bytes.Buffer{}) || a.terminalWidth(&bytes.Buffer{}) != 0 {
		t.Error("a buffer is no terminal")
	}
}
