package ui

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// barCells is the length of a bar.
const barCells = 20

// longest is the longest estimate that says anything.
const longest = 1000 * 24 * time.Hour

// Bar shows how much of a total is done, and the per cent. A total of 0 is done.
func Bar(done, total int64) string {
	share := 1.0
	if total > 0 {
		share = min(max(float64(done)/float64(total), 0), 1)
	}
	full := int(share * barCells)
	// It is 100 % only when all is done.
	return fmt.Sprintf("%s%s %3.0f %%", strings.Repeat("█", full), strings.Repeat("░", barCells-full), math.Floor(share*100))
}

// Meter estimates how long work takes that is still to do. The estimate never
// grows: where work becomes slower, it waits. The zero value is ready for use.
type Meter struct {
	left  time.Duration
	known bool
}

// Left is how long the rest takes at the mean rate so far, false if nothing says
// it yet. done and total are in any unit; took is since the work began.
func (m *Meter) Left(done, total int64, took time.Duration) (time.Duration, bool) {
	if done <= 0 || total <= done || took < time.Second {
		return 0, false
	}
	estimate := float64(took) * float64(total-done) / float64(done)
	if estimate > float64(longest) {
		return m.left, m.known
	}
	left := time.Duration(estimate)
	if !m.known || left < m.left {
		m.left, m.known = left, true
	}
	return m.left, true
}

// Span is a duration for people, in at most two units.
func Span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", max(d, 0)/time.Second)
}
