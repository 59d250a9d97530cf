// Package fault holds the faults that a sandbox can be given. It only
// decides whether a fault strikes; each service acts on it in its own way.
package fault

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind names a fault.
type Kind string

// The faults that a sandbox knows.
const (
	S3Unavailable     Kind = "s3-unavailable"     // S3 in the Region answers 503 ServiceUnavailable
	S3SlowDown        Kind = "s3-slowdown"        // S3 in the Region answers 503 SlowDown
	S3Cut             Kind = "s3-cut"             // S3 in the Region closes the connection without an answer, before or after the request
	S3Bandwidth       Kind = "s3-bandwidth"       // a request that moves data takes at least its bytes divided by BytesPerSecond
	S3NoConditions    Kind = "s3-no-conditions"   // S3 in the Region accepts If-Match and If-None-Match of a write and ignores them
	S3Conflict        Kind = "s3-conflict"        // S3 in the Region refuses a conditional request with 409 ConditionalRequestConflict
	S3Clock           Kind = "s3-clock"           // S3 in the Region dates objects, events and answers ClockMillis late, or early
	S3NoPrincipal     Kind = "s3-no-principal"    // S3 in the Region announces what was written, not by whom
	S3Unannounced     Kind = "s3-unannounced"     // S3 in the Region sends no event of a change, which is lost
	LambdaCrash       Kind = "lambda-crash"       // the function's process is killed when it receives an event
	DuplicateDelivery Kind = "duplicate-delivery" // SNS in the topic's Region delivers a message twice
	Delay             Kind = "delay"              // SNS in the topic's Region delivers late, and so out of order
)

// Kinds returns every known kind.
func Kinds() []Kind {
	return []Kind{
		S3Unavailable,
		S3SlowDown,
		S3Cut,
		S3Bandwidth,
		S3NoConditions,
		S3Conflict,
		S3Clock,
		S3NoPrincipal,
		S3Unannounced,
		LambdaCrash,
		DuplicateDelivery,
		Delay,
	}
}

// Fault is one switch: in Region, Kind strikes with probability Rate.
type Fault struct {
	Region string  `json:"region"`
	Kind   Kind    `json:"kind"`
	Rate   float64 `json:"rate"`            // 0 switches it off, 1 strikes always
	Count  int     `json:"count,omitempty"` // strikes left before it switches itself off; 0: no limit
	// BytesPerSecond is what one request gets of s3-bandwidth, which needs it;
	// no other kind has it.
	BytesPerSecond int64 `json:"bytesPerSecond,omitempty"`
	// ClockMillis is how far the clock of s3-clock is ahead, or behind if it is
	// negative; no other kind has it. It is wrong all of the time: Rate is 1.
	ClockMillis int64 `json:"clockMillis,omitempty"`
}

// Switches holds the faults of one sandbox. The zero value is not usable; use
// New. Methods may be called concurrently.
type Switches struct {
	mu      sync.Mutex
	regions []string // in order
	random  *rand.Rand
	on      map[string]map[Kind]Fault
	changed chan struct{}
}

// New returns switches for the given Regions, all off. The same seed gives
// the same decisions to the same sequence of calls.
func New(regions []string, seed uint64) *Switches {
	return &Switches{
		regions: slices.Clone(regions),
		random:  rand.New(rand.NewPCG(seed, seed)),
		on:      map[string]map[Kind]Fault{},
		changed: make(chan struct{}, 1),
	}
}

// Changed receives when faults were switched, also one that has switched itself off,
// for one reader.
func (s *Switches) Changed() <-chan struct{} { return s.changed }

// tell lets the reader look.
func (s *Switches) tell() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Add lets a Region have faults, unless it can already.
func (s *Switches) Add(region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.regions, region) {
		s.regions = append(s.regions, region)
		slices.Sort(s.regions)
	}
}

