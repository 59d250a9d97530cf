package lambda

import (
	"context"
	"sync"
	"time"
)

// capacity says how many execution environments of a function may be busy. It
// begins with a few, because what needs the processor gains nothing from more.
// While nobody finishes, as when all of them wait for S3, it grows, up to most
// and while room says that another one can be afforded; it shrinks again as
// they finish. Who asks first is served first.
type capacity struct {
	least, most int
	room        func(more int) int
	// eager grows for whoever asks, as AWS does: where requests take their time, more
	// environments gain something at once.
	eager bool

	mu      sync.Mutex
	busy    int
	limit   int
	waiting []chan struct{}
	changed time.Time   // when somebody finished, or it grew
	growing *time.Timer // set while somebody waits
}

func newCapacity(least, most int, room func(more int) int) *capacity {
	return &capacity{least: least, most: most, room: room, limit: least}
}

// acquire waits for an environment's turn; the caller has to release it. The
// error is that of ctx.
func (c *capacity) acquire(ctx context.Context) error {
	c.mu.Lock()
	if c.eager && c.busy == c.limit && c.limit < c.most {
		c.limit += c.room(1)
	}
	if c.busy < c.limit {
		c.busy++
		c.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	c.waiting = append(c.waiting, turn)
	if c.growing == nil && c.limit < c.most {
		c.growing = time.AfterFunc(stallTime, c.grow)
	}
	c.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		c.leave(turn)
		return ctx.Err()
	}
}

// leave takes one that gave up out of the line, or gives its turn back.
func (c *capacity) leave(turn chan struct{}) {
	c.mu.Lock()
	for i, other := range c.waiting {
		if other == turn {
			c.waiting = append(c.waiting[:i], c.waiting[i+1:]...)
			c.mu.Unlock()
			return
		}
	}
	c.mu.Unlock()
	c.release()
}

func (c *capacity) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed = time.Now()
	if len(c.waiting) > 0 {
		c.next()
		return
	}
	c.busy--
	c.limit = max(c.least, c.busy)
}

// next lets the first in the line run. c.mu is held.
func (c *capacity) next() {
	close(c.waiting[0])
	c.waiting = c.waiting[1:]
}

// grow lets a quarter more run if nobody has finished for a while, and looks
// again later while somebody waits.
func (c *capacity) grow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.growing = nil
	if len(c.waiting) == 0 {
		return
	}
	wait := stallTime - time.Since(c.changed)
	if wait <= 0 {
		more := min(max(1, c.limit/4), c.most-c.limit, len(c.waiting))
		if more > 0 {
			more = c.room(more)
		}
		for range more {
			c.limit++
			c.busy++
			c.next()
		}
		c.changed, wait = time.Now(), stallTime
	}
	if len(c.waiting) > 0 && c.limit < c.most {
		c.growing = time.AfterFunc(wait, c.grow)
	}
}

// stop ends the growth.
func (c *capacity) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = c.limit
	if c.growing != nil {
		c.growing.Stop()
	}
}
