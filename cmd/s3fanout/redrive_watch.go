package main

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/printable"
	"s3fanout/internal/ui"
)

// redriveLines writes what a watch does, a line for each result, to stdout. The
// run never calls it twice at once.
type redriveLines struct {
	a        *app
	p        *progress
	stop     func() // ends the run: nobody reads what it says
	now      func() time.Time
	reported map[string]string // the newest trouble by Region
	err      error             // of the first write that failed

	mu    sync.Mutex
	again map[string]time.Time // when which dead letter is tried again
}

// waiting says what the watch waits for.
func (l *redriveLines) waiting() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next time.Time
	for _, at := range l.again {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if next.IsZero() {
		return "waiting for new dead letters; Ctrl-C ends"
	}
	return fmt.Sprintf("waiting; %s to be tried again, the next in %s; Ctrl-C ends", letterCount(len(l.again)), ui.Span(next.Sub(l.now())))
}

// wait remembers when a dead letter is tried again, if it is.
func (l *redriveLines) wait(letter document.RedriveLetter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.again, letter.MessageID)
	if letter.Again == nil {
		return
	}
	if l.again == nil {
		l.again = map[string]time.Time{}
	}
	l.again[letter.MessageID] = *letter.Again
}

func (l *redriveLines) finished(r redrive.Result) {
	// Dead letters that were not selected come round again and again.
	if r.Outcome == redrive.Skipped || l.err != nil {
		return
	}
	if l.err = l.write(r); l.err != nil {
		l.stop()
	}
}

func (l *redriveLines) write(r redrive.Result) error {
	letter := document.NewRedriveLetter(r)
	l.wait(letter)
	return l.p.aside(func() error { return l.writeLetter(r, letter) })
}

func (l *redriveLines) writeLetter(r redrive.Result, letter document.RedriveLetter) error {
	if l.a.output == outputJSON {
		return writeJSONLine(l.a.stdout, letter)
	}
	outcome := letter.Outcome
	if l.a.colours(l.a.stdout) {
		outcome = outcomeColour(r.Outcome) + outcome + plain
	}
	_, err := fmt.Fprintf(l.a.stdout, "%s %s %s %s%s\n", l.now().UTC().Format(time.RFC3339), letter.Region, outcome,
		describeObjects(letter.Objects), l.why(letter))
	return err
}

// why says what led to an outcome other than replayed, and what comes next.
func (l *redriveLines) why(letter document.RedriveLetter) string {
	if letter.Outcome == string(redrive.Replayed) {
		return ""
	}
	text := ": " + printable.Short(printable.Quote(deadletter.Essence(cmp.Or(letter.Detail, letter.Reason))))
	if letter.Again != nil {
		text += "; again in " + letter.Again.Sub(l.now()).Round(time.Minute).String()
	}
	return text
}

// trouble tells of what keeps a queue from being read, once.
func (l *redriveLines) trouble(region string, err error) {
	text := "region " + region + ": the queue can be read again"
	if err != nil {
		text = err.Error()
	}
	if l.reported[region] != text {
		l.reported[region] = text
		l.p.note("%s", text)
	}
}
