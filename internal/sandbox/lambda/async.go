package lambda

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/network"
	"s3fanout/internal/sandbox/stats"
	"s3fanout/internal/sandbox/trace"
)

// Limits and defaults of asynchronous invocation
// (https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html).
const (
	maxRetries      = 2
	minEventAge     = time.Minute
	defaultEventAge = 6 * time.Hour
)

// EventInvokeConfig says what happens to asynchronous events. Zero values and
// nil mean Lambda's defaults.
type EventInvokeConfig struct {
	MaximumRetryAttempts *int          // 0 to 2, 2 by default
	MaximumEventAge      time.Duration // 1 minute to 6 hours, 6 hours by default
	OnFailure            string        // ARN of an SQS queue, or empty
}

func (c EventInvokeConfig) withDefaults() EventInvokeConfig {
	if c.MaximumRetryAttempts == nil {
		n := maxRetries
		c.MaximumRetryAttempts = &n
	}
	if c.MaximumEventAge == 0 {
		c.MaximumEventAge = defaultEventAge
	}
	return c
}

// SetEventInvokeConfig replaces a function's configuration for asynchronous
// events. OnFailure has to be an existing queue of the function's Region that
// the function's role may send to, as AWS checks it at this point.
func (s *Service) SetEventInvokeConfig(functionARN string, c EventInvokeConfig) error {
	if err := s.setEventInvokeConfig(functionARN, c.withDefaults()); err != nil {
		return fmt.Errorf("configure events of %s: %w", functionARN, err)
	}
	return nil
}

func (s *Service) setEventInvokeConfig(functionARN string, c EventInvokeConfig) error {
	f, err := s.function(functionARN)
	if err != nil {
		return err
	}
	if n := *c.MaximumRetryAttempts; n < 0 || n > maxRetries {
		return invalid("MaximumRetryAttempts %d is not between 0 and %d", n, maxRetries)
	}
	if c.MaximumEventAge < minEventAge || c.MaximumEventAge > defaultEventAge {
		return invalid("MaximumEventAgeInSeconds %v is not between %v and %v", c.MaximumEventAge, minEventAge, defaultEventAge)
	}
	if c.OnFailure != "" {
		if err := s.checkQueue(f.current().role, f.region, c.OnFailure); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.invoke, f.configured = c, true
	return nil
}

func (f *function) eventInvokeConfig() EventInvokeConfig {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.invoke
}

// enqueue takes an event over. It is under way for the counters before
// enqueue returns.
func (s *Service) enqueue(f *function, id string, payload []byte, chain lineage) error {
	if !s.begin() {
		return errClosed
	}
	end := s.cfg.Counters.Begin()
	accepted := time.Now()
	s.count(f, "AsyncEventsReceived", 1)
	go func() {
		defer s.work.Done()
		defer end()
		if fail := s.process(f, id, payload, chain, accepted); fail != nil {
			s.giveUp(f, *fail)
		}
	}()
	return nil
}

// process tries an event until it succeeds or is given up; nil if it
// succeeded, or if the sandbox ended.
func (s *Service) process(f *function, id string, payload []byte, chain lineage, accepted time.Time) *failure {
	fail := &failure{requestID: id, functionARN: f.arn, payload: payload}
	giveUp := func(condition string) *failure {
		fail.condition = condition
		return fail
	}
	if f.disabled() {
		return giveUp(zeroConcurrency)
	}
	if s.stopsLoop(f, chain) {
		return giveUp(recursionDetected)
	}
	deadline := accepted.Add(f.eventInvokeConfig().MaximumEventAge)
	if d := s.cfg.Network.Takes(network.Dequeue, f.region, f.region); d > 0 && !s.pause(f, payload, d) {
		return nil
	}
	for {
		// A throttled event waits without using up an attempt.
		switch ok, expired := s.waitForCapacity(f, payload, accepted, deadline); {
		case expired:
			return giveUp(eventAgeExceeded)
		case !ok:
			return nil
		}
		s.countAge(f, accepted)
		fail.last = s.attempt(f, &invocation{id: id, payload: payload, chain: chain.after(f)}, fail.attempts > 0)
		f.unreserve()
		if fail.last.aborted {
			return nil
		}
		if !fail.last.failed {
			s.cfg.Trace.Note(trace.Done, f.region, payload, "")
			return nil
		}
		s.cfg.Trace.Note(trace.Failed, f.region, payload, errorMessage(fail.last.payload))
		fail.attempts++
		if fail.attempts > *f.eventInvokeConfig().MaximumRetryAttempts {
			return giveUp(retriesExhausted)
		}
		wait := retryWait(s.cfg.RetryWait, fail.attempts)
		if time.Now().Add(wait).After(deadline) {
			return giveUp(eventAgeExceeded)
		}
		if !s.pause(f, payload, wait) {
			return nil
		}
	}
}

// retryWait is how long an event waits after so many failed attempts: one
// minute after the first on AWS, two after the second
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
func retryWait(first time.Duration, attempts int) time.Duration {
	return first << (attempts - 1)
}

// countAge tells how old an event is that the function is invoked with, or that
// was throttled.
func (s *Service) countAge(f *function, accepted time.Time) {
	s.count(f, "AsyncEventAge", float64(time.Since(accepted).Microseconds())/1000)
}

// How long Lambda waits before it tries a throttled event again; each attempt
// doubles it
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
const (
	firstThrottleWait = time.Second
	mostThrottleWait  = 5 * time.Minute
)

// waitForCapacity reserves concurrency for an event, or tells that it became
// too old; neither if the sandbox ends or the function is deleted. An event waits
// no longer than it has to, but its attempts are counted as on AWS.
func (s *Service) waitForCapacity(f *function, payload []byte, accepted, deadline time.Time) (ok, expired bool) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	wait := firstThrottleWait
	again := time.NewTimer(wait)
	defer again.Stop()
	for throttled := false; ; {
		freed := f.released()
		if f.reserve() {
			return true, false
		}
		if !throttled {
			throttled = true
			s.count(f, "Throttles", 1)
			s.countAge(f, accepted)
		}
		select {
		case <-freed:
		case <-again.C:
			throttled = false
			wait = min(2*wait, mostThrottleWait)
			again.Reset(wait)
		case <-timer.C:
			return false, true
		case <-f.deleted:
			s.lostWith(f, payload)
			return false, false
		case <-s.ctx.Done():
			return false, false
		}
	}
}

