// Package lambda is the sandbox's AWS Lambda: it runs the real function binary
// as processes behind a Lambda Runtime API.
//
// A process gets what an execution environment of an OS-only runtime gets and
// nothing of the host's: the function's variables, Lambda's own, and the
// credentials of a session of the function's role. Asynchronous events are
// retried, aged out and sent to the on-failure destination or the dead-letter
// queue as AWS documents it, with the role's permissions. Invoking needs the
// function's resource policy or the caller's own.
//
// Versions, aliases, layers, provisioned concurrency, response streaming and
// memory limits are not modelled; what cannot be honoured is refused by name.
// Two things differ from AWS on purpose: an execution environment is a process
// with the host's file system and network, and invocations that no environment
// is left for wait instead of being throttled. As many run as AWS's quota of a
// Region allows, while there is memory, see capacity. Reserved concurrency
// throttles, as on AWS.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/network"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/stats"
	"s3fanout/internal/sandbox/trace"
)

// AWS's quota of concurrent executions in a Region, unless an account asks for
// more, and what of it no function may reserve
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html).
const (
	accountConcurrency = 1000
	minUnreserved      = 100
)

// Defaults of Config.
const (
	defaultRetryWait   = time.Minute
	defaultIdleTimeout = 5 * time.Minute

	// stallTime is for how long no environment has finished before more run.
	stallTime = 50 * time.Millisecond
)

// Queues is what Lambda needs of SQS.
type Queues interface {
	Exists(queueARN string) bool
	Authorize(caller iam.Caller, action, queueARN string) error
	Send(ctx context.Context, caller iam.Caller, queueARN, body string, attributes map[string]sqs.Attribute) (messageID string, err error)
}

// Config says how to run functions. All but the last five are required.
type Config struct {
	Partition string
	AccountID string
	Endpoint  string // AWS_ENDPOINT_URL of the functions
	LogDir    string // existing directory for <region>-<function>.log
	Store     *iam.Store
	Queues    Queues
	Counters  *stats.Counters
	Trace     *trace.Trace // nil remembers nothing
	Faults    *fault.Switches

	RetryWait      time.Duration // before the first retry of an event, twice that before the second; 1 minute if zero
	MaxConcurrency int           // processes of one function at once; if zero, as many as quota and memory allow
	IdleTimeout    time.Duration // until an idle process is stopped, 5 minutes if zero
	Logger         *slog.Logger  // discarded if nil

	// OnInvoke, if set, is shown the payload of each invocation as a process takes it.
	OnInvoke func(region string, payload []byte)

	// Network, if set, says how long events wait in Lambda's queue and how long an
	// environment takes to make.
	Network *network.Network

	// Count, if set, is called with a value of a function's metric in CloudWatch
	// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
	Count func(region, functionName, metric string, value float64)
}

// Service holds the functions of all Regions of one account. Methods may be
// called concurrently.
type Service struct {
	cfg     Config
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	starter *starter

	serveRuntime func() // starts the Runtime API, once
	work         sync.WaitGroup

	short sync.Once // to say that the memory does not suffice

	mu           sync.Mutex
	running      map[string]*atomic.Int64 // environments that are busy, by Region
	closed       bool
	functions    map[string]*function    // by ARN
	environments map[string]*environment // by id, those that run
	runtime      *http.Server
	runtimeAddr  string
	runtimeErr   error
}

// New returns a service without functions. Processes are started on demand.
func New(c Config) *Service {
	if c.RetryWait == 0 {
		c.RetryWait = defaultRetryWait
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultIdleTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{
		cfg: c, ctx: ctx, cancel: cancel, starter: newStarter(),
		functions:    map[string]*function{},
		environments: map[string]*environment{},
		running:      map[string]*atomic.Int64{},
	}
	s.serveRuntime = sync.OnceFunc(s.listenRuntime)
	return s
}

// Close kills every process, gives up what is under way or waits for a retry,
// and returns when all of it has ended. It may be called more than once.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.mu.Lock()
	running := make([]*environment, 0, len(s.environments))
	for _, e := range s.environments {
		running = append(running, e)
	}
	server := s.runtime
	for _, f := range s.functions {
		f.capacity.stop()
	}
	s.mu.Unlock()
	for _, e := range running {
		e.kill()
	}
	for _, e := range running {
		<-e.exited
	}
	s.work.Wait()
	s.starter.stop()
	if server != nil {
		return server.Close()
	}
	return nil
}

// begin registers work that Close waits for; false once Close has begun.
func (s *Service) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Add(1)
	return true
}

var errClosed = errors.New("the sandbox is shutting down")

// InvokeAsync accepts an event for a function, as the invocation type Event
// does, and returns. The error is an *Error: ResourceNotFoundException if there
// is no such function, AccessDeniedException (wrapping *iam.DeniedError) if the
// caller may not invoke it, RequestTooLargeException above 1 MiB. An event in
// too long a chain is accepted, and then not tried.
func (s *Service) InvokeAsync(ctx context.Context, caller iam.Caller, functionARN string, payload []byte) error {
	return s.invokeAsync(ctx, caller, functionARN, payload, lineage{})
}

