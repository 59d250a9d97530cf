package lambda

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"s3fanout/internal/sandbox/iam"
)

const (
	latest           = "$LATEST"
	servicePrincipal = "lambda.amazonaws.com"
	maxTimeout       = 900 * time.Second
	maxEnvironment   = 4 << 10 // bytes of all names and values
)

// FunctionConfig describes a function. Name, Program, RoleARN, Runtime, Handler
// and Architectures are required; the rest may be zero for Lambda's defaults.
type FunctionConfig struct {
	Name                string
	Program             string // absolute path of what runs, built for this machine
	Description         string
	RoleARN             string
	Runtime             string   // an OS-only runtime: provided.al2023 or provided.al2
	Handler             string   // any
	Architectures       []string // one of arm64 and x86_64; the process is the host's either way
	Timeout             time.Duration
	MemoryMB            int
	Environment         map[string]string
	ReservedConcurrency *int   // nil: none reserved; 0: the function never runs
	DeadLetterTargetARN string // DeadLetterConfig: an SQS queue, or empty
	LogGroup            string // name; /aws/lambda/<Name> if empty
	// LogFormat is Text (if empty), in which the sandbox does not write Lambda's own
	// lines, or JSON, with the least levels of the function's lines and of Lambda's own,
	// both INFO if empty.
	LogFormat, ApplicationLogLevel, SystemLogLevel string
	RecursiveLoop                                  string // Terminate (if empty) or Allow
	Tags                                           map[string]string
	TracingMode                                    string // PassThrough (if empty) or Active; nothing here takes traces
}

// function is a function's state.
type function struct {
	name, region, arn string

	capacity *capacity     // of execution environments
	running  *atomic.Int64 // those that are busy, of all functions of the Region
	deleted  chan struct{} // closed when the function is deleted

	mu         sync.Mutex
	settings   *settings
	reserved   int // invocations that count against ReservedConcurrency
	freed      chan struct{}
	idle       []*environment // warm ones, the most recently used last
	statements []statement
	tags       map[string]string
	policy     *iam.Document
	invoke     EventInvokeConfig
	configured bool // an EventInvokeConfig was set
}

// The modes of tracing. Lambda demands that the role may send traces when the
// function is made, and is silent if it cannot send them later.
const (
	activeTracing = "Active"
	passThrough   = "PassThrough"
)

// settings is how a function is configured. They are replaced as a whole: an
// execution environment keeps those that it began with.
type settings struct {
	FunctionConfig
	role     iam.Caller // a session of the role, for what Lambda does on the function's behalf
	modified time.Time
	epoch    *int // another one than an execution environment's ends that one
}

// current returns the settings that the next execution environment gets.
func (f *function) current() *settings {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings
}

