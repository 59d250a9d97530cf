// Package events is the sandbox's Amazon EventBridge, as far as events are sent:
// PutEvents to a Region's default bus, in the JSON protocol. Whoever sends needs
// the permission, of which the condition key events:source is known. There are no
// rules: events are kept, the last 1,000 of each Region, for tests to look at.
package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
)

// Limits of a request
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html).
const (
	maxEntries = 10
	maxBody    = 1 << 20
	maxKept    = 1000
)

const target = "AWSEvents.PutEvents"

// Event is one that was sent.
type Event struct {
	ID, Source, DetailType string
	Detail                 json.RawMessage
}

// Service holds the buses of all Regions of one account. Methods may be called
// concurrently.
type Service struct {
	partition, account string

	mu   sync.Mutex
	kept map[string][]Event // by Region
}

// New returns a service without events.
func New(partition, account string) *Service {
	return &Service{partition: partition, account: account, kept: map[string][]Event{}}
}

// Kept are the events of a Region's bus, the earliest first.
func (s *Service) Kept(region string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept[region])
}

type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// entry is an event as it is sent. What it may have besides is refused by name.
type entry struct {
	Source, DetailType, Detail, EventBusName string
}

// failed is the answer to one entry.
type failed struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// ServeAPI answers a request that is already authenticated as caller, in the
// Region of its signature. It authorizes it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	status := http.StatusOK
	answer, err := s.serve(w, r, region, caller)
	if err != nil {
		var e *apiError
		if !errors.As(err, &e) {
			e = &apiError{http.StatusInternalServerError, "InternalException", err.Error()}
		}
		status, answer = e.status, map[string]string{"__type": e.code, "message": e.message}
		w.Header().Set("x-amzn-ErrorType", e.code)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // answers are strings and numbers
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("x-amzn-RequestId", uuid.NewString())
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone if this fails
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) (any, error) {
	if got := r.Header.Get("X-Amz-Target"); got != target {
		return nil, &apiError{
			http.StatusBadRequest,
			"UnknownOperationException",
			fmt.Sprintf("The sandbox's EventBridge has no operation %q; it has PutEvents.", got),
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, &apiError{http.StatusRequestEntityTooLarge, "ValidationException", err.Error()}
	}
	var in struct{ Entries []entry }
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return nil, &apiError{http.StatusBadRequest, "SerializationException", "The sandbox's PutEvents does not take it: " + err.Error()}
	}
	if n := len(in.Entries); n == 0 || n > maxEntries {
		return nil, &apiError{
			http.StatusBadRequest,
			"ValidationException",
			fmt.Sprintf("Entries has %d members; it must have 1 to %d.", n, maxEntries),
		}
	}
	// All of them are allowed, or none is sent.
	for _, e := range in.Entries {
		if e.EventBusName != "" && e.EventBusName != "default" {
			return nil, &apiError{
				http.StatusBadRequest,
				"ResourceNotFoundException",
				fmt.Sprintf("Event bus %s does not exist.", e.EventBusName),
			}
		}
		bus := fmt.Sprintf("arn:%s:events:%s:%s:event-bus/default", s.partition, region, s.account)
		err := iam.Authorize(
			iam.Request{Caller: caller, Action: "events:PutEvents", Resource: bus, Context: map[string]string{"events:source": e.Source}},
		)
		if d := (*iam.DeniedError)(nil); errors.As(err, &d) {
			return nil, &apiError{http.StatusBadRequest, "AccessDeniedException", d.Answer()}
		}
	}
	answers, refused := []failed{}, 0
	for _, e := range in.Entries {
		a := s.put(region, e)
		if a.ErrorCode != "" {
			refused++
		}
		answers = append(answers, a)
	}
	return map[string]any{"FailedEntryCount": refused, "Entries": answers}, nil
}

// put keeps an event, or says what is wrong with it.
func (s *Service) put(region string, e entry) failed {
	var detail map[string]json.RawMessage
	switch {
	case e.Source == "" || e.DetailType == "" || e.Detail == "":
		return failed{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter Source, DetailType or Detail is not valid."}
	case strings.HasPrefix(e.Source, "aws."):
		return failed{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case json.Unmarshal([]byte(e.Detail), &detail) != nil:
		return failed{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	kept := Event{uuid.NewString(), e.Source, e.DetailType, json.RawMessage(e.Detail)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[region] = append(s.kept[region], kept)
	if over := len(s.kept[region]) - maxKept; over > 0 {
		s.kept[region] = slices.Delete(s.kept[region], 0, over)
	}
	return failed{EventID: kept.ID}
}
