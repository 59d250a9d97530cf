// Package stats counts what happens in a sandbox, so that claims about
// requests and invocations can be read off instead of believed.
package stats

import (
	"maps"
	"sync"
)

// Region holds the counters of one Region.
type Region struct {
	Lambda      Lambda                      `json:"lambda"`
	S3          map[string]map[string]int64 `json:"s3"` // caller's ARN -> operation -> requests
	SNS         SNS                         `json:"sns"`
	DeadLetters int64                       `json:"deadLetters"` // messages in the Region's queues now; a replica set has one
}

// Lambda counts the Region's function: every attempt is an invocation.
type Lambda struct {
	Invocations int64 `json:"invocations"` // attempts, retries among them
	Errors      int64 `json:"errors"`      // attempts that ended in an error, a time-out or a crash
	Retries     int64 `json:"retries"`     // attempts after the first of an asynchronous event
	Lost        int64 `json:"lost"`        // events given up that nothing took: no destination, or it refused
	Recursions  int64 `json:"recursions"`  // invocations stopped because the function had invoked itself too often
}

// SNS counts the Region's topic.
type SNS struct {
	Published     int64 `json:"published"`     // messages accepted
	Filtered      int64 `json:"filtered"`      // deliveries that a filter policy dropped
	Delivered     int64 `json:"delivered"`     // deliveries accepted by the endpoint
	Undeliverable int64 `json:"undeliverable"` // deliveries given up
	Lost          int64 `json:"lost"`          // those of them that no dead-letter queue took
}

// Counters holds the counters of a sandbox. Methods may be called concurrently.
type Counters struct {
	mu      sync.Mutex
	regions map[string]*Region
	pending int64
}

// New returns counters for the given Regions, all zero.
func New(regions []string) *Counters {
	c := &Counters{regions: map[string]*Region{}}
	for _, r := range regions {
		c.regions[r] = &Region{S3: map[string]map[string]int64{}}
	}
	return c
}

// Add gives a Region counters, all zero, unless it has them.
func (c *Counters) Add(region string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.regions[region] == nil {
		c.regions[region] = &Region{S3: map[string]map[string]int64{}}
	}
}

// Update changes a Region's counters under the lock. A Region that the
// sandbox does not have is ignored: a request may name any.
func (c *Counters) Update(region string, change func(*Region)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.regions[region]; r != nil {
		change(r)
	}
}

// CountS3 counts one S3 request.
func (c *Counters) CountS3(region, callerARN, operation string) {
	c.Update(region, func(r *Region) {
		if r.S3[callerARN] == nil {
			r.S3[callerARN] = map[string]int64{}
		}
		r.S3[callerARN][operation]++
	})
}

// Begin marks work as under way (a notification, a delivery, an event that
// waits for its next attempt) until the returned function is called, once.
// The work that follows from it has to begin before it ends, so that Pending
// reaches zero only when everything has come to rest.
func (c *Counters) Begin() (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pending--
	})
}

// Snapshot returns a copy of the counters, and how much work is under way.
func (c *Counters) Snapshot() (regions map[string]Region, pending int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	regions = make(map[string]Region, len(c.regions))
	for name, r := range c.regions {
		cp := *r
		cp.S3 = make(map[string]map[string]int64, len(r.S3))
		for caller, ops := range r.S3 {
			cp.S3[caller] = maps.Clone(ops)
		}
		regions[name] = cp
	}
	return regions, c.pending
}