// pause waits; false if the sandbox ended or the function was deleted in the meantime.
func (s *Service) pause(f *function, payload []byte, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-f.deleted:
		s.lostWith(f, payload)
		return false
	case <-s.ctx.Done():
		return false
	}
}

// giveUp sends an event to where the function's configuration says, with the
// permissions of the function's role. With a destination and a dead-letter
// queue, both get it.
func (s *Service) giveUp(f *function, fail failure) {
	log := s.cfg.Logger.With("region", f.region, "function", f.name, "requestId", fail.requestID, "condition", fail.condition)
	s.count(f, "AsyncEventsDropped", 1)
	set, target := f.current(), f.eventInvokeConfig().OnFailure
	if target != "" {
		body, err := destinationBody(fail, time.Now())
		if err == nil {
			_, err = s.cfg.Queues.Send(s.ctx, set.role, target, string(body), nil)
		}
		s.noteDelivery(f, log, fail.payload, "on-failure destination", "DestinationDeliveryFailures", target, err)
	}
	if set.DeadLetterTargetARN != "" {
		_, err := s.cfg.Queues.Send(s.ctx, set.role, set.DeadLetterTargetARN, string(fail.payload), deadLetterAttributes(fail))
		s.noteDelivery(f, log, fail.payload, "dead-letter queue", "DeadLetterErrors", set.DeadLetterTargetARN, err)
	}
	if target == "" && set.DeadLetterTargetARN == "" {
		s.lost(f, fail.payload, "the function has neither an on-failure destination nor a dead-letter queue")
		log.Error("event dropped: the function has neither an on-failure destination nor a dead-letter queue")
	}
}

func (s *Service) noteDelivery(f *function, log *slog.Logger, payload []byte, what, metric, target string, err error) {
	if err != nil {
		s.lost(f, payload, "the "+what+" did not take it: "+err.Error())
		s.count(f, metric, 1)
		log.Error("event dropped: the "+what+" did not take it", "target", target, "error", err)
		return
	}
	log.Warn("event given up and sent to the "+what, "target", target)
	s.cfg.Trace.Note(trace.DeadLetter, f.region, payload, what)
}

func (s *Service) lost(f *function, payload []byte, why string) {
	s.cfg.Trace.Note(trace.Lost, f.region, payload, why)
	s.cfg.Counters.Update(f.region, func(r *stats.Region) { r.Lambda.Lost++ })
}

// lostWith notes an event whose function was deleted before its next attempt.
func (s *Service) lostWith(f *function, payload []byte) {
	s.lost(f, payload, "the function is deleted")
	s.cfg.Logger.Error("event dropped: the function is deleted", "region", f.region, "function", f.name)
}

func newRequestID() string { return uuid.NewString() }
