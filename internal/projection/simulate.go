package projection

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// kind is what happens at a time of its own.
type kind uint8

const (
	arrives kind = iota // an event, at Lambda's queue
	tries               // a copy, at S3
	ends                // an invocation
	wakes               // Lambda may start an execution environment again
)

type happening struct {
	at       float64
	uploaded float64
	kind     kind
	attempt  uint8 // of Lambda
	try      uint8 // of the SDK
	failed   bool
}

const (
	attempts = 3 // of Lambda for an event
	requests = 3 // of the SDK for a copy
	// refusal is how long S3 takes to say SlowDown, in seconds.
	refusal = 0.05
	// around is how long the first rate lasts before and after the burst, in
	// seconds.
	around = 60.0
)

// retryWait is how long Lambda waits before an attempt, in seconds
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
var retryWait = [attempts]float64{0, 60, 120}

// region is a simulated Region's function.
type region struct {
	scenario Scenario
	random   *rand.Rand
	agenda   agenda
	waiting  queue // at Lambda
	starts   tokens
	writes   tokens
	running  int  // execution environments at work
	idle     int  // and at rest
	woken    bool // wakes is on the agenda

	out  Projection
	lags []float64
	last float64
}

// Run simulates. The same Scenario has the same Projection.
func (s Scenario) Run() Projection {
	r := &region{
		scenario: s, random: rand.New(rand.NewPCG(s.Seed, 1)),
		starts: tokens{rate: environmentsPerSecond, most: 1000, left: 1000},
		writes: tokens{rate: s.Quotas.Writes, most: s.Quotas.Writes, left: s.Quotas.Writes},
	}
	deliveries := r.deliveries()
	for len(deliveries) > 0 || len(r.agenda) > 0 {
		if len(r.agenda) == 0 || len(deliveries) > 0 && deliveries[0].at <= r.agenda[0].at {
			r.step(deliveries[0])
			deliveries = deliveries[1:]
			continue
		}
		r.step(r.agenda.pop())
	}
	return r.result()
}

func (s Scenario) burstEnd() float64 { return around + s.Length.Seconds() }

func (s Scenario) inBurst(at float64) bool { return at >= around && at < s.burstEnd() }

// deliveries are those of all other Regions' uploads, as they come to the
// function's queue.
//
// A topic takes one message for each object that is created in its Region: of
// its uploads and of replicas, as many as all Regions have uploads. What is over
// the quota is assumed to wait at S3.
func (r *region) deliveries() []happening {
	s := r.scenario
	others := float64(s.Regions-1) / float64(s.Regions)
	var out []happening
	free := 0.0 // when the topic can take the next message
	for now := 0.0; now < s.burstEnd()+around; {
		rate := s.Rate
		if s.inBurst(now) {
			rate = s.Burst
		}
		now += r.random.ExpFloat64() / rate
		free = math.Max(free, now) + 1/s.Quotas.Publishes
		if r.random.Float64() >= others {
			continue // uploaded in this Region
		}
		at := free + s.Delays.Notify.sample(r.random) + s.Delays.Topic.sample(r.random)
		out = append(out, happening{at: at, uploaded: now, kind: arrives})
	}
	slices.SortFunc(out, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
	return out
}

func (r *region) step(h happening) {
	switch h.kind {
	case arrives:
		r.waiting.push(h)
	case tries:
		r.try(h)
	case ends:
		r.running--
		r.idle++
		r.ended(h)
	case wakes:
		r.woken = false
	}
	r.dispatch(h.at)
}

// dispatch invokes the function for as many events as may run at once.
func (r *region) dispatch(now float64) {
	for r.waiting.len() > 0 && r.running < r.scenario.Quotas.Concurrency {
		delay := 0.0
		switch {
		case r.idle > 0:
			r.idle--
		case r.starts.take(now):
			r.out.Starts++
			delay = r.scenario.Delays.Start
		default:
			if !r.woken {
				r.woken = true
				r.agenda.push(happening{at: now + 1.0/environmentsPerSecond, kind: wakes})
			}
			return
		}
		h := r.waiting.pop()
		r.running++
		r.out.Concurrency = max(r.out.Concurrency, r.running)
		h.kind, h.at, h.try = tries, now+delay, 0
		r.agenda.push(h)
	}
}

// try is one request for a copy.
func (r *region) try(h happening) {
	switch {
	case r.writes.take(h.at):
		h.kind, h.at = ends, h.at+r.scenario.Delays.Copy.sample(r.random)
	default:
		r.out.Refused++
		h.try++
		if h.try == requests {
			h.kind, h.at, h.failed = ends, h.at+refusal, true
			break
		}
		// The SDK's back-off: a random part of two seconds, then of four.
		h.at += refusal + r.random.Float64()*float64(int(1)<<h.try)
	}
	r.agenda.push(h)
}

// ended says what an invocation's end means for its event.
func (r *region) ended(h happening) {
	switch {
	case !h.failed:
		if r.scenario.inBurst(h.uploaded) {
			r.lags = append(r.lags, h.at-h.uploaded)
			r.last = math.Max(r.last, h.at)
		}
	case h.attempt+1 == attempts:
		r.out.DeadLetters++
	default:
		h.attempt++
		h.kind, h.failed = arrives, false
		h.at += retryWait[h.attempt]
		r.agenda.push(h)
	}
}

func (r *region) result() Projection {
	out := r.out
	out.Replicas = len(r.lags)
	if len(r.lags) == 0 {
		return out
	}
	slices.Sort(r.lags)
	at := func(p float64) time.Duration { return seconds(r.lags[int(p*float64(len(r.lags)-1))]) }
	out.P50, out.P99, out.Max = at(0.5), at(0.99), at(1)
	out.Drained = seconds(math.Max(0, r.last-r.scenario.burstEnd()))
	return out
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
