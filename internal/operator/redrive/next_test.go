package redrive_test

import (
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/redrive"
)

// TestNext leads from each kind of dead letter that is left to what finds the cause.
func TestNext(t *testing.T) {
	failed := func(reason string) redrive.Result {
		return redrive.Result{Outcome: redrive.Failed, Detail: "the function failed again: " + reason}
	}
	of := func(err error, outcome redrive.Outcome) redrive.Result {
		return redrive.Result{Outcome: outcome, Detail: err.Error(), Err: err}
	}
	for name, tt := range map[string]struct {
		result redrive.Result
		want   string // in it; empty: nothing
	}{
		"access denied": {failed("1 of 1 failed: denied: AccessDenied: no (status 403): copy s3://b/k to s3://c (eu-west-1)"),
			"s3fanout doctor, which finds the missing permission"},
		"key denied": {failed("denied: KMS.DisabledException: disabled: copy s3://b/k to s3://c (eu-west-1)"),
			"s3fanout doctor, which finds the missing permission"},
		"hand-over denied": {failed("the copy is unfinished and was not handed over: AccessDeniedException: no"),
			"s3fanout doctor, which finds the missing permission"},
		"foreign bucket": {failed(`not a source of this function: bucket "b": replica set media has no such bucket`),
			"s3fanout doctor, which finds what is missing or differs"},
		"bucket gone": {failed("permanent: NoSuchBucket: gone: copy s3://b/k to s3://c (eu-west-1)"),
			"s3fanout doctor, which finds what is missing"},
		"throttled": {failed("retryable: SlowDown: slower (status 503, 3 attempts): copy s3://b/k to s3://c (eu-west-1)"),
			"redrive, with --rate"},
		"archived": {failed("permanent: InvalidObjectState: archived: copy s3://b/k to s3://c (eu-west-1)"),
			"restore the object"},
		"too many hand-overs": {failed("the copy is unfinished and was not handed over: after 12 hand-overs"), "continues the upload"},
		"forged continuation": {failed("permanent: upload u was begun by arn:aws:iam::1:user/a, not by this function's role, " +
			"and is left as it is: list parts of multipart copy of s3://b/k to s3://c (eu-west-1)"), "find out who put it there"},
		"initiator not known": {failed(`permanent: upload u is left as it is: S3 does not say that this function's role began it, ` +
			`but names "79a5": list parts of multipart copy of s3://b/k to s3://c (eu-west-1)`), "s3fanout backfill"},
		"uploads aborted": {failed(
			"retryable: NoSuchUpload: The specified upload does not exist. (status 404): copy part of s3://b/k to s3://c (eu-west-1)",
		), "who aborts unfinished uploads"},
		"killed": {failed(
			"RequestId: 8f507cfc-0e5c-4697-b07a-ac58fc914c95 Error: Runtime exited with error: signal: killed",
		), "memory, time limit"},
		"timed out": {failed("2026-11-21T12:00:00Z 8f507cfc Task timed out after 900.00 seconds"), "memory, time limit"},
		"anything":  {failed("no reason given"), "s3fanout doctor; if all checks pass"},
		"a key that says denied": {failed("retryable: SlowDown: slower: copy s3://b/AccessDenied/denied: to s3://c (eu-west-1)"),
			"redrive, with --rate"},
		"unknown message": {redrive.Result{Outcome: redrive.NotUnderstood, Detail: "not a known dead letter"},
			"find out who put it there"},
		"another set's": {redrive.Result{Outcome: redrive.NotOurs, Detail: "not of this replica set"},
			"find out who put it there"},
		"waiting": {redrive.Result{
			Outcome: redrive.Waiting, Letter: deadletter.Letter{Kind: deadletter.OnFailure, Reason: "denied: AccessDenied"},
		}, "missing permission"},
		"not delivered": {redrive.Result{
			Outcome: redrive.Waiting, Letter: deadletter.Letter{Kind: deadletter.SubscriptionQueue, Reason: "404"},
		}, "why SNS could not invoke"},
		"no function": {of(awsapi.ErrMissing, redrive.NotInvoked), "s3fanout doctor, which finds what is missing"},
		"paused":      {failed("ZeroReservedConcurrency"), "s3fanout resume"},
		"paused still": {of(
			awsapi.Explain("eu-west-1", "function f", &smithy.GenericAPIError{Code: "TooManyRequestsException", Message: "Rate Exceeded"}),
			redrive.NotInvoked,
		),
			"s3fanout resume"},
		"operator's own permission": {of(awsapi.ErrDenied, redrive.NotInvoked), ""},
		"replayed": {redrive.Result{Outcome: redrive.Replayed, Letter: deadletter.Letter{Reason: "denied: AccessDenied"}},
			""},
		"skipped":     {redrive.Result{Outcome: redrive.Skipped, Detail: "not selected"}, ""},
		"interrupted": {redrive.Result{Outcome: redrive.Interrupted, Detail: "interrupted"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.result.Next(); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}
