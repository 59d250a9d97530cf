package lambda

import (
	"encoding/json"
	"errors"
	"syscall"
	"testing"
	"time"
)

func TestCloseLeavesNoProcess(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, nil)
	var warm report
	if err := json.Unmarshal(w.invoke(t, arn, order{Do: "report"}).Payload, &warm); err != nil {
		t.Fatal(err)
	}
	g := newGate(t)
	w.invokeAsync(t, arn, order{Do: "call", URL: g.url}) // in the warm process
	g.wait(t)
	w.invokeAsync(t, arn, order{Do: "call", URL: g.url}) // in a second one
	g.wait(t)
	w.invokeAsync(t, arn, order{Do: "report"}) // waits for a process
	w.mu.Lock()
	var pids []int
	for _, e := range w.environments {
		pids = append(pids, e.cmd.Process.Pid)
	}
	w.mu.Unlock()
	if len(pids) != 2 {
		t.Fatalf("%d processes run, want 2", len(pids))
	}
	began := time.Now()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 30*time.Second {
		t.Errorf("Close took %v", d)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d: %v, want none", pid, err)
		}
	}
	if _, pending := w.counters.Snapshot(); pending != 0 {
		t.Errorf("pending = %d after Close", pending)
	}
	if w.queues.Depth(w.queue) != 0 {
		t.Error("an event that the shutdown ended went to the destination")
	}
	if err := w.InvokeAsync(t.Context(), w.admin(), arn, []byte("{}")); err == nil {
		t.Error("InvokeAsync after Close succeeded")
	}
}

func TestIdleProcessesAreStopped(t *testing.T) {
	w := newWorld(t)
	w.cfg.IdleTimeout = time.Millisecond
	arn := w.function(t, nil)
	w.invoke(t, arn, order{Do: "report"})
	until(t, "the idle process to be stopped", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.environments) == 0
	})
}
