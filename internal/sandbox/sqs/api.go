package sqs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
)

// request is one API request that is already authenticated.
type request struct {
	*http.Request
	region string
	caller iam.Caller
	body   []byte
}

// operation answers a request with a value to be encoded as JSON; nil means
// an empty body.
type operation func(s *Service, r request) (any, error)

func operations() map[string]operation {
	return map[string]operation{
		"ChangeMessageVisibility":      (*Service).changeMessageVisibility,
		"ChangeMessageVisibilityBatch": (*Service).changeMessageVisibilityBatch,
		"DeleteMessage":                (*Service).deleteMessage,
		"DeleteMessageBatch":           (*Service).deleteMessageBatch,
		"GetQueueAttributes":           (*Service).getQueueAttributes,
		"GetQueueUrl":                  (*Service).getQueueURL,
		"ListQueues":                   (*Service).listQueues,
		"PurgeQueue":                   (*Service).purgeQueue,
		"ReceiveMessage":               (*Service).receiveMessage,
		"SendMessage":                  (*Service).sendMessage,
		"SendMessageBatch":             (*Service).sendMessageBatch,
	}
}

// refuse authorizes an operation on a queue that only templates make here: without the
// permission it is denied first, as on AWS.
func (s *Service) refuse(r request, name string) error {
	if !slices.Contains([]string{"AddPermission", "DeleteQueue", "RemovePermission", "SetQueueAttributes", "StartMessageMoveTask"}, name) {
		return nil
	}
	var in struct{ QueueUrl, SourceArn string }
	_ = json.Unmarshal(r.body, &in) // what is missing is reported by name
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "StartMessageMoveTask" {
		_, err := s.authorize(r.caller, "sqs:"+name, in.SourceArn)
		return err
	}
	_, err := s.open(r, in.QueueUrl, "sqs:"+name)
	return err
}

const (
	targetPrefix = "AmazonSQS."
	contentType  = "application/x-amz-json-1.0"
	maxBody      = 4 << 20
)

// ServeAPI answers a request of SQS's AWS JSON 1.0 protocol that is already
// authenticated as caller, in the Region of its signature. It authorizes it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	answer, err := s.serve(w, r, region, caller)
	id := uuid.NewString()
	w.Header().Set("x-amzn-RequestId", id)
	w.Header().Set("Content-Type", contentType)
	if err != nil {
		writeError(w, err)
		return
	}
	if answer == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	_ = json.NewEncoder(w).Encode(answer) // the client has gone if this fails
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	if !ok {
		return nil, &Error{
			Status:    http.StatusBadRequest,
			Code:      "UnsupportedOperation",
			QueryCode: "AWS.SimpleQueueService.UnsupportedOperation",
			Message:   "The sandbox's SQS speaks the AWS JSON 1.0 protocol: the header X-Amz-Target names the operation.",
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: "InvalidParameterValue", Message: "Cannot read the request: " + err.Error()}
	}
	req := request{Request: r, region: region, caller: caller, body: body}
	op := operations()[name]
	if op == nil {
		if err := s.refuse(req, name); err != nil {
			return nil, err
		}
		return nil, &Error{
			Status:    http.StatusBadRequest,
			Code:      "UnsupportedOperation",
			QueryCode: "AWS.SimpleQueueService.UnsupportedOperation",
			Message: fmt.Sprintf("The sandbox's SQS has no operation %q; it has %s.",
				name, strings.Join(slices.Sorted(maps.Keys(operations())), ", ")),
		}
	}
	return op(s, req)
}

// decode reads the request's parameters. One that the sandbox does not know
// is refused by name.
func (r request) decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return invalidParameter("The sandbox's SQS does not support the parameter " + name + " here.")
		}
		return &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	return nil
}

func writeError(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: err.Error(), cause: err}
	}
	fault, namespace := "Sender", "com.amazonaws.sqs#"
	if e.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	if e.Code == "AccessDeniedException" {
		namespace = "com.amazon.coral.service#"
	}
	w.Header().Set("x-amzn-query-error", e.ErrorCode()+";"+fault)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": namespace + e.Code, "message": e.Message})
}

// byURL finds the queue of a URL. Its host does not count: the sandbox has
// one endpoint for every Region, and the request's signature names the Region.
// s.mu is held.
func (s *Service) byURL(region, queueURL string) (*queue, error) {
	if queueURL == "" {
		return nil, &Error{
			Status:  http.StatusBadRequest,
			Code:    "MissingParameter",
			Message: "The request must contain the parameter QueueUrl.",
		}
	}
	u, err := url.Parse(queueURL)
	parts := []string{}
	if err == nil {
		parts = strings.Split(strings.Trim(u.Path, "/"), "/")
	}
	if len(parts) != 2 {
		return nil, badRequest("InvalidAddress", "InvalidAddress", fmt.Sprintf("The address %s is not valid for this endpoint.", queueURL))
	}
	q := s.queues[s.arn(region, parts[1])]
	if q == nil || parts[0] != s.cfg.AccountID {
		return nil, errNoQueue()
	}
	return q, nil
}

// open finds the queue that a request is for and authorizes it. s.mu is held.
func (s *Service) open(r request, queueURL, action string) (*queue, error) {
	q, err := s.byURL(r.region, queueURL)
	if err != nil {
		return nil, err
	}
	return s.authorize(r.caller, action, q.arn)
}
