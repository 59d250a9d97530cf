// Package network has S3 answer about as it does over AWS's network: each request
// takes a while, requests between Regions longer, an object's data comes at a limited
// speed, and a prefix takes so many requests a second. It decides; S3 waits and
// refuses.
//
// AWS promises none of these times. They are what its pages and people's measurements
// of November 2026 have in common, and no more than that; see AWS.
package network

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"s3fanout/internal/sandbox/distance"
)

// Network decides for one sandbox. Methods may be called concurrently.
type Network struct {
	// BytesPerSecond is what one request gets.
	BytesPerSecond int64

	mu       sync.Mutex
	random   *rand.Rand
	prefixes map[prefix]*allowance
}

// What a request to S3 in one's own Region takes, least and most; but a small part of
// them takes longer.
const (
	least = 15 * time.Millisecond
	most  = 30 * time.Millisecond

	slowPart = 0.01
	slowBy   = 10 // times as long

	// Signals in fibre go at two thirds of the speed of light, and cables are half as
	// long again as the way along the earth.
	fibre  = 200_000 // kilometres a second
	detour = 1.5

	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html:
	// 85 to 90 MB a second for each connection.
	bytesPerSecond = 85e6

	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
	writesPerSecond = 3500
	readsPerSecond  = 5500
)

// AWS is a network like AWS's. The same seed gives the same times to the same
// sequence of requests.
func AWS(seed uint64) *Network {
	return &Network{BytesPerSecond: bytesPerSecond, random: rand.New(rand.NewPCG(seed, seed)), prefixes: map[prefix]*allowance{}}
}

// Latency is how long S3 in a Region takes to answer a client there before bytes
// count. It is asked once a request.
func (n *Network) Latency() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := least + time.Duration(n.random.Int64N(int64(most-least)+1))
	if n.random.Float64() < slowPart {
		d *= slowBy
	}
	return d
}

// RoundTrip is how long a signal takes from one Region to another and back.
func (n *Network) RoundTrip(a, b string) time.Duration {
	return time.Duration(2 * detour * distance.Between(a, b) / fibre * float64(time.Second))
}

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
// divides keys by prefixes of its own choice; here it is up to the last slash.
func (n *Network) Admit(bucket, key string, write bool, now time.Time) bool {
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
