package main

import (
	"fmt"
	"time"

	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/printable"
	"s3fanout/internal/table"
	"s3fanout/internal/ui"
)

// backfillProgress turns what the run tells into a status. The run never calls
// it twice at once.
type backfillProgress struct {
	p           *progress
	now         func() time.Time
	began, last time.Time
	dryRun      bool
	named       int // failures
	meter       ui.Meter
	listing     listingBar
}

// statusInterval keeps a terminal readable.
const statusInterval = 100 * time.Millisecond

func (w *backfillProgress) progress(b backfill.Progress) {
	now, last := w.now(), b.Listed && b.Ended == b.Missing
	if now.Sub(w.last) < statusInterval && !last {
		return
	}
	w.last = now
	text := describeProgress(b, now.Sub(w.began), w.dryRun, &w.meter)
	if w.listing.status(w.p, w.dryRun, b.Listed, b.Keys, now.Sub(w.began), text) {
		return
	}
	w.p.share(b.Ended, b.Missing, text)
}

// failed names the failures that the result does not.
func (w *backfillProgress) failed(f backfill.Failure) {
	if w.named++; w.named > backfill.MaxFailures {
		w.p.note("%s: %s: %s", f.Region, printable.Quote(f.Key), f.Reason)
	}
}

// describeProgress is the line of a run that has taken so long. Until the
// listing is done, nobody knows how much there is to do.
func describeProgress(b backfill.Progress, took time.Duration, dryRun bool, meter *ui.Meter) string {
	least := "at least "
	if b.Listed {
		least = ""
	}
	if dryRun {
		return fmt.Sprintf("%d keys listed; %s%s missing, %s", b.Keys, least, objectCount(b.Missing), table.Bytes(b.MissingBytes))
	}
	line := fmt.Sprintf("%d of %s%s, %s", b.Ended, least, objectCount(b.Missing), table.Bytes(b.Bytes))
	if b.Failed > 0 {
		line += fmt.Sprintf(", %d failed", b.Failed)
	}
	if took < time.Second || b.Ended == 0 {
		return line
	}
	perSecond := float64(b.Ended) / took.Seconds()
	line += fmt.Sprintf("; %.0f/s, %s/s", perSecond, table.Bytes(int64(float64(b.Bytes)/took.Seconds())))
	if !b.Listed {
		return line // an estimate would grow with each page
	}
	if left, ok := meter.Left(int64(b.Ended), int64(b.Missing), took); ok {
		line += "; " + ui.Span(left) + " left"
	}
	return line
}

// noteWriter makes a note of each line of a log.
type noteWriter struct{ p *progress }

func (w noteWriter) Write(b []byte) (int, error) {
	w.p.note("%s", b)
	return len(b), nil
}
