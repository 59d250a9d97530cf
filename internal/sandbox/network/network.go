// Package network has the sandbox's services answer about as they do over AWS's
// network: each request takes a while, requests between Regions longer, an object's
// data comes at a limited speed, and a prefix takes so many requests a second. It
// decides; the services wait and refuse.
//
// AWS promises none of these times. They are what its pages and people's measurements
// have in common, and no more than that; see the tables.
package network

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"s3fanout/internal/sandbox/distance"
)

// Network decides for one sandbox. Methods may be called concurrently; a nil Network
// takes no time and refuses nothing.
type Network struct {
	// BytesPerSecond is what one request gets.
	BytesPerSecond int64

	seed   uint64
	client string // Region

	mu       sync.Mutex
	streams  map[stream]*rand.Rand
	prefixes map[prefix]*allowance
}

// stream is what has times of its own: how long S3 takes does not depend on how often
// SQS was asked.
type stream struct{ what, from, to string }

// AWS is a network like AWS's. The same seed gives the same times to the same sequence
// of requests of one service between two Regions, and of one step. Callers of whom
// nobody knows where they are, as all outside the sandbox, are in the client Region.
func AWS(seed uint64, client string) *Network {
	return &Network{
		BytesPerSecond: bytesPerSecond, seed: seed, client: client,
		streams: map[stream]*rand.Rand{}, prefixes: map[prefix]*allowance{},
	}
}

// Request is how long a service in a Region takes to answer a caller in another before
// bytes count: what it takes in one Region, and the way there and back. An empty from
// is the client Region. It is asked once a request. Connections are taken to be open.
func (n *Network) Request(service, from, to string) time.Duration {
	if n == nil {
		return 0
	}
	if from == "" {
		from = n.client
	}
	return n.draw(stream{service, from, to}, answers(service)) + n.RoundTrip(from, to)
}

// Step is what AWS does on its own between a write and what follows from it.
type Step string

// The steps from a write to the function that it wakes.
const (
	Announce Step = "announce" // S3 tells the topic, queue or function
	Deliver  Step = "deliver"  // SNS hands a message to Lambda
	Dequeue  Step = "dequeue"  // Lambda takes an event from its queue
	Init     Step = "init"     // Lambda makes an execution environment
)

// Takes is how long a step takes, from one Region to another or in one.
func (n *Network) Takes(step Step, from, to string) time.Duration {
	if n == nil {
		return 0
	}
	return n.draw(stream{string(step), from, to}, steps(step)) + n.RoundTrip(from, to)/2
}

// RoundTrip is how long a signal takes from one Region to another and back.
func (n *Network) RoundTrip(a, b string) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(2 * detour * distance.Between(a, b) / fibre * float64(time.Second))
}

// Pass waits, or returns the error of the context that ended before.
func Pass(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// draw takes the next time of a stream.
func (n *Network) draw(s stream, q quantiles) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.streams[s]
	if r == nil {
		h := fnv.New64a()
		for _, part := range []string{s.what, s.from, s.to} {
			_, _ = h.Write([]byte(part + "\n")) // never fails
		}
		r = rand.New(rand.NewPCG(n.seed, h.Sum64()))
		n.streams[s] = r
	}
	return q.at(r.Float64())
}
