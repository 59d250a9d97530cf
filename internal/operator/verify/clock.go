package verify

import (
	"sync"
	"time"
)

// clock is S3's time as S3's answers tell it. The local clock is asked only how
// long ago an answer came, and never what time it is: objects are dated by S3,
// and a laptop's clock can be minutes off.
type clock struct {
	mu    sync.Mutex
	start time.Time // local, with its monotonic reading
	// dated and written are S3's time at start: by the Date of an answer, and by
	// the date of an object, which is a lower bound for servers that send no Date.
	dated, written time.Time
}

func newClock() *clock { return &clock{start: time.Now()} }

// recordDate takes the Date of an answer that has just come; zero if it has none.
func (c *clock) recordDate(t time.Time) { c.record(&c.dated, t) }

// recordObject takes when an object was written that an answer has just named.
func (c *clock) recordObject(t time.Time) { c.record(&c.written, t) }

func (c *clock) record(at *time.Time, t time.Time) {
	if t.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// The latest estimate is the best: an answer takes time, and a Date is cut to
	// whole seconds.
	if t = t.Add(-time.Since(c.start)); t.After(*at) {
		*at = t
	}
}

// now is the time of S3. It never goes backwards, apart from the moment when the
// first Date is known.
func (c *clock) now() time.Time { return c.began().Add(time.Since(c.start)) }

// began is the time of S3 when the clock was made.
func (c *clock) began() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dated.IsZero() {
		return c.written
	}
	return c.dated
}
