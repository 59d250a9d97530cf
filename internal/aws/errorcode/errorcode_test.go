package errorcode_test

import (
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"s3fanout/internal/aws/errorcode"
)

func TestEachErrorIsOfOneKind(t *testing.T) {
	const permission, credentials, stopped, missing, transient = "permission", "credentials", "stopped", "missing", "transient"
	for _, tt := range []struct {
		code      string
		status    int
		kind      string
		throttled bool
	}{
		{"AccessDenied", 403, permission, false},
		{"AuthorizationError", 403, permission, false},
		{"ExpiredToken", 400, credentials, false},
		{"ExpiredTokenException", 400, credentials, false},
		{"RequestExpired", 400, credentials, false},
		{"SignatureDoesNotMatch", 403, credentials, false},
		{"AccountProblem", 403, stopped, false},
		{"NoSuchBucket", 404, missing, false},
		{"QueueDoesNotExist", 400, missing, false},
		{"SlowDown", 503, transient, true},
		{"ThrottlingException", 400, transient, true},
		{"InternalError", 500, transient, true},
		{"SomethingNew", 502, transient, true},
		{"RequestTimeout", 400, transient, false},
		{"OperationAborted", 409, transient, false},
		{"ConditionalRequestConflict", 409, transient, false},
		{"RequestTimeTooSkewed", 403, transient, false},
		{"Whatever", 408, transient, false},
		{"Whatever", 429, transient, true},
		{"NotImplemented", 501, "", true},
		{"InvalidRequest", 400, "", false},
		{"PreconditionFailed", 412, "", false},
	} {
		err := fmt.Errorf("copy: %w", &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: tt.status}},
			Err:      &smithy.GenericAPIError{Code: tt.code},
		})
		for kind, is := range map[string]bool{
			permission: errorcode.LacksPermission(tt.code), credentials: errorcode.LacksCredentials(tt.code),
			stopped: errorcode.AccountStopped(tt.code), missing: errorcode.Missing(tt.code), transient: errorcode.Transient(err),
		} {
			if is != (kind == tt.kind) {
				t.Errorf("%s with status %d is of the kind %q: %t, want %q", tt.code, tt.status, kind, is, tt.kind)
			}
		}
		if got := errorcode.Throttled(err); got != tt.throttled {
			t.Errorf("%s with status %d asks for fewer requests: %t, want %t", tt.code, tt.status, got, tt.throttled)
		}
		if code, status := errorcode.Of(err), errorcode.Status(err); code != tt.code || status != tt.status {
			t.Errorf("got %s and %d, want %s and %d", code, status, tt.code, tt.status)
		}
	}
}

func TestLostConnections(t *testing.T) {
	for _, lost := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET} {
		err := fmt.Errorf("copy: %w", lost)
		if !errorcode.Lost(err) || !errorcode.Transient(err) || errorcode.Of(err) != "" || errorcode.Status(err) != 0 {
			t.Errorf("%v is not one", err)
		}
	}
	if err := io.ErrShortWrite; errorcode.Lost(err) || errorcode.Transient(err) || errorcode.Throttled(nil) {
		t.Errorf("%v is one", err)
	}
}
