package redrive

import (
	"errors"
	"slices"
	"strings"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/deadletter"
)

// What to do about a letter.
const (
	nextPermission = "run s3fanout doctor, which finds the missing permission; then redrive"
	nextDeploy     = "run s3fanout doctor, which finds what is missing or differs from cdk.json; then redrive"
	nextDelivery   = "run s3fanout doctor, which finds why SNS could not invoke the function; then redrive"
	nextFunction   = "run s3fanout doctor, which checks the function's memory, time limit and concurrency; its log has the rest"
	nextForeign    = "nothing of the replica set sends it: find out who put it there, then delete it"
	nextArchive    = "restore the object from its archive, then redrive"
	nextUnnamed    = "copy the object with s3fanout backfill, then delete the dead letter"
	nextAborted    = "see who aborts unfinished uploads in the bucket, or which lifecycle rule does; then redrive"
	nextUpload     = "redrive within 7 days: that continues the upload"
	nextBusy       = "S3 was busy or away: redrive, with --rate if it was throttled; s3fanout status shows whether it goes on"
	nextUnknown    = "run s3fanout doctor; if all checks pass, the function's log has the details"
)

// rules tell from a reason what to do. The first that has one of its marks in
// the reason, in lower case, counts. docs/operations.md lists them for readers.
var rules = []struct {
	marks []string
	next  string
}{
	{[]string{"nosuchupload"}, nextAborted}, // says that the upload does not exist
	{[]string{"was begun by"}, nextForeign},
	{[]string{"does not say that this function's role began it"}, nextUnnamed},
	{[]string{"accessdenied", "denied:", "not authorized", "accountproblem"}, nextPermission},
	{[]string{"not a source of this function", "nosuchbucket", "does not exist"}, nextDeploy},
	{[]string{"malformed event", "unsupported event"}, nextForeign},
	{[]string{"invalidobjectstate"}, nextArchive},
	{[]string{"the copy is unfinished", "stays open and can be resumed"}, nextUpload},
	{[]string{"retryable:", "slowdown", "serviceunavailable", "internalerror", "requesttimeout", "503 "}, nextBusy},
	{[]string{"task timed out", "runtime.", "runtime exited", "maximum event age", "throttle", "concurrency"}, nextFunction},
}

// Next says what to do about a letter that is left, in one clause. It is empty
// for one that was replayed, skipped or interrupted, and where a request failed
// whose error says it.
func (r Result) Next() string {
	switch r.Outcome {
	case Replayed, Skipped, Interrupted:
		return ""
	case NotUnderstood, NotOurs:
		return nextForeign
	}
	if r.Err != nil {
		if errors.Is(r.Err, awsapi.ErrMissing) {
			return nextDeploy
		}
		return ""
	}
	// What SNS could not deliver failed before there was a function to fail.
	if r.Outcome == Waiting && r.Letter.Kind == deadletter.SubscriptionQueue {
		return nextDelivery
	}
	return NextFor(r.why())
}

// NextFor says what to do about a function's failure, by its reason. A key in
// the reason does not count.
func NextFor(reason string) string {
	reason = strings.ToLower(Cause(reason))
	for _, rule := range rules {
		if slices.ContainsFunc(rule.marks, func(mark string) bool { return strings.Contains(reason, mark) }) {
			return rule.next
		}
	}
	return nextUnknown
}
