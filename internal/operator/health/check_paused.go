package health

import (
	"fmt"
	"time"
)

const (
	day = 24 * time.Hour
	// wantRetention is what infra/dead_letters.go gives the queue.
	wantRetention = 14 * day
	// pauseFailure is how long before the first events of a pause are lost it is a
	// failure, and no longer a choice.
	pauseFailure = 2 * day
)

// stopped finds that Lambda gives the function no event: on purpose, or not.
func (c *checker) stopped(paused Look[Paused]) {
	switch paused.State {
	case Absent:
		c.find(checkConcurrency, "the function's reserved concurrency is 0")
	case Unanswered:
		c.find(checkConcurrency, "the function's reserved concurrency is 0; it is not known whether that is a pause: %s", paused.Why)
	case Found:
		left := c.retention() - paused.Value.For
		text := fmt.Sprintf("paused on purpose since %s, for %s", paused.Value.Since.Format(time.RFC3339), days(paused.Value.For))
		switch {
		case left <= 0:
			c.add(CheckPaused, Failed, "%s, longer than the queue keeps events: the first ones are lost", text)
		case left <= pauseFailure:
			c.add(CheckPaused, Failed, "%s; the first events are lost in %s", text, days(left))
		case left < c.retention()/2:
			c.add(CheckPaused, Warning, "%s; the first events are lost in %s", text, days(left))
		default:
			c.find(CheckPaused, "%s; the queue keeps its events for %s more at least", text, days(left))
		}
	}
}

// retention is how long the queue keeps what comes while the function is paused.
func (c *checker) retention() time.Duration {
	if queue := c.region.Queue; queue.State == Found {
		return time.Duration(queue.Value.RetentionSeconds) * time.Second
	}
	return wantRetention
}

// paused says that the function is stopped on purpose.
func (c *checker) paused() bool {
	f := c.region.Function
	return f.State == Found && f.Value.stopped() && f.Value.Paused.State == Found
}

// days is a duration in whole days, or in hours or minutes if it is shorter.
func days(d time.Duration) string {
	n, unit := int(d/day), "day"
	switch {
	case d < 2*time.Hour:
		n, unit = int(d/time.Minute), "minute"
	case d < 2*day:
		n, unit = int(d/time.Hour), "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// EventsKept says what is in the way of keeping what a Region's function is not
// given while it is paused: findings without which events would be lost.
func EventsKept(findings []Finding, region string) []Finding {
	var list []Finding
	for _, f := range findings {
		if f.Region == region && f.Severity.NeedsAction() && losesEvents(f) {
			list = append(list, f)
		}
	}
	return list
}
