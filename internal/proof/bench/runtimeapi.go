package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// functionARN is the function that invocations name.
const functionARN = "arn:aws:lambda:" + targetRegion + ":" + account + ":function:" + functionName

// invocationTime is how long a function may take for one invocation.
const invocationTime = time.Minute

// An execution is one process of a function behind a Lambda Runtime API of its
// own (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). It
// takes one invocation at a time.
type execution struct {
	cmd    *exec.Cmd
	server *http.Server
	began  time.Time // when the process was asked for
	ready  chan time.Time
	work   chan invocation
	answer chan answer
	exited chan struct{}
	output lockedBuffer // what the process wrote last
}

type invocation struct {
	id      int
	payload []byte
}

// An answer is what the process said, and when.
type answer struct {
	path string
	body []byte
	at   time.Time
}

// launch starts a command as Lambda starts a function. Its time begins now.
func launch(ctx context.Context, command []string, environment []string) (*execution, error) {
	e := &execution{
		ready: make(chan time.Time, 1), work: make(chan invocation), answer: make(chan answer, 1), exited: make(chan struct{}),
	}
	server, endpoint, err := serve(ctx, http.HandlerFunc(e.serve))
	if err != nil {
		return nil, err
	}
	e.server = server
	e.cmd = exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // the contests say which
	e.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(endpoint, "http://")}, environment...)
	e.cmd.Stdout, e.cmd.Stderr = &e.output, &e.output
	e.began = time.Now()
	if err := e.cmd.Start(); err != nil {
		return nil, errors.Join(err, e.server.Close())
	}
	go func() {
		defer close(e.exited)
		_ = e.cmd.Wait() // it is killed in the end; who waits for it gets what it wrote
	}()
	return e, nil
}

func (e *execution) serve(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	if r.Method == http.MethodPost { // a response or an error
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the process broke off, and is seen to exit
		}
		w.WriteHeader(http.StatusAccepted)
		e.answer <- answer{path: r.URL.Path, body: body, at: now}
		return
	}
	select {
	case e.ready <- now:
	default: // it has been ready before
	}
	select {
	case <-r.Context().Done():
	case i := <-e.work:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("00000000-0000-4000-8000-%012d", i.id))
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(now.Add(invocationTime).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
		_, _ = w.Write(i.payload)
	}
}

// untilReady waits for the process's first question for work and says how long
// after its start it came.
func (e *execution) untilReady(ctx context.Context) (time.Duration, error) {
	select {
	case at := <-e.ready:
		return at.Sub(e.began), nil
	case a := <-e.answer:
		return 0, fmt.Errorf("the function did not start: %s", a.body)
	case <-e.exited:
		return 0, fmt.Errorf("the function ended instead of asking for work: %s", e.output.String())
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// invoke has the process do one invocation and says when the answer was there.
func (e *execution) invoke(ctx context.Context, id int, payload []byte) (time.Time, error) {
	select {
	case e.work <- invocation{id: id, payload: payload}:
	case <-e.exited:
		return time.Time{}, fmt.Errorf("the function ended before invocation %d: %s", id, e.output.String())
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	select {
	case a := <-e.answer:
		if !strings.HasSuffix(a.path, "/response") {
			return time.Time{}, fmt.Errorf("invocation %d failed: %s", id, a.body)
		}
		return a.at, nil
	case <-e.exited:
		return time.Time{}, fmt.Errorf("the function ended in invocation %d: %s", id, e.output.String())
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

// end kills the process and returns the processor time that it took, from its
// start on.
func (e *execution) end() (time.Duration, error) {
	_ = e.cmd.Process.Kill() // it may have ended
	<-e.exited
	err := e.server.Close()
	if state := e.cmd.ProcessState; state != nil {
		return state.UserTime() + state.SystemTime(), err
	}
	return 0, err
}

// lockedBuffer keeps the end of what is written to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

const mostOutput = 4096

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.b.Len() > mostOutput {
		b.b.Reset()
	}
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.b.String())
}
