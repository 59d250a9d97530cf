package lambda

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/network"
)

// environment is an execution environment: one process of the function, which
// takes one invocation at a time. The Runtime API and the invoker meet here.
type environment struct {
	id     string
	fn     *function
	set    *settings // of the function when the process began
	cmd    *exec.Cmd
	work   chan *invocation // unbuffered: taken when the process asks for the next
	exited chan struct{}    // closed when the process is gone
	output *output          // of a function that logs in JSON format; nil if it does not, or may not log
	idle   *time.Timer      // stops the process when it has been idle too long

	mu        sync.Mutex
	current   *invocation
	initError []byte // what the runtime said before it gave up starting
	exitError error  // of the process, valid once exited is closed
}

// invocation is one attempt to run a function.
type invocation struct {
	id      string
	payload []byte
	chain   lineage // with this one

	handed chan time.Time // gets the deadline when the process has taken it
	ready  chan struct{}  // closed when the process has answered and asks for the next
	answer *outcome       // what the process answered, guarded by the environment's lock
}

// outcome is how an attempt ended.
type outcome struct {
	failed   bool
	timedOut bool   // and failed
	aborted  bool   // by the end of the sandbox
	payload  []byte // the function's response, or an error object if it failed
}

// newEnvironment starts a process for the function.
func (s *Service) newEnvironment(f *function) (*environment, error) {
	s.serveRuntime()
	if s.runtimeErr != nil {
		return nil, s.runtimeErr
	}
	if network.Pass(s.ctx, s.cfg.Network.Takes(network.Init, f.region, f.region)) != nil {
		return nil, errClosed
	}
	set := f.current()
	credentials, _, err := s.cfg.Store.AssumeRoleForService(set.RoleARN, f.name, servicePrincipal, f.region)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 16)
	rand.Read(secret) // never fails: crypto/rand aborts the program instead
	e := &environment{
		id: hex.EncodeToString(secret), fn: f, set: set,
		work: make(chan *invocation), exited: make(chan struct{}),
	}
	stream := time.Now().UTC().Format("2006/01/02/") + "[" + latest + "]" + hexID()
	e.cmd = exec.Command(set.Program) //nolint:gosec,noctx // the program is the sandbox's to run; Close kills it
	e.cmd.Dir = filepath.Dir(set.Program)
	e.cmd.Env = s.processEnvironment(e, stream, credentials)
	isolate(e.cmd)
	log, err := s.openLog(f, set, stream)
	if err != nil {
		return nil, err
	}
	switch {
	case log == nil:
	case set.LogFormat == jsonFormat:
		if e.output, err = newOutput(log, set.ApplicationLogLevel); err != nil {
			return nil, err
		}
		e.cmd.Stdout, e.cmd.Stderr = e.output.in, e.output.in
	default:
		defer func() { _ = log.Close() }() // the process has its own descriptor
		e.cmd.Stdout, e.cmd.Stderr = log, log
	}
	if err := s.start(e); err != nil {
		e.output.close()
		return nil, err
	}
	return e, nil
}

// start starts the process and makes it known, unless Close has begun.
func (s *Service) start(e *environment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if err := s.starter.start(e.cmd); err != nil {
		return err
	}
	s.environments[e.id] = e
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		err := e.cmd.Wait()
		e.output.close()
		e.mu.Lock()
		e.exitError = err
		e.mu.Unlock()
		s.mu.Lock()
		delete(s.environments, e.id)
		s.mu.Unlock()
		close(e.exited)
	}()
	return nil
}

// processEnvironment returns the variables of an execution environment
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime)
// and the endpoint that makes the function's SDK speak to the sandbox. The
// function's own variables come first: they cannot hide Lambda's.
func (s *Service) processEnvironment(e *environment, logStream string, c iam.Credentials) []string {
	f, configured := e.fn, e.set
	var list []string
	set := func(name, value string) { list = append(list, name+"="+value) }
	for name, value := range configured.Environment {
		set(name, value)
	}
	set("_HANDLER", configured.Handler)
	set("AWS_ACCESS_KEY_ID", c.AccessKeyID)
	set("AWS_SECRET_ACCESS_KEY", c.SecretAccessKey)
	set("AWS_SESSION_TOKEN", c.SessionToken)
	set("AWS_REGION", f.region)
	set("AWS_DEFAULT_REGION", f.region)
	set("AWS_ENDPOINT_URL", s.cfg.Endpoint)
	set("AWS_LAMBDA_FUNCTION_NAME", f.name)
	set("AWS_LAMBDA_FUNCTION_VERSION", latest)
	set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", strconv.Itoa(configured.MemoryMB))
	set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
	set("AWS_LAMBDA_LOG_GROUP_NAME", configured.LogGroup)
	set("AWS_LAMBDA_LOG_STREAM_NAME", logStream)
	set("AWS_LAMBDA_RUNTIME_API", s.runtimeAddr+"/"+e.id)
	set("LAMBDA_TASK_ROOT", filepath.Dir(configured.Program))
	set("TZ", ":UTC")
	return list
}

// openLog opens the file that the function's output goes to, or returns nil if
// the role may not write the function's logs: the output then vanishes, as on
// AWS (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html).
func (s *Service) openLog(f *function, set *settings, stream string) (*os.File, error) {
	resource := fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s:log-stream:%s",
		s.cfg.Partition, f.region, s.cfg.AccountID, set.LogGroup, stream)
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		if err := iam.Authorize(iam.Request{Caller: set.role, Action: action, Resource: resource}); err != nil {
			s.cfg.Logger.Warn("the function's output is lost", "region", f.region, "function", f.name, "error", err)
			return nil, nil
		}
	}
	return os.OpenFile(s.logFile(f), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// kill ends the process and what it started, at once. A process that is gone
// is left alone: its number may be another's by now.
func (e *environment) kill() {
	if !e.gone() {
		killGroup(e.cmd)
	}
}

// gone tells whether the process has ended.
func (e *environment) gone() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// death describes why the process is gone, as Lambda puts it, once it is.
func (e *environment) death(requestID string) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.initError != nil:
		return outcome{failed: true, payload: e.initError}
	case e.exitError == nil:
		return functionError("Runtime.ExitError", requestID, "Runtime exited without providing a reason")
	}
	return functionError("Runtime.ExitError", requestID, "Runtime exited with error: "+e.exitError.Error())
}

// takeIdle returns the warm environment that was used last, or nil.
func (f *function) takeIdle() *environment {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.idle) > 0 {
		e := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		e.idle.Stop()
		if !e.gone() {
			return e
		}
	}
	return nil
}

// putIdle keeps an environment warm for a while, or ends it if the function's
// settings are no longer those that it began with.
func (f *function) putIdle(e *environment, timeout time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.settings.epoch != e.set.epoch {
		e.kill()
		return
	}
	f.idle = append(f.idle, e)
	e.idle = time.AfterFunc(timeout, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i, other := range f.idle {
			if other == e {
				f.idle = append(f.idle[:i], f.idle[i+1:]...)
				e.kill()
				return
			}
		}
	})
}

func hexID() string {
	id := uuid.New()
	return hex.EncodeToString(id[:])
}
