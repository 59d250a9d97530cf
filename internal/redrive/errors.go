package redrive

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/deadletter"
)

// The classes of a failed request that a caller can tell apart with
// errors.Is. Every error of a Region or letter is one line that names the
// Region and says what to do.
var (
	// ErrMissing marks a queue or function that does not exist.
	ErrMissing = errors.New("does not exist")
	// ErrDenied marks a request that IAM refused.
	ErrDenied = errors.New("denied")
	// ErrCredentials marks credentials that AWS did not accept.
	ErrCredentials = errors.New("credentials refused")
	// ErrUnreachable marks an endpoint that no connection could be made to.
	ErrUnreachable = errors.New("unreachable")
)

// failure is a classified error of one Region with its own words.
type failure struct {
	region string
	text   string
	class  error
	cause  error
}

func (f *failure) Error() string { return "region " + f.region + ": " + f.text }

func (f *failure) Unwrap() []error {
	if f.class == nil {
		return []error{f.cause}
	}
	return []error{f.class, f.cause}
}

// explain turns an error of the SDK into one line that says what to do. what
// names the resource, such as "queue media-dead-letters".
func explain(region, what string, err error) *failure {
	action := actionOf(err)
	say := func(class error, format string, args ...any) *failure {
		return &failure{region: region, text: deadletter.Short(fmt.Sprintf(format, args...)), class: class, cause: err}
	}
	code, message := "", ""
	var api smithy.APIError
	if errors.As(err, &api) {
		code, message = api.ErrorCode(), api.ErrorMessage()
	}
	switch {
	case missing(err, code):
		return say(ErrMissing, "%s does not exist; deploy the stacks or check the name in cdk.json", what)
	case isCode(code, "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"):
		return say(ErrDenied, "%s on %s is denied; allow it to the credentials in use (%s)", action, what, message)
	case isCode(code, "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException",
		"InvalidAccessKeyId", "IncompleteSignature", "MissingAuthenticationToken", "ExpiredToken", "ExpiredTokenException",
		"RequestExpired", "InvalidSecurity", "OptInRequired", "AuthFailure"):
		return say(ErrCredentials, "AWS refused the credentials: %s: %s; check AWS_PROFILE or the AWS_ACCESS_KEY_ID variables, renew them if they are temporary", code, message)
	case code != "":
		return say(nil, "%s on %s: %s: %s", action, what, code, message)
	case unreachable(err):
		return say(ErrUnreachable, "%s on %s: cannot reach AWS: %s; check the network and AWS_ENDPOINT_URL", action, what, root(err))
	default:
		return say(nil, "%s on %s: %s", action, what, root(err))
	}
}

// hopeless says that the next letter would meet the same error.
func hopeless(err error) bool {
	for _, class := range []error{ErrMissing, ErrDenied, ErrCredentials, ErrUnreachable} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

// answerLost says that a request may have been carried out although its
// answer is not known.
func answerLost(err error) bool {
	var api smithy.APIError
	return err != nil && !errors.As(err, &api) && !unreachable(err)
}

// expired says that a message is no longer held by the receipt handle: its
// time ran out, or somebody deleted it. Then there is nothing to release.
func expired(err error) bool {
	var notInFlight *types.MessageNotInflight
	var invalid *types.ReceiptHandleIsInvalid
	var api smithy.APIError
	return errors.As(err, &notInFlight) || errors.As(err, &invalid) ||
		errors.As(err, &api) && isCode(api.ErrorCode(), "InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid")
}

func missing(err error, code string) bool {
	var queue *types.QueueDoesNotExist
	return errors.As(err, &queue) ||
		isCode(code, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "ResourceNotFoundException")
}

// unreachable says that no connection was made. One that was lost later says
// nothing about the next request.
func unreachable(err error) bool {
	var network *net.OpError
	var name *net.DNSError
	return errors.As(err, &network) && network.Op == "dial" || errors.As(err, &name)
}

// actionOf names the IAM action of the operation that failed.
func actionOf(err error) string {
	var op *smithy.OperationError
	if !errors.As(err, &op) {
		return "a request"
	}
	name := op.Operation()
	if name == "Invoke" {
		name = "InvokeFunction"
	}
	return strings.ToLower(op.Service()) + ":" + name
}

// root is the innermost error: the SDK's own layers repeat the operation.
func root(err error) error {
	var network *net.OpError
	if errors.As(err, &network) {
		return network
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

func isCode(code string, codes ...string) bool { return slices.Contains(codes, code) }
