package console

import (
	"strconv"
	"sync"
	"time"
)

// newsInterval is between two announcements that a part has changed: a browser asks for
// the part anew after each.
const newsInterval = 500 * time.Millisecond

// news tells browsers that a part of a page has changed which depends on what each of
// them shows, and which they ask for themselves. It is safe for concurrent use.
type news struct {
	send func(version string)

	mu      sync.Mutex
	version int
	sent    time.Time
	waiting bool
}

// changed announces a change, soon.
func (n *news) changed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.version++
	if n.waiting {
		return
	}
	wait := newsInterval - time.Since(n.sent)
	if wait <= 0 {
		n.announce()
		return
	}
	n.waiting = true
	time.AfterFunc(wait, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.waiting = false
		n.announce()
	})
}

// announce needs the lock.
func (n *news) announce() {
	n.sent = time.Now()
	n.send(strconv.Itoa(n.version))
}

// now is the version that a part has which is made from here on.
func (n *news) now() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.version
}
