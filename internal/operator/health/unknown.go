package health

import (
	"errors"

	"s3fanout/internal/aws/awsapi"
)

// An unknown is not a failure: it has a meaning and a fix of its own, never
// those of its check. During an outage of S3 the deployment is not at fault.
const (
	unknownMeans = "It may be right or wrong: AWS did not say."
	askAgain     = "check again: s3fanout doctor --region {region}"
	// What a HEAD of a bucket needs, and what else its refusal can mean.
	headBucket      = "s3:ListBucket"
	strangersBucket = "; a bucket of this name in another account gives the same answer"
)

// nextAfter says what to do so that a request that failed is answered the
// next time.
func nextAfter(f *awsapi.Failure) string {
	switch {
	case errors.Is(f, awsapi.ErrDenied):
		action := f.Action()
		if action == "" {
			action = "this request"
		}
		return "allow " + action + " to {caller}, as the policies in docs/policies do; then " + askAgain
	case errors.Is(f, awsapi.ErrCredentials):
		return "renew the credentials; then " + askAgain
	case errors.Is(f, awsapi.ErrUnreachable), errors.Is(f, awsapi.ErrNoAnswer):
		return "check the network and AWS_ENDPOINT_URL; then " + askAgain
	default:
		return askAgain + "; if the answer stays the same, see the AWS Health Dashboard for {region}"
	}
}

func isDenied(err error) bool {
	return errors.Is(awsapi.Explain("", "", err), awsapi.ErrDenied)
}

// unknown adds that a check could not be made. The text says whether what is
// unknown, and why; next is what to do so that it is known, and empty means to
// ask again.
func (c *checker) unknown(id, next, format string, args ...any) {
	if next == "" {
		next = askAgain
	}
	c.append(
		CheckInfo{ID: id, Part: c.info[id].Part, Severity: Unknown, Means: unknownMeans, Fix: next},
		"cannot tell whether "+format,
		args...)
}

// unanswered is unknown for a request that was not answered.
func unanswered[T any](c *checker, id string, look Look[T]) {
	c.unknown(id, look.Next, "%s: %s", c.fill(c.info[id].Asks), look.Why)
	c.findings[len(c.findings)-1].Denied = look.Denied
}

// exists says whether there is something to be checked, and finds what is not.
func exists[T any](c *checker, id string, look Look[T], what string) bool {
	switch look.State {
	case Found:
		return true
	case Absent:
		c.find(id, "%s does not exist", what)
	case Unanswered:
		unanswered(c, id, look)
	}
	return false
}

// answered says whether an answer came, and finds where none did.
func answered[T any](c *checker, id string, look Look[T]) bool {
	if look.State == Unanswered {
		unanswered(c, id, look)
		return false
	}
	return true
}
