// Package errorcode says what AWS's errors have in common, whichever service
// answers: who lacks what, and whether the same request may succeed later. It
// is the one list of codes for that. What a code means to one request, such as
// a missing upload to a copy in parts, is for the one who sends it to say.
package errorcode

import (
	"errors"
	"io"
	"net/http"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Of is the code that a service gave, or empty if none answered. The SDK puts
// the status text where an answer has no body: "NotFound" for 404.
func Of(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Response is the HTTP response that an error came with, or nil. Its body is
// spent.
func Response(err error) *smithyhttp.Response {
	var e *smithyhttp.ResponseError
	if errors.As(err, &e) && e.Response != nil && e.Response.Response != nil {
		return e.Response
	}
	return nil
}

// Status is the HTTP status that an error came with, or 0.
func Status(err error) int {
	if r := Response(err); r != nil {
		return r.StatusCode
	}
	return 0
}

// LacksPermission reports whether a code says that whoever asks is known and
// not allowed to do it.
func LacksPermission(code string) bool {
	switch code {
	case "AccessDenied", "Forbidden", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException":
		return true
	}
	return false
}

// LacksCredentials reports whether a code says that AWS does not accept the
// credentials, or not any more. The services have names of their own for it, and
// one that renews a session is asked within a request to another
// (https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html).
func LacksCredentials(code string) bool {
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired",
		"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidToken", "InvalidSecurity",
		"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken",
		"AuthFailure", "OptInRequired":
		return true
	}
	return false
}

// AccountStopped reports whether a code says that AWS has stopped the account,
// or its use of the service, which no policy changes.
func AccountStopped(code string) bool {
	switch code {
	case "AllAccessDisabled", "AccountProblem", "NotSignedUp":
		return true
	}
	return false
}

// Missing reports whether a code says that a bucket, topic, queue, function,
// role, state machine, log group or trail does not exist.
func Missing(code string) bool {
	switch code {
	case "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "ResourceNotFoundException",
		"NoSuchBucket", "NotFound", "NotFoundException", "NoSuchEntity", "StateMachineDoesNotExist",
		"TrailNotFoundException":
		return true
	}
	return false
}

// Conflict reports whether a code of S3 says that another write was under way
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func Conflict(code string) bool {
	switch code {
	case "ConditionalRequestConflict", "OperationAborted", "Conflict":
		return true
	}
	return false
}

// Throttled reports whether an answer asks for fewer requests: 503 and 500, of
// which S3 says that they mean the same to a client that sends many, 429, and
// what has a code that says so.
func Throttled(err error) bool {
	if status := Status(err); status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return true
	}
	_, throttled := retry.DefaultThrottleErrorCodes[Of(err)]
	return throttled
}

// Lost reports whether the connection ended before the answer came.
func Lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// Transient reports whether the same request may succeed later: AWS was busy
// or away, another write was under way, a clock was wrong, or the connection was
// lost. What AWS refuses is not.
func Transient(err error) bool {
	code, status := Of(err), Status(err)
	switch {
	case LacksPermission(code), LacksCredentials(code), AccountStopped(code):
		return false
	case Conflict(code), code == "RequestTimeTooSkewed", Lost(err),
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary:
		return true
	}
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests ||
		status >= http.StatusInternalServerError && status != http.StatusNotImplemented
}
