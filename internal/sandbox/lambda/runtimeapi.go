package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/sandbox/fault"
)

// Paths of the Runtime API, after the id of the environment
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
const (
	runtimeVersion = "/2018-06-01/runtime"
	nextPath       = runtimeVersion + "/invocation/next"
	initErrorPath  = runtimeVersion + "/init/error"
	invocationPath = runtimeVersion + "/invocation/"
	// maxResponse is a little more than a request may have, as on AWS.
	maxResponse = maxSyncPayload + 100
)

// listenRuntime starts the Runtime API on a free loopback port. Each process has an
// unguessable path prefix: AWS_LAMBDA_RUNTIME_API is
// host:port/<environment>, to which runtimes append the API's paths.
func (s *Service) listenRuntime() {
	l, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		s.runtimeErr = fmt.Errorf("start the Lambda Runtime API: %w", err)
		return
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(s.serveRuntimeAPI),
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close()
		s.runtimeErr = errClosed
		return
	}
	s.runtime, s.runtimeAddr = server, l.Addr().String()
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Logger.Error("the Lambda Runtime API ended", "error", err)
		}
	}()
}

func (s *Service) serveRuntimeAPI(w http.ResponseWriter, r *http.Request) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	path := "/" + rest
	s.mu.Lock()
	e := s.environments[id]
	s.mu.Unlock()
	invocationID, action, _ := strings.Cut(strings.TrimPrefix(path, invocationPath), "/")
	switch {
	case e == nil:
		runtimeError(w, http.StatusForbidden, "InvalidEnvironment", "no such execution environment")
	case r.Method == http.MethodGet && path == nextPath:
		s.next(w, r, e)
	case r.Method == http.MethodPost && path == initErrorPath:
		body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
		if err != nil {
			return
		}
		e.mu.Lock()
		e.initError = body
		e.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	case r.Method == http.MethodPost && strings.HasPrefix(path, invocationPath) && (action == "response" || action == "error"):
		e.answer(w, r, invocationID, action == "error")
	default:
		runtimeError(w, http.StatusNotFound, "UnknownOperation", r.Method+" "+path+" is no operation of the Runtime API")
	}
}

// next ends the invocation that the process has answered, and waits for
// another one.
func (s *Service) next(w http.ResponseWriter, r *http.Request, e *environment) {
	e.output.drain() // what it logged is to be found once its invocation is over
	e.mu.Lock()
	if previous := e.current; previous != nil {
		if previous.answer == nil {
			e.mu.Unlock()
			runtimeError(w, http.StatusForbidden, "InvalidStateTransition", "the current invocation has not been answered")
			return
		}
		e.current = nil
		close(previous.ready)
	}
	e.mu.Unlock()
	select {
	case inv := <-e.work:
		s.deliver(w, e, inv)
	case <-e.exited:
	case <-r.Context().Done():
	}
}

// deliver gives an invocation to the process, or kills it instead if that
// fault strikes.
func (s *Service) deliver(w http.ResponseWriter, e *environment, inv *invocation) {
	deadline := time.Now().Add(e.set.Timeout)
	e.mu.Lock()
	e.current = inv
	e.mu.Unlock()
	// Before the process can write of it.
	e.output.platform(e.set, "start", defaultLevel, map[string]any{"requestId": inv.id, "version": latest})
	inv.handed <- deadline
	if s.cfg.OnInvoke != nil {
		s.cfg.OnInvoke(e.fn.region, inv.payload)
	}
	if s.cfg.Faults.Strikes(e.fn.region, fault.LambdaCrash) {
		e.kill()
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", e.fn.arn)
	h.Set(
		"Lambda-Runtime-Trace-Id",
		fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0;%s", deadline.Unix(), hexID()[:24], hexID()[:16], inv.chain),
	)
	_, _ = w.Write(inv.payload) // a process that does not take it is seen to exit or time out
}

// answer takes the response or the error of the process's invocation.
func (e *environment) answer(w http.ResponseWriter, r *http.Request, id string, failed bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err != nil {
		return // the process broke off; it is seen to exit or time out
	}
	o := outcome{failed: failed, payload: body}
	status := http.StatusAccepted
	switch kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); {
	case len(body) > maxResponse:
		status = http.StatusRequestEntityTooLarge
		o = functionError(
			"Function.ResponseSizeTooLarge", id,
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse),
		)
	case kind != "":
		// The function failed while it wrote its response.
		o = functionError(kind, id, "the function failed while it was writing its response")
		if detail, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body")); err == nil &&
			json.Valid(detail) {
			o.payload = detail
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil || e.current.id != id || e.current.answer != nil {
		runtimeError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	e.current.answer = &o
	if status != http.StatusAccepted {
		runtimeError(w, status, "RequestEntityTooLarge", "the response is too large")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

func runtimeError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message})
}
