package copier

import (
	"errors"
	"testing"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/policy"
)

// Whoever waits for an error to go away, or gives it up, goes by its class. The
// status an error comes with differs: inside a 200 it is a 500 to the SDK.
func TestClassesOfErrors(t *testing.T) {
	for _, tt := range []struct {
		code     string
		status   int // S3's own
		class    Class
		throttle bool // with S3's own status
	}{
		{"NoSuchBucket", 404, Permanent, false},
		{"AccessDenied", 403, Denied, false},
		{"ExpiredToken", 400, Denied, false},
		{"ExpiredTokenException", 400, Denied, false}, // of STS, which renews a backfill's session
		{"RequestExpired", 400, Denied, false},
		{"InvalidToken", 400, Denied, false},
		{"InvalidAccessKeyId", 403, Denied, false},
		{"SignatureDoesNotMatch", 403, Denied, false},
		{"AccountProblem", 403, Denied, false},
		{"InvalidObjectState", 403, Permanent, false},
		{"KeyTooLongError", 400, Permanent, false},
		{"EntityTooLarge", 400, Permanent, false},
		{"MethodNotAllowed", 405, Permanent, false},
		{"NoSuchUpload", 404, Retryable, false},
		{"BadDigest", 400, Retryable, false},
		{"RequestTimeTooSkewed", 403, Retryable, false},
		{"OperationAborted", 409, Retryable, false},
		{"SlowDown", 503, Retryable, true},
		{"ServiceUnavailable", 503, Retryable, true},
		{"InternalError", 500, Retryable, true},
		{"RequestLimitExceeded", 400, Retryable, true},
		{"", 429, Retryable, true},
		{"", 503, Retryable, true},
		{"", 404, Permanent, false},
	} {
		for _, status := range []int{tt.status, 200} {
			if status == 200 && tt.code == "" {
				continue
			}
			answer := refused(status, tt.code, "x")
			if tt.code == "" {
				answer.body = ""
			}
			s := serve(t, answer)
			_, err := s.client(1).CopyObject(t.Context(), copyInput(policy.Condition{}, source(), target(), ""), inRegion(target().Region))
			if got := classify(err); got != tt.class {
				t.Errorf("%s with status %d is %s, want %s: %v", tt.code, status, got, tt.class, err)
			}
			if got := errorcode.Throttled(err); status == tt.status && got != tt.throttle {
				t.Errorf("%s with status %d is a throttle: %t, want %t", tt.code, status, got, tt.throttle)
			}
		}
	}
}

// The function and the commands agree on what may pass and what is refused:
// both go by internal/aws/errorcode. Only what a copy begins anew for is its own.
func TestCommandsClassifyAsCopiesDo(t *testing.T) {
	for _, tt := range []struct {
		code   string
		status int
	}{
		{"AccessDenied", 403}, {"ExpiredToken", 400}, {"ExpiredTokenException", 400}, {"RequestExpired", 400}, {"InvalidToken", 400},
		{"InvalidAccessKeyId", 403}, {"SignatureDoesNotMatch", 403}, {"AccountProblem", 403}, {"RequestTimeTooSkewed", 403},
		{"OperationAborted", 409}, {"ConditionalRequestConflict", 409}, {"SlowDown", 503}, {"InternalError", 500}, {"RequestTimeout", 400},
		{"RequestLimitExceeded", 400}, {"NotImplemented", 501}, {"InvalidArgument", 400}, {"InvalidObjectState", 403},
	} {
		s := serve(t, refused(tt.status, tt.code, "x"))
		_, err := s.client(1).CopyObject(t.Context(), copyInput(policy.Condition{}, source(), target(), ""), inRegion(target().Region))
		explained := awsapi.Explain(target().Region, "bucket", err)
		class := Permanent
		switch {
		case errors.Is(explained, awsapi.ErrTransient):
			class = Retryable
		case errors.Is(explained, awsapi.ErrDenied), errors.Is(explained, awsapi.ErrCredentials):
			class = Denied
		}
		if got := classify(err); got != class {
			t.Errorf("%s with status %d is %s to a copy and %s to a command: %v", tt.code, tt.status, got, class, explained)
		}
	}
}
