package network

import (
	"strings"
	"time"
)

// prefix is what S3 counts requests of.
type prefix struct {
	bucket, keys string
	write        bool
}

// allowance is how many requests of a prefix may come at once.
type allowance struct {
	left float64
	at   time.Time
}

// Admit reports whether S3 takes one more request of a key now, or says SlowDown. S3
// divides a bucket's keys by prefixes of its own choice, and anew under load; here a
// prefix is the key up to its last slash, and stays one.
func (n *Network) Admit(bucket, key string, write bool, now time.Time) bool {
	if n == nil {
		return true
	}
	rate := float64(readsPerSecond)
	if write {
		rate = writesPerSecond
	}
	p := prefix{bucket: bucket, keys: key[:strings.LastIndexByte(key, '/')+1], write: write}
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.prefixes[p]
	if a == nil {
		n.forget(now)
		a = &allowance{left: rate, at: now}
		n.prefixes[p] = a
	}
	if passed := now.Sub(a.at); passed > 0 {
		a.left, a.at = min(rate, a.left+passed.Seconds()*rate), now
	}
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// forget drops prefixes that have their whole allowance again, once there are many;
// n.mu is held.
func (n *Network) forget(now time.Time) {
	if len(n.prefixes) < 10_000 {
		return
	}
	for p, a := range n.prefixes {
		if now.Sub(a.at) > time.Second {
			delete(n.prefixes, p)
		}
	}
}
