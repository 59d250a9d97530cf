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
	announces kind = iota // S3, an object of another Region
	adds                  // S3, an object of this Region: a message more for its topic
	arrives               // an event, at Lambda's queue, or again
	tries                 // a copy, at S3
	ends                  // an invocation
)

type happening struct {
	at       float64
	uploaded float64
	kind     kind
	attempt  uint8 // of Lambda
	refused  uint8 // how often there was no room for it
	try      uint8 // of the SDK
	failed   bool
}

const (
	attempts = 3 // of Lambda for an event
	requests = 3 // of the SDK for a copy
	// refusal is how long S3 takes to say SlowDown, in seconds.
	refusal = 0.05
	// mostWait is the longest that Lambda waits for room before it looks again,
	// in seconds; the first time it is one
	// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
	mostWait = 300
	// around is how long the first rate lasts before and after the burst, in
	// seconds.
	around = 60.0
)

// retryWait is how long Lambda waits before an attempt, in seconds
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
var retryWait = [attempts]float64{0, 60, 120}

// region is a simulated Region's function, and its topic: all Regions are alike,
// so that messages wait at the others' topics as long as at its own.
type region struct {
	scenario Scenario
	random   *rand.Rand
	agenda   agenda
	topic    float64 // when it can take the next message
	starts   tokens
	writes   tokens
	running  int // execution environments at work
	idle     int // and at rest

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
	uploads := r.uploads()
	for len(uploads) > 0 || len(r.agenda) > 0 {
		if len(r.agenda) == 0 || len(uploads) > 0 && uploads[0].at <= r.agenda[0].at {
			r.step(uploads[0])
			uploads = uploads[1:]
			continue
		}
		r.step(r.agenda.pop())
	}
	return r.result()
}

func (s Scenario) burstEnd() float64 { return around + s.Length.Seconds() }

func (s Scenario) inBurst(at float64) bool { return at >= around && at < s.burstEnd() }

// uploads are S3's announcements of all Regions' uploads.
func (r *region) uploads() []happening {
	s := r.scenario
	others := float64(s.Regions-1) / float64(s.Regions)
	var out []happening
	for now := 0.0; now < s.burstEnd()+around; {
		rate := s.Rate
		if s.inBurst(now) {
			rate = s.Burst
		}
		now += r.random.ExpFloat64() / rate
		h := happening{at: now + s.Delays.Notify.sample(r.random), uploaded: now, kind: announces}
		if r.random.Float64() >= others {
			h.kind = adds
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
	return out
}

func (r *region) step(h happening) {
	switch h.kind {
	case announces:
		h.kind, h.at = arrives, r.published(h.at)+r.scenario.Delays.Topic.sample(r.random)
		r.agenda.push(h)
	case adds:
		r.topic = r.published(h.at)
	case arrives:
		r.arrive(h)
	case tries:
		r.try(h)
	case ends:
		r.running--
		r.idle++
		r.ended(h)
	}
}

// published is when a topic has taken a message that it is offered now. What is
// over its quota is assumed to wait at S3.
func (r *region) published(now float64) float64 {
	return math.Max(r.topic, now) + 1/r.scenario.Quotas.Publishes
}

// arrive invokes the function, or puts the event back where there is no room.
func (r *region) arrive(h happening) {
	delay := 0.0
	switch {
	case r.running < r.scenario.Quotas.Concurrency && r.idle > 0:
		r.idle--
	case r.running < r.scenario.Quotas.Concurrency && r.starts.take(h.at):
		delay = r.scenario.Delays.Start
	default:
		h.at += math.Min(mostWait, float64(int(1)<<h.refused))
		h.refused = min(h.refused+1, 16)
		r.agenda.push(h)
		return
	}
	r.running++
	r.out.Concurrency = max(r.out.Concurrency, r.running)
	h.kind, h.try, h.refused, h.at = tries, 0, 0, h.at+delay
	r.agenda.push(h)
}

// try is one request for a copy.
func (r *region) try(h happening) {
	switch {
	case !(r.scenario.Away && r.scenario.inBurst(h.at)) && r.writes.take(h.at):
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
		r.agenda.push(happening{at: h.at + r.scenario.Delays.Notify.sample(r.random), kind: adds})
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
	out.P50, out.P99 = at(0.5), at(0.99)
	out.Drained = seconds(math.Max(0, r.last-r.scenario.burstEnd()))
	return out
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
