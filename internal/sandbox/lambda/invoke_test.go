package lambda

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/stats"
)

func errorOf(t *testing.T, r Result) (kind, message string) {
	t.Helper()
	var e struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(r.Payload, &e); err != nil {
		t.Fatalf("payload %s: %v", r.Payload, err)
	}
	return e.ErrorType, e.ErrorMessage
}

func TestInvoke(t *testing.T) {
	t.Setenv("HOST_SECRET", "must not leak")
	w := newWorld(t)
	var shown []string
	w.cfg.OnInvoke = func(region string, payload []byte) { shown = append(shown, region+" "+string(payload)) }
	arn := w.function(t, nil)
	r := w.invoke(t, arn, order{Do: "report"})
	if len(shown) != 1 || !strings.HasPrefix(shown[0], region+" {") || !strings.Contains(shown[0], `"report"`) {
		t.Errorf("OnInvoke was shown %q, want the payload once", shown)
	}
	if r.FunctionError != "" || r.ExecutedVersion != "$LATEST" || r.RequestID == "" {
		t.Fatalf("result = %+v %s", r, r.Payload)
	}
	var got report
	if err := json.Unmarshal(r.Payload, &got); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{}
	for _, v := range got.Environment {
		name, value, _ := strings.Cut(v, "=")
		environment[name] = value
	}
	for name, want := range map[string]string{
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_LAMBDA_FUNCTION_NAME": "replicator",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "_HANDLER": "bootstrap", testFunction: "yes",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/replicator",
	} {
		if environment[name] != want {
			t.Errorf("%s = %q, want %q", name, environment[name], want)
		}
	}
	for _, name := range []string{"HOST_SECRET", "PATH", "HOME"} {
		if v, ok := environment[name]; ok {
			t.Errorf("the host's %s=%s reached the function", name, v)
		}
	}
	// The credentials are of a session of the role, named after the function.
	c, caller, ok := w.store.Lookup(environment["AWS_ACCESS_KEY_ID"])
	if !ok || c.SecretAccessKey != environment["AWS_SECRET_ACCESS_KEY"] || c.SessionToken != environment["AWS_SESSION_TOKEN"] {
		t.Errorf("the credentials are not the store's")
	}
	if want := w.role.ID + ":replicator"; caller.PrincipalID != want {
		t.Errorf("principal = %s, want %s", caller.PrincipalID, want)
	}
	if got := w.counted(); got != (stats.Lambda{Invocations: 1}) {
		t.Errorf("counters = %+v", got)
	}
}

func TestEnvironmentsAreReused(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	pids := map[int]bool{}
	for _, do := range []string{"report", "fail", "report"} {
		var got report
		r := w.invoke(t, arn, order{Do: do})
		if err := json.Unmarshal(r.Payload, &got); err == nil && got.PID != 0 {
			pids[got.PID] = true
		}
	}
	if len(pids) != 1 {
		t.Errorf("processes %v ran, want one: an error does not end it", pids)
	}
}

func TestFailures(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	slow := w.function(t, func(c *FunctionConfig) { c.Name, c.Timeout = "slow", time.Second })
	broken := w.function(t, func(c *FunctionConfig) {
		c.Name, c.Environment = "broken", map[string]string{testFunction: "exit at once"}
	})
	for _, tt := range []struct{ name, arn, do, kind, message string }{
		{"error", arn, "fail", "errorString", "cannot do it"},
		{"panic", arn, "panic", "string", "lost my head"},
		{"exit", arn, "exit", "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 7"},
		{"time-out", slow, "hang", "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 1.00 seconds"},
		{"does not start", broken, "report", "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := w.invoke(t, tt.arn, order{Do: tt.do})
			kind, message := errorOf(t, r)
			if r.FunctionError != "Unhandled" || kind != tt.kind || message != strings.ReplaceAll(tt.message, "ID", r.RequestID) {
				t.Errorf("%s: %s %q", r.FunctionError, kind, message)
			}
		})
	}
	// The function works on after each of them.
	if r := w.invoke(t, arn, order{Do: "report"}); r.FunctionError != "" {
		t.Errorf("afterwards: %s", r.Payload)
	}
	if got := w.counted(); got.Errors != 5 || got.Invocations != 6 {
		t.Errorf("counters = %+v, want 6 invocations, 5 errors", got)
	}
}

