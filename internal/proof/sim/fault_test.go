package sim

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// fault is a way in which a call fails that would have succeeded.
type fault string

// The faults of calls. After some of them the call has had its effect.
const (
	none          fault = ""
	slowDown      fault = "503 SlowDown"
	internal      fault = "500 InternalError"
	internalAfter fault = "500 InternalError after the effect"
	inside        fault = "an error inside a 200"
	insideAfter   fault = "an error inside a 200 after the effect"
	reset         fault = "connection reset"
	lostAnswer    fault = "time-out after the effect"
	denied        fault = "403 AccessDenied"
	skewed        fault = "403 RequestTimeTooSkewed"
	conflict      fault = "409 ConditionalRequestConflict"
	aborted       fault = "409 OperationAborted"
	unreachable   fault = "the Region is away"
)

var allFaults = []fault{slowDown, internal, internalAfter, inside, insideAfter, reset, lostAnswer, denied, skewed, conflict, aborted}

// takesEffect says that the call does its work before it fails.
func (f fault) takesEffect() bool { return f == internalAfter || f == insideAfter || f == lostAnswer }

// happensTo says which calls can fail so.
func (f fault) happensTo(op string) bool {
	writes := op == opCopy || op == opComplete || op == opDelete
	switch f {
	case inside, insideAfter:
		return writes || op == opPart
	case conflict, aborted:
		return writes
	}
	return true
}

// err is the error as the SDK returns it.
func (f fault) err(op string) error {
	switch f {
	case slowDown:
		return apiError(op, http.StatusServiceUnavailable, "SlowDown")
	case internal, internalAfter, inside, insideAfter:
		// The SDK makes a 500 of an error inside a 200.
		return apiError(op, http.StatusInternalServerError, "InternalError")
	case reset, lostAnswer:
		return networkError(op, "read", syscall.ECONNRESET)
	case unreachable:
		return networkError(op, "dial", syscall.ECONNREFUSED)
	case denied:
		return apiError(op, http.StatusForbidden, "AccessDenied")
	case skewed:
		return apiError(op, http.StatusForbidden, "RequestTimeTooSkewed")
	case conflict:
		return apiError(op, http.StatusConflict, "ConditionalRequestConflict")
	case aborted:
		return apiError(op, http.StatusConflict, "OperationAborted")
	}
	return nil
}

// kept are the errors that were made once, each with what the SDK thinks of it.
// An operation, a status and a code are all that there is to an answer.
var kept struct{ errors, retryable sync.Map }

type answer struct {
	op     string
	status int
	code   string
}

func apiError(op string, status int, code string) error {
	a := answer{op, status, code}
	if err, ok := kept.errors.Load(a); ok {
		return err.(error)
	}
	err, _ := kept.errors.LoadOrStore(a, newAPIError(a))
	return err.(error)
}

func newAPIError(a answer) error {
	return &smithy.OperationError{ServiceID: "S3", OperationName: a.op, Err: &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: a.status, Header: http.Header{}}},
			Err:      &smithy.GenericAPIError{Code: a.code, Message: "as the simulation wants it"},
		}, RequestID: "request",
	}}
}

func networkError(op, what string, cause error) error {
	return &smithy.OperationError{ServiceID: "S3", OperationName: op, Err: &smithyhttp.RequestSendError{
		Err: &net.OpError{Op: what, Net: "tcp", Err: cause},
	}}
}

func canceled(op string, cause error) error {
	return &smithy.OperationError{ServiceID: "S3", OperationName: op, Err: &aws.RequestCanceledError{Err: cause}}
}

var errKilled = errors.New("the process was killed")

// sdkRetries is how often the function's client tries a request.
const sdkRetries = 3

func retryable(err error) bool {
	if errors.As(err, new(dated)) {
		return false
	}
	if is, ok := kept.retryable.Load(err); ok {
		return is.(bool)
	}
	is := retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
	var api smithy.APIError
	if errors.As(err, &api) {
		kept.retryable.Store(err, is)
	}
	return is
}