func (s *Service) invokeAsync(ctx context.Context, caller iam.Caller, functionARN string, payload []byte, chain lineage) error {
	f, err := s.authorize(caller, "lambda:InvokeFunction", functionARN)
	if err != nil {
		return fmt.Errorf("invoke %s: %w", functionARN, err)
	}
	if err := checkPayload(payload, maxAsyncPayload); err != nil {
		return fmt.Errorf("invoke %s: %w", functionARN, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("invoke %s: %w", functionARN, err)
	}
	return s.enqueue(f, newRequestID(), payload, chain)
}

// Authorize tells whether caller may do action ("lambda:InvokeFunction") on a
// function: nil, or an error as InvokeAsync's.
func (s *Service) Authorize(caller iam.Caller, action, functionARN string) error {
	_, err := s.authorize(caller, action, functionARN)
	return err
}

// Result is the outcome of a synchronous invocation.
type Result struct {
	RequestID       string
	ExecutedVersion string
	FunctionError   string // "Unhandled" if the function failed; Payload is then the error object
	Payload         []byte
}

// Invoke runs a function once and returns its result; nothing is retried. A
// function that fails is no error: see Result. Errors are as InvokeAsync's, and
// TooManyRequestsException if the reserved concurrency is used up. The function
// runs on when ctx ends, as on AWS, but Invoke returns.
func (s *Service) Invoke(ctx context.Context, caller iam.Caller, functionARN string, payload []byte) (Result, error) {
	return s.invoke(ctx, caller, functionARN, payload, lineage{})
}

func (s *Service) invoke(ctx context.Context, caller iam.Caller, functionARN string, payload []byte, chain lineage) (Result, error) {
	f, err := s.authorize(caller, "lambda:InvokeFunction", functionARN)
	if err != nil {
		return Result{}, fmt.Errorf("invoke %s: %w", functionARN, err)
	}
	if err := checkPayload(payload, maxSyncPayload); err != nil {
		return Result{}, fmt.Errorf("invoke %s: %w", functionARN, err)
	}
	if s.stopsLoop(f, chain) {
		return Result{}, fmt.Errorf("invoke %s: %w", functionARN, errRecursion())
	}
	if !f.reserve() {
		s.count(f, "Throttles", 1)
		return Result{}, fmt.Errorf("invoke %s: %w", functionARN, errThrottled())
	}
	if !s.begin() {
		f.unreserve()
		return Result{}, errClosed
	}
	end := s.cfg.Counters.Begin()
	id := newRequestID()
	done := make(chan outcome, 1)
	go func() {
		defer s.work.Done()
		defer end()
		defer f.unreserve()
		done <- s.attempt(f, &invocation{id: id, payload: payload, chain: chain.after(f)}, false)
	}()
	select {
	case o := <-done:
		if o.aborted {
			return Result{}, errClosed
		}
		r := Result{RequestID: id, ExecutedVersion: latest, Payload: o.payload}
		if o.failed {
			r.FunctionError = "Unhandled"
		}
		return r, nil
	case <-ctx.Done():
		return Result{}, fmt.Errorf("invoke %s: %w", functionARN, ctx.Err())
	}
}

// Kill kills every process of a Region's functions at once, and returns how
// many there were. What they were doing fails as it does when they run out of
// memory; the next invocation starts new ones.
func (s *Service) Kill(region string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.environments {
		if e.fn.region == region {
			e.kill()
			n++
		}
	}
	return n
}

// attempt runs a function once, in a process of its own or a warm one, and
// counts it.
func (s *Service) attempt(f *function, inv *invocation, retry bool) outcome {
	if err := f.capacity.acquire(s.ctx); err != nil {
		return outcome{aborted: true}
	}
	f.running.Add(1)
	defer f.capacity.release()
	defer f.running.Add(-1)
	s.cfg.Counters.Update(f.region, func(r *stats.Region) {
		r.Lambda.Invocations++
		if retry {
			r.Lambda.Retries++
		}
	})
	begin := time.Now()
	o := s.execute(f, inv)
	if o.aborted {
		return o
	}
	failures := 0.0
	if o.failed {
		s.cfg.Counters.Update(f.region, func(r *stats.Region) { r.Lambda.Errors++ })
		failures = 1
	}
	s.count(f, "Invocations", 1)
	s.count(f, "Errors", failures)
	s.count(f, "Throttles", 0)
	s.count(f, "Duration", float64(time.Since(begin).Microseconds())/1000)
	return o
}

// count adds a value to one of a function's metrics.
func (s *Service) count(f *function, metric string, value float64) {
	if s.cfg.Count != nil {
		s.cfg.Count(f.region, f.name, metric, value)
	}
}

// LogFiles returns the files that a Region's functions write their logs to. A
// function that has not run yet, or may not write, has no such file.
func (s *Service) LogFiles(region string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, f := range s.functions {
		if f.region == region {
			list = append(list, s.logFile(f))
		}
	}
	return list
}

// RunsAs tells whether some function has the role.
func (s *Service) RunsAs(role *iam.Role) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.functions {
		if f.current().role.Role == role {
			return true
		}
	}
	return false
}

func (s *Service) logFile(f *function) string {
	return filepath.Join(s.cfg.LogDir, f.region+"-"+f.name+".log")
}
