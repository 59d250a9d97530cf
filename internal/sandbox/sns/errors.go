package sns

import (
	"errors"
	"fmt"
	"net/http"

	"s3fanout/internal/sandbox/iam"
)

// Error is an error as SNS answers it.
type Error struct {
	Status  int // HTTP status
	Code    string
	Message string
	cause   error
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns what the error came from, as an *iam.DeniedError.
func (e *Error) Unwrap() error { return e.cause }

// ErrorCode returns AWS's name of the error.
func (e *Error) ErrorCode() string { return e.Code }

func invalid(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidParameter", Message: "Invalid parameter: " + fmt.Sprintf(format, args...)}
}

func errNoTopic() *Error {
	return &Error{Status: http.StatusNotFound, Code: "NotFound", Message: "Topic does not exist"}
}

func errNoSubscription() *Error {
	return &Error{Status: http.StatusNotFound, Code: "NotFound", Message: "Subscription does not exist"}
}

// denied turns a refusal of the policies into SNS's answer.
func denied(err error) *Error {
	message := err.Error()
	var d *iam.DeniedError
	if errors.As(err, &d) {
		message = fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because %s",
			d.Caller, upperService(d.Action), d.Resource, d.Reason)
	}
	return &Error{Status: http.StatusForbidden, Code: "AuthorizationError", Message: message, cause: err}
}

// upperService writes an action as SNS's messages do: SNS:Publish.
func upperService(action string) string {
	if len(action) > 4 && action[:4] == "sns:" {
		return "SNS:" + action[4:]
	}
	return action
}
