package awsapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// TestExplainTellsWhatMayPass shows that an answer of a busy server, and a
// connection that was lost, are told apart from what stays as it is.
func TestExplainTellsWhatMayPass(t *testing.T) {
	answer := func(status int, code, message string) error {
		return &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
			Err:      &smithy.GenericAPIError{Code: code, Message: message},
		}
	}
	for name, tt := range map[string]struct {
		err  error
		want error // nil: no class
		text string
	}{
		"S3 away": {answer(503, "ServiceUnavailable", "Service is unable to handle request."), ErrTransient,
			"ServiceUnavailable: Service is unable to handle request"},
		"slower": {answer(503, "SlowDown", "Please reduce your request rate."), ErrTransient,
			"SlowDown: Please reduce your request rate"},
		"throttled": {answer(400, "ThrottlingException", "Rate exceeded"), ErrTransient, "ThrottlingException: Rate exceeded"},
		"no answer": {fmt.Errorf("send: %w", io.EOF), ErrTransient, "the connection was closed without an answer (EOF)"},
		"reset": {fmt.Errorf("send: %w", syscall.ECONNRESET), ErrTransient,
			"the connection was closed without an answer (connection reset by peer)"},
		"another write": {answer(409, "OperationAborted", "A conflicting operation is in progress."), ErrTransient,
			"OperationAborted: A conflicting operation is in progress"},
		"clock": {answer(403, "RequestTimeTooSkewed", "The difference is too large."), ErrTransient,
			"RequestTimeTooSkewed: The difference is too large"},
		"stopped": {answer(403, "AccountProblem", "There is a problem."), ErrDenied,
			"AWS has stopped the account or its use of the service: AccountProblem: There is a problem; ask AWS Support"},
		"not there":       {answer(501, "NotImplemented", "no."), nil, "NotImplemented: no"},
		"a wrong request": {answer(400, "InvalidArgument", "no."), nil, "InvalidArgument: no"},
		"bad session": {answer(400, "InvalidToken", "The token is bad."), ErrCredentials,
			"AWS refused the credentials: InvalidToken: The token is bad; check AWS_PROFILE or the AWS_ACCESS_KEY_ID variables, " +
				"renew them if they are temporary"},
		"wrong key": {answer(403, "InvalidClientTokenId", "The token is invalid."), ErrCredentials,
			"AWS refused the credentials: InvalidClientTokenId: The token is invalid; check AWS_PROFILE or the AWS_ACCESS_KEY_ID " +
				"variables, renew them if they are temporary"},
	} {
		f := Explain("eu-west-1", "bucket b", tt.err)
		if got := errors.Is(f, ErrTransient); got != errors.Is(tt.want, ErrTransient) || tt.want != nil && !errors.Is(f, tt.want) {
			t.Errorf("%s: transient %t: %v", name, got, f)
		}
		want := "region eu-west-1: a request on bucket b: " + tt.text
		if errors.Is(tt.want, ErrCredentials) {
			want = "region eu-west-1: " + tt.text
		}
		if f.Error() != want {
			t.Errorf("%s: got  %s\nwant %s", name, f, want)
		}
	}
}

// TestExplainNamesWhoWasRefused shows that a refusal names the caller and the
// cause, and does not say twice what was asked for.
func TestExplainNamesWhoWasRefused(t *testing.T) {
	const (
		user   = "arn:aws:iam::111122223333:user/operator"
		begins = "User: " + user + " is not authorized to perform: sqs:getqueueurl"
		queue  = " on resource: arn:aws:sqs:eu-west-1:111122223333:q"
		none   = "because no identity-based policy allows the sqs:getqueueurl action"
		denied = "with an explicit deny in a service control policy"
	)
	for message, want := range map[string]string{
		begins + queue + " " + none:   "allow it to " + user + " (" + none + ")",
		begins + " " + none:           "allow it to " + user + " (" + none + ")",
		begins + queue + " " + denied: "allow it to " + user + " (" + denied + ")",
		"Forbidden":                   "allow it to the credentials in use (Forbidden)",
	} {
		f := Explain("eu-west-1", "queue q", &smithy.GenericAPIError{Code: "AccessDenied", Message: message})
		if got := "region eu-west-1: a request on queue q is denied; " + want; f.Error() != got || !errors.Is(f, ErrDenied) {
			t.Errorf("got  %s\nwant %s", f, got)
		}
	}
}
