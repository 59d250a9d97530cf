package lambda

import (
	"errors"
	"fmt"
	"time"
)

// initTimeout is what a new process has, on top of the function's timeout, to
// ask for its first invocation.
const initTimeout = 10 * time.Second

// execute runs one invocation in a warm environment or a new one. The caller
// holds a part of the function's capacity.
func (s *Service) execute(f *function, inv *invocation) outcome {
	for {
		e := f.takeIdle()
		warm := e != nil
		if !warm {
			var err error
			if e, err = s.newEnvironment(f); err != nil {
				if errors.Is(err, errClosed) {
					return outcome{aborted: true}
				}
				return functionError("Runtime.InvalidEntrypoint", inv.id, err.Error())
			}
		}
		inv.handed, inv.ready, inv.answer = make(chan time.Time, 1), make(chan struct{}), nil
		deadline, o := s.handOver(e, inv)
		if o == nil {
			begin := time.Now()
			o := s.await(e, inv, deadline)
			e.report(inv.id, o, time.Since(begin))
			return o
		}
		s.discard(e)
		// A warm process that died while it was idle costs nobody an attempt.
		if !warm || o.aborted {
			return *o
		}
	}
}

// handOver gives the invocation to the process; otherwise it tells why the
// process did not take it.
func (s *Service) handOver(e *environment, inv *invocation) (deadline time.Time, failed *outcome) {
	starting := time.NewTimer(initTimeout + e.set.Timeout)
	defer starting.Stop()
	fail := func(o outcome) (time.Time, *outcome) { return time.Time{}, &o }
	select {
	case e.work <- inv:
		return <-inv.handed, nil
	case <-e.exited:
		return fail(e.death(inv.id))
	case <-starting.C:
		return fail(timedOut(inv.id, e.set.Timeout))
	case <-s.ctx.Done():
		return fail(outcome{aborted: true})
	}
}

// await waits until the process has answered and asks for more. It is over as
// well when the process ends, or at the deadline, when it is killed.
func (s *Service) await(e *environment, inv *invocation, deadline time.Time) outcome {
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	var otherwise outcome
	select {
	case <-inv.ready:
		e.fn.putIdle(e, s.cfg.IdleTimeout)
		return *inv.answer
	case <-e.exited:
		otherwise = e.death(inv.id)
	case <-timeout.C:
		otherwise = timedOut(inv.id, e.set.Timeout)
	case <-s.ctx.Done():
		otherwise = outcome{aborted: true}
	}
	s.discard(e)
	// A process that answers and then ends, as after a panic, has answered.
	e.mu.Lock()
	defer e.mu.Unlock()
	if inv.answer != nil && !otherwise.aborted {
		return *inv.answer
	}
	return otherwise
}

// discard ends a process and waits until it is gone, so that no more run at
// once than there is capacity for.
func (s *Service) discard(e *environment) {
	e.kill()
	<-e.exited
}

// report writes Lambda's line about the end of an invocation.
func (e *environment) report(requestID string, o outcome, took time.Duration) {
	status, level := "success", defaultLevel
	switch {
	case o.aborted:
		return // on AWS nothing would say so
	case o.timedOut:
		status, level = "timeout", warnLevel
	case o.failed:
		status, level = "error", warnLevel
	}
	e.output.platform(e.set, "report", level, map[string]any{
		"requestId": requestID, "status": status,
		"metrics": map[string]any{"durationMs": float64(took.Microseconds()) / 1000, "memorySizeMB": e.set.MemoryMB},
	})
}

func timedOut(requestID string, timeout time.Duration) outcome {
	o := functionError("Sandbox.Timedout", requestID, fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds()))
	o.timedOut = true
	return o
}