func TestCrashFault(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	if err := w.faults.Set(fault.Fault{Region: region, Kind: fault.LambdaCrash, Rate: 1, Count: 1}); err != nil {
		t.Fatal(err)
	}
	kind, message := errorOf(t, w.invoke(t, arn, order{Do: "report"}))
	if kind != "Runtime.ExitError" || !strings.HasSuffix(message, "Runtime exited with error: signal: killed") {
		t.Errorf("%s %q", kind, message)
	}
	if r := w.invoke(t, arn, order{Do: "report"}); r.FunctionError != "" {
		t.Errorf("after the crash: %s", r.Payload)
	}
}

func TestWarmProcessThatDiedCostsNoAttempt(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	f, err := w.Service.function(arn)
	if err != nil {
		t.Fatal(err)
	}
	// A process that is found dead before the invocation, and one that dies
	// between being chosen and being asked.
	for _, dead := range []bool{true, false} {
		e := &environment{fn: f, set: f.current(), work: make(chan *invocation), exited: make(chan struct{})}
		f.putIdle(e, time.Hour)
		if dead {
			close(e.exited)
		}
		type answer struct {
			Result
			err error
		}
		done := make(chan answer, 1)
		go func() {
			r, err := w.Invoke(t.Context(), w.admin(), arn, payload(order{Do: "report"}))
			done <- answer{r, err}
		}()
		if !dead {
			until(t, "the process to be chosen", func() bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				return !slices.Contains(f.idle, e)
			})
			close(e.exited)
		}
		if r := <-done; r.err != nil || r.FunctionError != "" {
			t.Errorf("dead %v: %s %v", dead, r.Payload, r.err)
		}
	}
}

func TestInvokeNeedsPermission(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	topic := iam.Caller{Service: "sns.amazonaws.com", SourceARN: "arn:aws:sns:eu-west-1:123456789012:uploads", SourceAccount: account}
	var denied *iam.DeniedError
	var e *Error
	err := w.InvokeAsync(t.Context(), topic, arn, []byte("{}"))
	if !errors.As(err, &denied) || !errors.As(err, &e) || e.ErrorCode() != "AccessDeniedException" {
		t.Errorf("without permission: %v, want AccessDeniedException", err)
	}
	p := PermissionConfig{StatementID: "topic", Action: "lambda:InvokeFunction", Principal: "sns.amazonaws.com", SourceARN: topic.SourceARN}
	if err := w.AddPermission(arn, p); err != nil {
		t.Fatal(err)
	}
	if err := w.AddPermission(arn, p); !errors.As(err, &e) || e.Code != "ResourceConflictException" {
		t.Errorf("the same statement again: %v, want ResourceConflictException", err)
	}
	if err := w.InvokeAsync(t.Context(), topic, arn, payload(order{Do: "report"})); err != nil {
		t.Errorf("with permission: %v", err)
	}
	other := topic
	other.SourceARN += "-other"
	if err := w.InvokeAsync(t.Context(), other, arn, []byte("{}")); !errors.As(err, &denied) {
		t.Errorf("another topic: %v, want a denial", err)
	}
	err = w.InvokeAsync(t.Context(), topic, arn+"-gone", []byte("{}"))
	if !errors.As(err, &e) || e.ErrorCode() != "ResourceNotFoundException" {
		t.Errorf("no such function: %v, want ResourceNotFoundException", err)
	}
	w.settle(t)
	if got := w.counted().Invocations; got != 1 {
		t.Errorf("%d invocations, want 1", got)
	}
}

func TestPayloadLimits(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	big := []byte(`"` + strings.Repeat("x", maxAsyncPayload) + `"`)
	var e *Error
	if err := w.InvokeAsync(t.Context(), w.admin(), arn, big); !errors.As(err, &e) || e.Code != "RequestTooLargeException" ||
		e.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %v", err)
	}
	if err := w.InvokeAsync(t.Context(), w.admin(), arn, []byte("{")); !errors.As(err, &e) || e.Code != "InvalidRequestContentException" {
		t.Errorf("no JSON: %v", err)
	}
}

