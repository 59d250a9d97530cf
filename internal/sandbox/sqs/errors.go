package sqs

import (
	"net/http"

	"s3fanout/internal/sandbox/iam"
)

// Error is an error as SQS answers it.
type Error struct {
	Status    int    // HTTP status
	Code      string // of the JSON protocol
	QueryCode string // of the older query protocol, which SDKs still show; Code if empty
	Message   string
	cause     error
}

func (e *Error) Error() string { return e.ErrorCode() + ": " + e.Message }

// Unwrap returns what the error came from, as an *iam.DeniedError.
func (e *Error) Unwrap() error { return e.cause }

// ErrorCode returns the code that SDKs show.
func (e *Error) ErrorCode() string {
	if e.QueryCode != "" {
		return e.QueryCode
	}
	return e.Code
}

func badRequest(code, queryCode, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, QueryCode: queryCode, Message: message}
}

func invalidParameter(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidParameterValue", Message: message}
}

func errNoQueue() *Error {
	return badRequest("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

// denied turns a refusal of the policies into SQS's answer.
func denied(err error) *Error {
	return &Error{
		Status: http.StatusForbidden, Code: "AccessDeniedException", QueryCode: "AccessDenied",
		Message: iam.Answer(err), cause: err,
	}
}
