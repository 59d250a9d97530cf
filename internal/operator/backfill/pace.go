package backfill

import "time"

// How copies to one target are paced.
const (
	// firstConcurrency is how many begin with, whatever the gain of that: a partition of
	// S3 takes 3,500 copies a second
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html),
	// and a machine that is busy otherwise hides what is gained.
	firstConcurrency = 256
	// Many targets share what one process does at once: each copy takes about 65 KiB, a
	// connection and a file descriptor. At all targets together firstTogether begin, but
	// leastFirst at each, and there are mostTogether at most.
	firstTogether, leastFirst, mostTogether = 512, 32, 2048
	// gain is how many times as many copies a second twice as many at once have to
	// be to be worth their memory. From growth on, they double without a pause; below,
	// a round without growth tells first what the last ones gained.
	gain, growth = 1.1, 1.5
	// rest is how many rounds pass until more at once is tried again.
	rest = 8
	// added is what a copy adds after S3 has asked for less: a sixteenth for each
	// windowful, at least one.
	added = 1. / 16
)

// pace decides how many copies to a target may be under way. A windowful of copies,
// a round, doubles their number as long as more end in a second for it. Once S3 asks
// for less, their number is halved each time it does, and grows slowly.
//
// What a listing holds up says nothing of the target, and changes nothing. A pace is a
// plain value.
type pace struct {
	size float64
	most int

	throttled bool
	cut       int // how many copies had been begun when the size was halved last

	growing bool
	resting int     // rounds until it grows again
	rate    float64 // the highest of a round so far, in copies a second
	useful  int     // the size that had it

	began       time.Time // of this round
	count, left int       // its copies, and those that have not ended
}

// share is how many copies begin at each of so many targets, and how many there may be,
// where concurrency is the most at one.
func share(targets, concurrency int) (begin, most int) {
	most = max(1, min(concurrency, mostTogether/targets))
	return min(most, firstConcurrency, max(leastFirst, firstTogether/targets)), most
}

// newPace begins with so many, now, and never allows more than most, which is at
// least one.
func newPace(begin, most int, now time.Time) pace {
	return pace{size: float64(min(begin, most)), most: most, growing: true, began: now}
}

// limit is how many copies may be under way, at least one.
func (p pace) limit() int { return int(p.size) }

// success is the pace after a copy went well, while so many were under way, itself
// among them.
func (p pace) success(flying int, now time.Time) pace {
	if 2*flying < p.limit() {
		p.began, p.left = now, 0
		return p
	}
	if p.left == 0 {
		p.count = p.limit()
		p.left = p.count
	}
	switch {
	case p.throttled:
		p.size += max(1/p.size, added)
	case p.growing:
		p.size++
	}
	p.size = min(p.size, float64(p.most))
	if p.left--; p.left == 0 && !p.throttled {
		p = p.ended(now)
	}
	return p
}

// ended is the pace after a round.
func (p pace) ended(now time.Time) pace {
	rate := float64(p.count) / max(now.Sub(p.began).Seconds(), 1e-9)
	p.began = now
	switch {
	case p.resting > 1:
		p.resting--
	case p.resting == 1:
		p.resting, p.growing, p.rate, p.useful = 0, true, rate, p.count
	case rate > gain*p.rate:
		p.growing = !p.growing || rate > growth*p.rate
		p.rate, p.useful = rate, p.count
	case p.growing:
		p.growing = false
	default:
		p.size, p.resting = float64(p.useful), rest
	}
	return p
}

// throttle is the pace after S3 has asked for less in its answer to the n-th copy,
// from 0, when so many had been begun. Copies begun before the last cut say nothing
// new: one overload counts once, however many it refuses.
func (p pace) throttle(n, begun int) pace {
	if n < p.cut {
		return p
	}
	p.size = max(1, p.size/2)
	p.throttled, p.cut = true, begun
	return p
}