func TestReservedConcurrencyThrottlesInvoke(t *testing.T) {
	w := newWorld(t)
	var throttles atomic.Int64
	w.cfg.Count = func(_, name, metric string, value float64) {
		if name == "replicator" && metric == "Throttles" {
			throttles.Add(int64(value))
		}
	}
	one := 1
	arn := w.function(t, func(c *FunctionConfig) { c.ReservedConcurrency = &one })
	g := newGate(t)
	w.invokeAsync(t, arn, order{Do: "call", URL: g.url})
	g.wait(t)
	_, err := w.Invoke(t.Context(), w.admin(), arn, payload(order{Do: "report"}))
	var e *Error
	if !errors.As(err, &e) || e.Code != "TooManyRequestsException" || e.Status != http.StatusTooManyRequests {
		t.Errorf("error = %v, want TooManyRequestsException", err)
	}
	if n := throttles.Load(); n != 1 {
		t.Errorf("throttles = %d, want 1", n)
	}
	g.open <- http.StatusOK
	w.settle(t)
	w.invoke(t, arn, order{Do: "report"})
}

func TestLogsNeedTheRolesPermission(t *testing.T) {
	w := newWorld(t)
	silent := w.function(t, func(c *FunctionConfig) { c.Name = "silent" })
	w.invoke(t, silent, order{Do: "report"})
	group := "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/heard:*"
	w.allow(t, "logs:CreateLogStream", group)
	w.allow(t, "logs:PutLogEvents", group)
	heard := w.function(t, func(c *FunctionConfig) { c.Name = "heard" })
	w.invoke(t, heard, order{Do: "report"})
	got, err := os.ReadFile(filepath.Join(w.logDir, "us-east-1-heard.log"))
	if err != nil || !strings.Contains(string(got), "doing report") {
		t.Errorf("log = %q, %v", got, err)
	}
	entries, err := os.ReadDir(w.logDir)
	if err != nil || len(entries) != 1 {
		t.Errorf("log directory = %v, %v; want heard's log alone", entries, err)
	}
}

func TestCreateFunctionRefuses(t *testing.T) {
	w := newWorld(t)
	untrusting, err := w.store.CreateRole(iam.RoleConfig{
		Name: "untrusting", Trust: document(t, strings.ReplaceAll(trust, "lambda.", "ec2.")),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.function(t, func(c *FunctionConfig) { c.Name = "taken" })
	for _, tt := range []struct {
		name, want string
		change     func(*FunctionConfig)
	}{
		{"role that Lambda cannot assume", "The role defined for the function cannot be assumed by Lambda.",
			func(c *FunctionConfig) { c.RoleARN = untrusting.ARN }},
		{"role that is not there", "cannot be assumed", func(c *FunctionConfig) { c.RoleARN += "-gone" }},
		{"reserved variable", "Reserved keys used in this request: AWS_REGION",
			func(c *FunctionConfig) { c.Environment = map[string]string{"AWS_REGION": "x"} }},
		{"time-out", "Timeout", func(c *FunctionConfig) { c.Timeout = 901 * time.Second }},
		{"runtime", `"go1.x"`, func(c *FunctionConfig) { c.Runtime = "go1.x" }},
		{"name that is taken", "ResourceConflictException", func(c *FunctionConfig) { c.Name = "taken" }},
		{"mode of tracing", "TracingConfig", func(c *FunctionConfig) { c.TracingMode = "Passive" }},
		{"traces that the role may not send", "does not have permissions to call PutTraceSegments on XRAY",
			func(c *FunctionConfig) { c.TracingMode = "Active" }},
		{"dead-letter queue that the role may not send to", "does not have permissions to call SendMessage",
			func(c *FunctionConfig) { c.DeadLetterTargetARN = w.queue }},
	} {
		c := w.functionConfig()
		tt.change(&c)
		if _, err := w.CreateFunction(region, c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

func TestReservedVariablesAreThoseThatAreSet(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	var got report
	if err := json.Unmarshal(w.invoke(t, arn, order{Do: "report"}).Payload, &got); err != nil {
		t.Fatal(err)
	}
	for _, v := range got.Environment {
		name, _, _ := strings.Cut(v, "=")
		// The first two may be set by the function's owner on AWS as well; the
		// third is set by the runtime client in the process itself.
		if !slices.Contains(reservedVariables(), name) &&
			!slices.Contains([]string{"AWS_ENDPOINT_URL", "TZ", "_X_AMZN_TRACE_ID", testFunction}, name) {
			t.Errorf("%s is set but not reserved", name)
		}
	}
}