func listed(kinds []Kind) string {
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// Set switches a fault on or, with rate 0, off. An unknown Region or kind or a
// rate outside 0..1 is an error that says what is allowed, and so is a
// bandwidth where there can be none.
func (s *Switches) Set(f Fault) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !slices.Contains(s.regions, f.Region):
		return fmt.Errorf("region %q is not in this sandbox; it has %s", f.Region, strings.Join(s.regions, ", "))
	case !slices.Contains(Kinds(), f.Kind):
		return fmt.Errorf("kind %q is not a fault; use one of %s", f.Kind, listed(Kinds()))
	case !(f.Rate >= 0 && f.Rate <= 1):
		return fmt.Errorf("rate %v is not between 0 and 1", f.Rate)
	case f.Count < 0:
		return fmt.Errorf("count %d is negative; leave it out for no limit", f.Count)
	}
	if err := f.checkBandwidth(); err != nil {
		return err
	}
	if err := f.checkClock(); err != nil {
		return err
	}
	defer s.tell()
	if f.Rate == 0 {
		delete(s.on[f.Region], f.Kind)
		return nil
	}
	if s.on[f.Region] == nil {
		s.on[f.Region] = map[Kind]Fault{}
	}
	s.on[f.Region][f.Kind] = f
	return nil
}

func (f Fault) checkBandwidth() error {
	switch {
	case f.BytesPerSecond < 0:
		return fmt.Errorf("bytesPerSecond %d is negative", f.BytesPerSecond)
	case f.BytesPerSecond > 0 && f.Kind != S3Bandwidth:
		return fmt.Errorf("bytesPerSecond belongs to %s, not to %s", S3Bandwidth, f.Kind)
	case f.BytesPerSecond == 0 && f.Kind == S3Bandwidth && f.Rate > 0:
		return fmt.Errorf("%s needs bytesPerSecond, what one request gets", S3Bandwidth)
	}
	return nil
}

// maxClock is as far as S3 lets a request's own time be off
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, RequestTimeTooSkewed).
const maxClock = 15 * time.Minute

func (f Fault) checkClock() error {
	offset := time.Duration(f.ClockMillis) * time.Millisecond
	switch {
	case f.Kind != S3Clock && f.ClockMillis != 0:
		return fmt.Errorf("clockMillis belongs to %s, not to %s", S3Clock, f.Kind)
	case f.Kind != S3Clock || f.Rate == 0:
		return nil
	case f.ClockMillis == 0:
		return fmt.Errorf("%s needs clockMillis, how far the clock is ahead, or behind if negative", S3Clock)
	case offset.Abs() > maxClock:
		return fmt.Errorf("clockMillis %d is more than %s, which S3 lets no request be off", f.ClockMillis, maxClock)
	case f.Rate != 1 || f.Count != 0:
		return fmt.Errorf("%s has rate 1 and no count: a clock is wrong all of the time", S3Clock)
	}
	return nil
}

// Clock is how far S3's clock in the Region is ahead; negative: behind.
func (s *Switches) Clock(region string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.on[region][S3Clock].ClockMillis) * time.Millisecond
}

// Strikes decides, once, whether the fault strikes now.
func (s *Switches) Strikes(region string, kind Kind) bool {
	_, struck := s.Strike(region, kind)
	return struck
}

// Strike decides as Strikes does, and returns the fault that struck.
func (s *Switches) Strike(region string, kind Kind) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.on[region][kind]
	if !ok || s.random.Float64() >= f.Rate {
		return Fault{}, false
	}
	if f.Count > 0 {
		f.Count--
		s.on[region][kind] = f
		if f.Count == 0 {
			delete(s.on[region], kind)
			s.tell()
		}
	}
	return f, true
}

// Toss decides between two ways in which a fault strikes, one as likely as the
// other.
func (s *Switches) Toss() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(2) == 0
}

// Active lists the faults that are on.
func (s *Switches) Active() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Fault{} // an empty list in JSON, not null
	for _, r := range s.regions {
		for _, k := range Kinds() {
			if f, ok := s.on[r][k]; ok {
				list = append(list, f)
			}
		}
	}
	return list
}
