package lambda

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/stats"
)

func TestFailedEventIsRetriedAndSentToTheDestination(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, nil)
	w.invokeAsync(t, arn, order{Do: "fail"})
	w.settle(t)
	if got := w.counted(); got != (stats.Lambda{Invocations: 3, Errors: 3, Retries: 2}) {
		t.Errorf("counters = %+v, want 3 attempts", got)
	}
	letters := w.letters(t)
	if len(letters) != 1 {
		t.Fatalf("%d messages in the queue, want 1", len(letters))
	}
	var r struct {
		Version, Timestamp string
		RequestContext     struct {
			RequestID, FunctionArn, Condition string
			ApproximateInvokeCount            int
		}
		RequestPayload  order
		ResponseContext struct {
			StatusCode                     int
			ExecutedVersion, FunctionError string
		}
		ResponsePayload struct{ ErrorType, ErrorMessage string }
	}
	if err := json.Unmarshal([]byte(letters[0].Body), &r); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339, r.Timestamp); err != nil || r.Version != "1.0" {
		t.Errorf("version %q, timestamp %q", r.Version, r.Timestamp)
	}
	c := r.RequestContext
	if c.RequestID == "" || c.FunctionArn != arn+":$LATEST" || c.Condition != "RetriesExhausted" || c.ApproximateInvokeCount != 3 {
		t.Errorf("requestContext = %+v", c)
	}
	if r.RequestPayload != (order{Do: "fail"}) {
		t.Errorf("requestPayload = %+v", r.RequestPayload)
	}
	if x := r.ResponseContext; x.StatusCode != http.StatusOK || x.ExecutedVersion != "$LATEST" || x.FunctionError != "Unhandled" {
		t.Errorf("responseContext = %+v", x)
	}
	if x := r.ResponsePayload; x.ErrorType != "errorString" || x.ErrorMessage != "cannot do it" {
		t.Errorf("responsePayload = %+v", x)
	}
	// Sent as the function's role.
	if want := w.role.ID + ":replicator"; letters[0].Attributes["SenderId"] != want {
		t.Errorf("SenderId = %s, want %s", letters[0].Attributes["SenderId"], want)
	}
}

func TestEventSurvivesOneCrash(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, nil)
	if err := w.faults.Set(fault.Fault{Region: region, Kind: fault.LambdaCrash, Rate: 1, Count: 1}); err != nil {
		t.Fatal(err)
	}
	w.invokeAsync(t, arn, order{Do: "report"})
	w.settle(t)
	if got := w.counted(); got != (stats.Lambda{Invocations: 2, Errors: 1, Retries: 1}) || w.queues.Depth(w.queue) != 0 {
		t.Errorf("counters = %+v, depth = %d; want one crash, one success", got, w.queues.Depth(w.queue))
	}
}

func TestRetryAttemptsAreConfigurable(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, nil)
	none := 0
	if err := w.SetEventInvokeConfig(arn, EventInvokeConfig{MaximumRetryAttempts: &none, OnFailure: w.queue}); err != nil {
		t.Fatal(err)
	}
	w.invokeAsync(t, arn, order{Do: "fail"})
	w.settle(t)
	if got := w.counted(); got.Invocations != 1 || w.queues.Depth(w.queue) != 1 {
		t.Errorf("counters = %+v, depth = %d; want one attempt and one message", got, w.queues.Depth(w.queue))
	}
}

func TestDeadLetterQueueGetsTheEventWithAttributes(t *testing.T) {
	w := newWorld(t)
	w.allow(t, "sqs:SendMessage", w.queue)
	arn := w.function(t, func(c *FunctionConfig) { c.DeadLetterTargetARN = w.queue })
	w.invokeAsync(t, arn, order{Do: "fail"})
	w.settle(t)
	letters := w.letters(t)
	if len(letters) != 1 || letters[0].Body != string(payload(order{Do: "fail"})) {
		t.Fatalf("letters = %+v, want the event as it was", letters)
	}
	a := letters[0].MessageAttributes
	if a["ErrorMessage"].StringValue != "cannot do it" || a["ErrorCode"].DataType != "Number" || a["ErrorCode"].StringValue != "200" ||
		a["RequestID"].StringValue == "" {
		t.Errorf("attributes = %+v", a)
	}
}

func TestThrottledEventsWaitWithoutUsingUpAttempts(t *testing.T) {
	w := newWorld(t)
	one := 1
	arn := w.functionWithDestination(t, func(c *FunctionConfig) { c.ReservedConcurrency = &one })
	g := newGate(t)
	const events = 4
	for range events {
		w.invokeAsync(t, arn, order{Do: "call", URL: g.url})
	}
	for range events {
		g.wait(t)
		if n := len(g.arrived); n != 0 {
			t.Errorf("%d more run at once, with a reserved concurrency of 1", n)
		}
		g.open <- http.StatusOK
	}
	w.settle(t)
	if got := w.counted(); got != (stats.Lambda{Invocations: events}) {
		t.Errorf("counters = %+v, want %d invocations alone", got, events)
	}
}