// CreateFunction makes a function. Errors are those of AWS: a role that Lambda
// cannot assume or that may not send the traces asked for, reserved names of
// environment variables, values out of range, a name that the Region already
// has.
func (s *Service) CreateFunction(region string, c FunctionConfig) (functionARN string, err error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("create function %s in %s: %w", c.Name, region, err)
	}
	set, err := s.configure(region, c)
	if err != nil {
		return fail(err)
	}
	if err := s.checkReserved(region, "", c.ReservedConcurrency); err != nil {
		return fail(err)
	}
	f := &function{
		name: c.Name, region: region, settings: set, tags: maps.Clone(c.Tags),
		arn:     fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", s.cfg.Partition, region, s.cfg.AccountID, c.Name),
		deleted: make(chan struct{}),
		freed:   make(chan struct{}),
		invoke:  EventInvokeConfig{}.withDefaults(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.functions[f.arn] != nil {
		return fail(&Error{Status: 409, Code: "ResourceConflictException", Message: "Function already exist: " + c.Name})
	}
	if f.running = s.running[region]; f.running == nil {
		f.running = new(atomic.Int64)
		s.running[region] = f.running
	}
	f.capacity = newCapacity(leastConcurrency, accountConcurrency, func(more int) int { return s.room(f.running, more) })
	f.capacity.eager = s.cfg.Network != nil
	if n := s.cfg.MaxConcurrency; n > 0 {
		f.capacity = newCapacity(n, n, nil)
	}
	s.functions[f.arn] = f
	return f.arn, nil
}

// configure checks a configuration and starts the session that Lambda acts
// with on the function's behalf.
func (s *Service) configure(region string, c FunctionConfig) (*settings, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	_, role, err := s.cfg.Store.AssumeRoleForService(c.RoleARN, c.Name, servicePrincipal, region)
	if err != nil {
		return nil, &Error{
			Status:  400,
			Code:    "InvalidParameterValueException",
			Message: "The role defined for the function cannot be assumed by Lambda.",
			cause:   err,
		}
	}
	if c.DeadLetterTargetARN != "" {
		if err := s.checkQueue(role, region, c.DeadLetterTargetARN); err != nil {
			return nil, err
		}
	}
	if c.TracingMode == activeTracing {
		if err := iam.Authorize(iam.Request{Caller: role, Action: "xray:PutTraceSegments", Resource: "*"}); err != nil {
			e := invalid("The provided execution role does not have permissions to call PutTraceSegments on XRAY")
			e.cause = err
			return nil, e
		}
	}
	return &settings{FunctionConfig: c, role: role, modified: time.Now(), epoch: new(int)}, nil
}

// complete fills in defaults and checks the configuration.
func (c *FunctionConfig) complete() error {
	if c.Timeout == 0 {
		c.Timeout = 3 * time.Second
	}
	if c.MemoryMB == 0 {
		c.MemoryMB = 128
	}
	if c.LogGroup == "" {
		c.LogGroup = "/aws/lambda/" + c.Name
	}
	if c.RecursiveLoop == "" {
		c.RecursiveLoop = terminateLoops
	}
	if c.TracingMode == "" {
		c.TracingMode = passThrough
	}
	switch {
	case !regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`).MatchString(c.Name):
		return invalid("Function name %q is not 1 to 64 letters, digits, hyphens and underscores", c.Name)
	case c.Runtime != "provided.al2023" && c.Runtime != "provided.al2":
		return invalid("Runtime %q is not one that the sandbox has: provided.al2023, provided.al2", c.Runtime)
	case c.Program == "":
		return invalid("Program is empty")
	case c.Handler == "":
		return invalid("Handler is empty")
	case len(c.Architectures) != 1 || c.Architectures[0] != "arm64" && c.Architectures[0] != "x86_64":
		return invalid("Architectures %v is not one of arm64 and x86_64", c.Architectures)
	case c.Timeout < time.Second || c.Timeout > maxTimeout || c.Timeout%time.Second != 0:
		return invalid("Timeout %v is not a whole number of seconds from 1 to 900", c.Timeout)
	case c.MemoryMB < 128 || c.MemoryMB > 10240:
		return invalid("MemorySize %d is not between 128 and 10240", c.MemoryMB)
	case c.RecursiveLoop != terminateLoops && c.RecursiveLoop != allowLoops:
		return invalid("RecursiveLoop %q is neither Terminate nor Allow", c.RecursiveLoop)
	case c.TracingMode != passThrough && c.TracingMode != activeTracing:
		return invalid("TracingConfig %q is neither Active nor PassThrough", c.TracingMode)
	case c.ReservedConcurrency != nil && *c.ReservedConcurrency < 0:
		return invalid("ReservedConcurrentExecutions %d is negative", *c.ReservedConcurrency)
	}
	if err := c.checkLogging(); err != nil {
		return err
	}
	return checkEnvironment(c.Environment)
}

// reservedVariables are the names that Lambda sets itself
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
func reservedVariables() []string {
	return []string{
		"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION",
		"AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
		"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
		"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
	}
}

func checkEnvironment(variables map[string]string) error {
	name := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]+$`)
	var used []string
	size := 0
	for _, n := range slices.Sorted(maps.Keys(variables)) {
		if slices.Contains(reservedVariables(), n) {
			used = append(used, n)
		} else if !name.MatchString(n) {
			return invalid("Environment variable name %q does not begin with a letter, is shorter than two characters "+
				"or has others than letters, digits and underscores", n)
		}
		size += len(n) + len(variables[n])
	}
	if len(used) > 0 {
		return invalid(
			"Lambda was unable to configure your environment variables because the environment variables you have provided "+
				"contains reserved keys that are currently not supported for modification. "+
				"Reserved keys used in this request: %s",
			strings.Join(used, ", "),
		)
	}
	if size > maxEnvironment {
		return invalid(
			"Lambda was unable to configure your environment variables because the environment variables you have provided " +
				"exceeded the 4KB limit",
		)
	}
	return nil
}

// checkQueue checks that a dead-letter target is a queue in the function's
// Region that its role may send to.
func (s *Service) checkQueue(role iam.Caller, region, target string) error {
	a, err := arn.Parse(target)
	if err != nil {
		return invalid("The destination ARN %s is invalid.", target)
	}
	if a.Service != "sqs" {
		return invalid("The destination ARN %s is of service %q; the sandbox's Lambda can send to sqs only.", target, a.Service)
	}
	if a.Region != region || !s.cfg.Queues.Exists(target) {
		return invalid("The destination ARN %s is invalid: there is no such queue in %s.", target, region)
	}
	if err := s.cfg.Queues.Authorize(role, "sqs:SendMessage", target); err != nil {
		e := invalid("The function's execution role does not have permissions to call SendMessage on %s", target)
		e.cause = err
		return e
	}
	return nil
}

// function returns a function by ARN.
func (s *Service) function(functionARN string) (*function, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[strings.TrimSuffix(functionARN, ":"+latest)]
	if f == nil {
		return nil, errNotFound("Function", functionARN)
	}
	return f, nil
}

// authorize returns the function if caller may do action on it.
func (s *Service) authorize(caller iam.Caller, action, functionARN string) (*function, error) {
	f, err := s.function(functionARN)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	policy := f.policy
	f.mu.Unlock()
	if err := iam.Authorize(iam.Request{Caller: caller, Action: action, Resource: f.arn, ResourcePolicy: policy}); err != nil {
		return nil, denied(err)
	}
	return f, nil
}

// reserve counts an invocation against the reserved concurrency; false if it
// is used up.
func (f *function) reserve() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if limit := f.settings.ReservedConcurrency; limit != nil && f.reserved >= *limit {
		return false
	}
	f.reserved++
	return true
}

func (f *function) unreserve() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reserved--
	f.wake()
}

// wake lets the events that wait for capacity look again. f.mu is held.
func (f *function) wake() {
	close(f.freed)
	f.freed = make(chan struct{})
}

// released returns a channel that is closed when an invocation ends.
func (f *function) released() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.freed
}

// disabled tells whether the function's reserved concurrency is zero.
func (f *function) disabled() bool {
	limit := f.current().ReservedConcurrency
	return limit != nil && *limit == 0
}
