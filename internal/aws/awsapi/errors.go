package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/printable"
)

// The classes of a failed request that a caller can tell apart with
// errors.Is. Every Failure is one line that names the Region and says what to
// do.
var (
	// ErrMissing marks a bucket, topic, queue, function or role that does not
	// exist.
	ErrMissing = errors.New("does not exist")
	// ErrDenied marks a request that IAM refused.
	ErrDenied = errors.New("denied")
	// ErrCredentials marks credentials that AWS did not accept.
	ErrCredentials = errors.New("credentials refused")
	// ErrUnreachable marks an endpoint that no connection could be made to.
	ErrUnreachable = errors.New("unreachable")
	// ErrNoAnswer marks a request that was sent and not answered in time.
	ErrNoAnswer = errors.New("no answer")
	// ErrTransient marks a request that may succeed when it is sent again: AWS
	// was busy or away, or closed the connection.
	ErrTransient = errors.New("transient")
)

// Failure is a classified error of one Region with its own words.
type Failure struct {
	region string
	text   string
	class  error
	cause  error
}

func (f *Failure) Error() string { return "region " + f.region + ": " + f.text }

// Add appends to what the error says.
func (f *Failure) Add(format string, args ...any) { f.text += fmt.Sprintf(format, args...) }

// Unwrap returns the class, if it has one, and the SDK's error.
func (f *Failure) Unwrap() []error {
	if f.class == nil {
		return []error{f.cause}
	}
	return []error{f.class, f.cause}
}

// Explain turns an error of the SDK into one line that says what to do. what
// names the resource, such as "queue media-dead-letters".
func Explain(region, what string, err error) *Failure {
	action := actionOf(err)
	say := func(class error, format string, args ...any) *Failure {
		return &Failure{region: region, text: printable.Short(fmt.Sprintf(format, args...)), class: class, cause: err}
	}
	code, message := "", ""
	var api smithy.APIError
	if errors.As(err, &api) {
		code, message = api.ErrorCode(), strings.TrimSuffix(api.ErrorMessage(), ".")
	}
	switch {
	case missing(err, code):
		return say(ErrMissing, "%s does not exist; deploy the stacks or check the name in cdk.json", what)
	case errorcode.LacksPermission(code):
		caller, why := refusal(message)
		advice := "allow it to " + caller
		if strings.HasPrefix(action, "s3:") {
			// S3 answers the same to a request that expects another owner.
			advice += ", if the bucket is this account's"
		}
		return say(ErrDenied, "%s on %s is denied; %s (%s)", action, what, advice, why)
	case errorcode.LacksCredentials(code):
		return say(
			ErrCredentials,
			"AWS refused the credentials: %s: %s; check AWS_PROFILE or the AWS_ACCESS_KEY_ID variables, renew them if they are temporary",
			code, message,
		)
	case errorcode.AccountStopped(code):
		return say(ErrDenied, "%s on %s: AWS has stopped the account or its use of the service: %s: %s; ask AWS Support",
			action, what, code, message)
	case code != "" && errorcode.Transient(err):
		return say(ErrTransient, "%s on %s: %s: %s", action, what, code, message)
	case code != "":
		return say(nil, "%s on %s: %s: %s", action, what, code, message)
	case Unreachable(err):
		return say(ErrUnreachable, "%s on %s: cannot reach AWS: %s; check the network and AWS_ENDPOINT_URL", action, what, root(err))
	case timedOut(err):
		return say(
			ErrNoAnswer,
			"%s on %s: no answer from %s in time; check AWS_ENDPOINT_URL, whether a server listens there, and the network and its proxies",
			action, what, endpoint(err),
		)
	case errorcode.Lost(err):
		return say(ErrTransient, "%s on %s: the connection was closed without an answer (%s)", action, what, root(err))
	case errorcode.Transient(err):
		return say(ErrTransient, "%s on %s: %s", action, what, root(err))
	default:
		return say(nil, "%s on %s: %s", action, what, root(err))
	}
}

// denial is what AWS says of a request that no policy allows, or that one
// denies
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
var denial = regexp.MustCompile(
	`^User: (\S+) is not authorized to perform: \S+(?: on resource: \S+)? ((?:because|with an explicit deny) .+)$`,
)

// refusal splits AWS's message into who was refused, and why. What was asked
// for is said anyhow, and the same of several Regions is then the same text.
func refusal(message string) (caller, why string) {
	if m := denial.FindStringSubmatch(message); m != nil {
		return m[1], m[2]
	}
	return "the credentials in use", message
}

// Hopeless says that the next request of its kind would meet the same error.
func Hopeless(err error) bool {
	for _, class := range []error{ErrMissing, ErrDenied, ErrCredentials, ErrUnreachable} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

func missing(err error, code string) bool {
	var queue *types.QueueDoesNotExist
	return errors.As(err, &queue) || errorcode.Missing(code)
}

// Unreachable says that no connection was made. One that was lost later says
// nothing about the next request.
func Unreachable(err error) bool {
	var network *net.OpError
	var name *net.DNSError
	return errors.As(err, &network) && network.Op == "dial" || errors.As(err, &name)
}

// timedOut says that a request was given up because its answer did not come.
func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// endpoint is where a request was sent to.
func endpoint(err error) string {
	var request *url.Error
	if errors.As(err, &request) {
		if u, parseErr := url.Parse(request.URL); parseErr == nil && u.Host != "" {
			return u.Scheme + "://" + u.Host
		}
	}
	return "AWS"
}

// noAction stands for an action that an error does not tell.
const noAction = "a request"

// actionOf names the IAM action of the operation that failed.
func actionOf(err error) string {
	var op *smithy.OperationError
	if !errors.As(err, &op) {
		return noAction
	}
	// Within a request may be the one for its credentials.
	for inner := op; errors.As(inner.Unwrap(), &inner); {
		op = inner
	}
	// IAM counts the operations of S3 Control among those of S3.
	service := strings.TrimSuffix(strings.ToLower(op.Service()), " control")
	if service == "sfn" { // as the SDK calls Step Functions
		service = "states"
	}
	service = strings.TrimPrefix(service, "cloudwatch ") // Logs
	switch name := op.Operation(); name {
	case "Invoke":
		return service + ":InvokeFunction"
	case "ChangeMessageVisibilityBatch", "DeleteMessageBatch": // the batch has no permission of its own
		return service + ":" + strings.TrimSuffix(name, "Batch")
	case "ListObjectsV2", "HeadBucket":
		return service + ":ListBucket"
	case "CopyObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload":
		return service + ":PutObject"
	case "DeleteObject": // the command deletes versions alone
		return service + ":DeleteObjectVersion"
	case "HeadObject":
		return service + ":GetObject"
	case "ListObjectVersions":
		return service + ":ListBucketVersions"
	case "ListParts":
		return service + ":ListMultipartUploadParts"
	case "ListMultipartUploads":
		return service + ":ListBucketMultipartUploads"
	case "GetBucketNotificationConfiguration":
		return service + ":GetBucketNotification"
	case "GetBucketEncryption":
		return service + ":GetEncryptionConfiguration"
	case "GetBucketLifecycleConfiguration":
		return service + ":GetLifecycleConfiguration"
	default:
		return service + ":" + name
	}
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
