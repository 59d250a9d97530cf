package lambda

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/stats"
)

// callee is what a function calls and waits for: each call arrives, and is
// answered with the next status.
type callee struct {
	*httptest.Server
	arrived chan struct{}
	answer  chan int
}

func newCallee(t *testing.T) callee {
	c := callee{arrived: make(chan struct{}), answer: make(chan int)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.arrived <- struct{}{}
		w.WriteHeader(<-c.answer)
	}))
	t.Cleanup(c.Close)
	return c
}

func reported(t *testing.T, r Result) report {
	t.Helper()
	var got report
	if err := json.Unmarshal(r.Payload, &got); err != nil || r.FunctionError != "" {
		t.Fatalf("%s: %s, %v", r.FunctionError, r.Payload, err)
	}
	return got
}

// A function that is busy while it is changed finishes what it does as it began,
// and whatever comes then runs in a new process with the new variables.
func TestUpdateLetsTheBusyFinish(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	c := newCallee(t)
	busy := make(chan Result, 1)
	go func() {
		r, err := w.Invoke(t.Context(), w.admin(), arn, payload(order{Do: "call", URL: c.URL}))
		if err != nil {
			t.Error(err)
		}
		busy <- r
	}()
	<-c.arrived
	idle := reported(t, w.invoke(t, arn, order{Do: "report"}))

	changed := w.functionConfig()
	changed.Environment = map[string]string{testFunction: "yes", "SOURCES": "four"}
	changed.MemoryMB = 512
	if err := w.UpdateFunction(arn, changed); err != nil {
		t.Fatal(err)
	}
	after := reported(t, w.invoke(t, arn, order{Do: "report"}))
	if !slices.Contains(after.Environment, "SOURCES=four") || !slices.Contains(after.Environment, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512") ||
		after.PID == idle.PID {
		t.Errorf("after the change: process %d, the idle one was %d; %v", after.PID, idle.PID, after.Environment)
	}
	c.answer <- http.StatusOK
	old := reported(t, <-busy)
	if slices.Contains(old.Environment, "SOURCES=four") {
		t.Error("the busy process has the new variables")
	}
	for range 3 {
		if got := reported(t, w.invoke(t, arn, order{Do: "report"})); got.PID == old.PID || got.PID != after.PID {
			t.Errorf("process %d ran, want %d", got.PID, after.PID)
		}
	}
}

func TestUpdateThatIsRefusedChangesNothing(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	before := reported(t, w.invoke(t, arn, order{Do: "report"}))
	for name, change := range map[string]func(*FunctionConfig){
		"name":    func(c *FunctionConfig) { c.Name = "other" },
		"role":    func(c *FunctionConfig) { c.RoleARN = w.store.RoleARN("nobody") },
		"timeout": func(c *FunctionConfig) { c.Timeout = time.Hour },
	} {
		c := w.functionConfig()
		change(&c)
		if err := w.UpdateFunction(arn, c); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	if after := reported(t, w.invoke(t, arn, order{Do: "report"})); after.PID != before.PID {
		t.Errorf("process %d ran, want %d still", after.PID, before.PID)
	}
}

// An event that waits for its retry meets the configuration of that moment.
func TestRetryMeetsTheNewConfiguration(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, nil)
	c := newCallee(t)
	w.invokeAsync(t, arn, order{Do: "call", URL: c.URL})
	<-c.arrived
	none := 0
	if err := w.SetEventInvokeConfig(arn, EventInvokeConfig{OnFailure: w.queue, MaximumRetryAttempts: &none}); err != nil {
		t.Fatal(err)
	}
	c.answer <- http.StatusInternalServerError
	w.settle(t)
	if got := w.counted(); got != (stats.Lambda{Invocations: 1, Errors: 1}) {
		t.Errorf("counters = %+v, want one attempt", got)
	}
	if got := w.queues.Depth(w.queue); got != 1 {
		t.Errorf("%d dead letters, want 1", got)
	}
}

// With the function go the events that wait for it, and what runs ends by
// itself. The name is free again.
func TestDeleteFunction(t *testing.T) {
	w := newWorld(t)
	w.cfg.RetryWait = time.Hour
	arn := w.functionWithDestination(t, nil)
	c := newCallee(t)
	for range 2 {
		w.invokeAsync(t, arn, order{Do: "call", URL: c.URL})
		<-c.arrived
	}
	c.answer <- http.StatusInternalServerError
	until(t, "an attempt to fail", func() bool { return w.counted().Errors == 1 })
	w.DeleteFunction(arn)
	w.DeleteFunction(arn) // again: nothing to do
	c.answer <- http.StatusOK
	w.settle(t)
	if got := w.counted(); got != (stats.Lambda{Invocations: 2, Errors: 1, Lost: 1}) {
		t.Errorf("counters = %+v, want the event that waits lost, and no other", got)
	}
	var e *Error
	if err := w.InvokeAsync(t.Context(), w.admin(), arn, []byte("{}")); !errors.As(err, &e) || e.Code != "ResourceNotFoundException" {
		t.Errorf("invoke: %v, want ResourceNotFoundException", err)
	}
	if got := w.invoke(t, w.function(t, nil), order{Do: "report"}); got.FunctionError != "" {
		t.Errorf("a new function of the name: %s", got.Payload)
	}
}

func TestRemovePermission(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	topic := iam.Caller{Service: "sns.amazonaws.com", SourceARN: "arn:aws:sns:us-east-1:123456789012:topic"}
	for _, id := range []string{"one", "two"} {
		err := w.AddPermission(arn, PermissionConfig{
			StatementID: id, Action: "lambda:InvokeFunction", Principal: "sns.amazonaws.com", SourceARN: topic.SourceARN,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		id     string
		denied bool
	}{{"one", false}, {"none", false}, {"two", true}} {
		if err := w.RemovePermission(arn, tt.id); err != nil {
			t.Fatal(err)
		}
		var denied *iam.DeniedError
		if err := w.InvokeAsync(t.Context(), topic, arn, payload(order{Do: "report"})); errors.As(err, &denied) != tt.denied {
			t.Errorf("without %s: %v, want denied %v", tt.id, err, tt.denied)
		}
	}
	if err := w.RemovePermission(w.cfg.Partition+":gone", "one"); err != nil {
		t.Errorf("of a function that is gone: %v", err)
	}
}