func TestEventsThatGetTooOldAreGivenUp(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, nil)
	if err := w.SetEventInvokeConfig(arn, EventInvokeConfig{MaximumEventAge: time.Minute, OnFailure: w.queue}); err != nil {
		t.Fatal(err)
	}
	f, err := w.Service.function(arn)
	if err != nil {
		t.Fatal(err)
	}
	// An event that was accepted 59.9995 s ago has no time for a retry.
	fail := w.process(f, "id", payload(order{Do: "fail"}), lineage{}, time.Now().Add(-time.Minute+500*time.Microsecond))
	if fail == nil || fail.condition != eventAgeExceeded {
		t.Errorf("failure = %+v, want EventAgeExceeded", fail)
	}
}

func TestManyEventsShareTheProcesses(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, nil)
	const events = 100
	for range events {
		w.invokeAsync(t, arn, order{Do: "report"})
	}
	w.settle(t)
	w.mu.Lock()
	processes := len(w.environments)
	w.mu.Unlock()
	if got := w.counted(); got != (stats.Lambda{Invocations: events}) || processes > 2 {
		t.Errorf("counters = %+v, %d processes; want %d invocations by at most 2", got, processes, events)
	}
}

// busyFunction is one that is throttled until the test's end: its concurrency is 1, and taken.
func (w *world) busyFunction(t *testing.T) *function {
	t.Helper()
	one := 1
	f, err := w.Service.function(w.functionWithDestination(t, func(c *FunctionConfig) { c.ReservedConcurrency = &one }))
	if err != nil {
		t.Fatal(err)
	}
	if !f.reserve() {
		t.Fatal("nothing runs, and nothing can be reserved")
	}
	t.Cleanup(f.unreserve)
	return f
}

func TestThrottledEventsAgeToo(t *testing.T) {
	w := newWorld(t)
	f := w.busyFunction(t)
	fail := w.process(f, "id", payload(order{Do: "report"}), lineage{}, time.Now().Add(-defaultEventAge))
	if fail == nil || fail.condition != eventAgeExceeded || fail.attempts != 0 || w.counted().Invocations != 0 {
		t.Errorf("failure = %+v, counters = %+v; want EventAgeExceeded without an attempt", fail, w.counted())
	}
}

func TestRetryWaitDoubles(t *testing.T) {
	for attempts, want := range map[int]time.Duration{1: time.Minute, 2: 2 * time.Minute} {
		if got := retryWait(time.Minute, attempts); got != want {
			t.Errorf("after %d attempts: %v, want %v", attempts, got, want)
		}
	}
}

func TestZeroReservedConcurrencyGivesUpAtOnce(t *testing.T) {
	w := newWorld(t)
	zero := 0
	arn := w.functionWithDestination(t, func(c *FunctionConfig) { c.ReservedConcurrency = &zero })
	w.invokeAsync(t, arn, order{Do: "report"})
	w.settle(t)
	letters := w.letters(t)
	if len(letters) != 1 || !strings.Contains(letters[0].Body, zeroConcurrency) || strings.Contains(letters[0].Body, "responseContext") ||
		w.counted().Invocations != 0 {
		t.Errorf("letters = %+v, counters = %+v", letters, w.counted())
	}
}

func TestDestinationThatRefusesIsCounted(t *testing.T) {
	w := newWorld(t)
	arn := w.functionWithDestination(t, nil)
	// The permission goes after AWS has checked it.
	w.role.PutPolicy("sqs:SendMessage", document(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`))
	w.invokeAsync(t, arn, order{Do: "fail"})
	w.settle(t)
	if got := w.counted().Lost; got != 1 || w.queues.Depth(w.queue) != 0 {
		t.Errorf("failures = %d, depth = %d; want 1, 0", got, w.queues.Depth(w.queue))
	}
}

func TestSetEventInvokeConfigRefuses(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	three := 3
	for _, tt := range []struct {
		name, want string
		config     EventInvokeConfig
	}{
		{"queue that the role may not send to", "The function's execution role does not have permissions to call SendMessage on " + w.queue,
			EventInvokeConfig{OnFailure: w.queue}},
		{"queue that is not there", "no such queue", EventInvokeConfig{OnFailure: w.queue + "-gone"}},
		{"topic", `"sns"`, EventInvokeConfig{OnFailure: "arn:aws:sns:us-east-1:123456789012:topic"}},
		{"three retries", "MaximumRetryAttempts 3", EventInvokeConfig{MaximumRetryAttempts: &three}},
		{"short age", "MaximumEventAgeInSeconds", EventInvokeConfig{MaximumEventAge: time.Second}},
	} {
		if err := w.SetEventInvokeConfig(arn, tt.config); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

func TestErrorMessageIsCutAtARune(t *testing.T) {
	got := errorMessage([]byte(`{"errorMessage":"` + strings.Repeat("é", 600) + `x"}`))
	if want := strings.Repeat("é", 512); got != want {
		t.Errorf("%d bytes, want %d whole characters", len(got), 512)
	}
	if got := errorMessage(nil); got == "" {
		t.Error("empty: a message attribute cannot be")
	}
}
