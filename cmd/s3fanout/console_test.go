package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/operator/document"
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

// On a terminal work of which a part is done has a bar; elsewhere a line of text.
func TestShareHasABarOnATerminal(t *testing.T) {
	var terminal, file bytes.Buffer
	for w, width := range map[*bytes.Buffer]int{&terminal: 80, &file: 0} {
		p := &progress{w: w, width: width, now: time.Now}
		p.share(5, 20, "5 of 20 objects")
		p.done()
	}
	if want := "█████░░░░░░░░░░░░░░░  25 %  5 of 20 objects"; !strings.Contains(terminal.String(), want) {
		t.Errorf("terminal: got %q, want %q", &terminal, want)
	}
	if want := "5 of 20 objects\n"; file.String() != want {
		t.Errorf("file: got %q, want %q", &file, want)
	}
}

// What is waited for has a countdown on a terminal, and one line elsewhere.
func TestCountdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var terminal, file bytes.Buffer
		for w, width := range map[*bytes.Buffer]int{&terminal: 80, &file: 0} {
			p := &progress{w: w, width: width, now: time.Now}
			stop := p.countdown(2*time.Minute, func() string { return "waiting" })
			<-time.After(90*time.Second + time.Millisecond)
			synctest.Wait()
			stop()
			p.done()
		}
		for _, want := range []string{"waiting, 2m00s at most", "waiting, 1m59s at most", "waiting, 30s at most"} {
			if !strings.Contains(terminal.String(), want) {
				t.Errorf("terminal: no %q", want)
			}
		}
		if want := "waiting, 2m00s at most\n"; file.String() != want {
			t.Errorf("file: got %q, want %q", &file, want)
		}
	})
}

// A watch says how many dead letters it holds for another try, and when the next is.
func TestRedriveWatchSaysWhatItWaitsFor(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	l := redriveLines{now: func() time.Time { return now }, again: map[string]time.Time{}}
	soon, later := now.Add(90*time.Second), now.Add(time.Hour)
	if got := l.waiting(); got != "waiting for new dead letters; Ctrl-C ends" {
		t.Errorf("nothing held: %q", got)
	}
	l.wait(document.RedriveLetter{MessageID: "a", Again: &later})
	l.wait(document.RedriveLetter{MessageID: "b", Again: &soon})
	if got, want := l.waiting(), "waiting; 2 dead letters to be tried again, the next in 1m30s; Ctrl-C ends"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	l.wait(document.RedriveLetter{MessageID: "b"})
	if got, want := l.waiting(), "waiting; 1 dead letter to be tried again, the next in 1h00m; Ctrl-C ends"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
