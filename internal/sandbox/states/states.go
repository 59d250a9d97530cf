// Package states keeps Step Functions' state machines and tells what they are. Nothing
// runs them.
package states

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
)

// Machine is a state machine.
type Machine struct {
	Name, Type, RoleARN string
	Definition          string // JSON
}

// Service has the state machines of all Regions of an account. It is safe for
// concurrent use.
type Service struct {
	partition, account string

	mu       sync.Mutex
	machines map[string]made // by ARN
}

type made struct {
	Machine
	at time.Time
}

// New makes a service without state machines.
func New(partition, account string) *Service {
	return &Service{partition: partition, account: account, machines: map[string]made{}}
}

// Create makes a state machine and returns its ARN.
func (s *Service) Create(region string, m Machine) (arn string, err error) {
	arn = fmt.Sprintf("arn:%s:states:%s:%s:stateMachine:%s", s.partition, region, s.account, m.Name)
	if !json.Valid([]byte(m.Definition)) {
		return "", fmt.Errorf("state machine %s: its definition is no JSON", m.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.machines[arn]; there {
		return "", fmt.Errorf("state machine %s exists already", m.Name)
	}
	s.machines[arn] = made{m, time.Now()}
	return arn, nil
}

// Update changes a state machine.
func (s *Service) Update(arn string, m Machine) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, there := s.machines[arn]
	if !there {
		return fmt.Errorf("state machine %s does not exist", arn)
	}
	s.machines[arn] = made{m, old.at}
	return nil
}

// Delete removes a state machine, if it is there.
func (s *Service) Delete(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.machines, arn)
}

// Get returns a state machine.
func (s *Service) Get(arn string) (m Machine, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, there := s.machines[arn]
	return found.Machine, there
}

// The protocol is AWS JSON 1.0.
const (
	targetPrefix = "AWSStepFunctions."
	contentType  = "application/x-amz-json-1.0"
	maxBody      = 1 << 20
)

type apiError struct{ code, message string }

func (e *apiError) Error() string { return e.code + ": " + e.message }

// ServeAPI answers a request that is already authenticated as caller:
// DescribeStateMachine, UpdateStateMachine and DeleteStateMachine. It authorizes it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, caller iam.Caller) {
	answer, err := s.serve(w, r, caller)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("x-amzn-RequestId", uuid.NewString())
	if err != nil {
		var e *apiError
		status := http.StatusBadRequest
		if !errors.As(err, &e) {
			e, status = &apiError{"InternalServerError", err.Error()}, http.StatusInternalServerError
		}
		w.WriteHeader(status)
		answer = map[string]string{"__type": e.code, "message": e.message}
	}
	_ = json.NewEncoder(w).Encode(answer) // the client has gone if this fails
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, caller iam.Caller) (any, error) {
	var in struct{ StateMachineARN, Definition, RoleARN string }
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return nil, &apiError{"ValidationException", "The sandbox's Step Functions do not take it: " + err.Error()}
	}
	action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	switch action {
	case "DescribeStateMachine", "UpdateStateMachine", "DeleteStateMachine":
	default:
		return nil, &apiError{"UnknownOperationException", fmt.Sprintf("The sandbox's Step Functions have no %s; they have "+
			"DescribeStateMachine, UpdateStateMachine and DeleteStateMachine.", action)}
	}
	arn := in.StateMachineARN
	if err := iam.Authorize(iam.Request{Caller: caller, Action: "states:" + action, Resource: arn}); err != nil {
		return nil, &apiError{"AccessDeniedException", err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, there := s.machines[arn]
	switch {
	case action == "DeleteStateMachine":
		delete(s.machines, arn)
		return struct{}{}, nil
	case !there:
		return nil, &apiError{"StateMachineDoesNotExist", fmt.Sprintf("State Machine Does Not Exist: '%s'", arn)}
	case action == "DescribeStateMachine":
		return map[string]any{
			"stateMachineArn": arn, "name": m.Name, "status": "ACTIVE", "definition": m.Definition, "roleArn": m.RoleARN,
			"type": m.Type, "creationDate": float64(m.at.Unix()),
		}, nil
	}
	if in.Definition != "" {
		if !json.Valid([]byte(in.Definition)) {
			return nil, &apiError{"InvalidDefinition", "Invalid State Machine Definition"}
		}
		m.Definition = in.Definition
	}
	if in.RoleARN != "" {
		m.RoleARN = in.RoleARN
	}
	s.machines[arn] = m
	return map[string]any{"updateDate": float64(time.Now().Unix())}, nil
}
