package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"

	"s3fanout/internal/sandbox/iam"
)

// Limits of an invocation's payload
// (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
const (
	maxSyncPayload  = 6 << 20
	maxAsyncPayload = 1 << 20
)

// Error is an error as Lambda's API answers it.
type Error struct {
	Status  int // HTTP status
	Code    string
	Message string
	Reason  string // of TooManyRequestsException
	cause   error
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns what the error came from, as an *iam.DeniedError.
func (e *Error) Unwrap() error { return e.cause }

// ErrorCode returns AWS's name of the error.
func (e *Error) ErrorCode() string { return e.Code }

func errNotFound(what, arn string) *Error {
	return &Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: what + " not found: " + arn}
}

func invalid(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidParameterValueException", Message: fmt.Sprintf(format, args...)}
}

func errThrottled() *Error {
	return &Error{
		Status: http.StatusTooManyRequests, Code: "TooManyRequestsException",
		Message: "Rate Exceeded.", Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
	}
}

// denied turns a refusal of the policies into Lambda's answer.
func denied(err error) *Error {
	return &Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: iam.Answer(err), cause: err}
}

// checkPayload refuses what Invoke refuses: no JSON, or too much of it.
func checkPayload(payload []byte, limit int) error {
	if len(payload) > limit {
		return &Error{
			Status: http.StatusRequestEntityTooLarge, Code: "RequestTooLargeException",
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit),
		}
	}
	if !json.Valid(payload) {
		return &Error{
			Status: http.StatusBadRequest, Code: "InvalidRequestContentException",
			Message: "Could not parse request body into json: the payload is not a JSON value",
		}
	}
	return nil
}

// functionError is the error object that Lambda itself makes for a function
// that cannot.
func functionError(kind, requestID, message string) outcome {
	body, err := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{kind, "RequestId: " + requestID + " Error: " + message})
	if err != nil {
		body = []byte(`{"errorType":"Runtime.Unknown"}`)
	}
	return outcome{failed: true, payload: body}
}
