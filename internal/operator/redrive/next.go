package redrive

import (
	"errors"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/operator/deadletter"
)

// Next says what to do about a dead letter that is left, in one clause. It is empty
// for one that was replayed, skipped or interrupted, and where a request failed
// whose error says it.
func (r Result) Next() string {
	switch r.Outcome {
	case Replayed, Skipped, Interrupted:
		return ""
	case NotUnderstood, NotOurs:
		return deadletter.NextForeign
	}
	if r.Err != nil {
		switch {
		case errors.Is(r.Err, awsapi.ErrMissing):
			return deadletter.NextDeploy
		case r.Outcome == NotInvoked && errorcode.Of(r.Err) == "TooManyRequestsException":
			return deadletter.NextStopped
		}
		return ""
	}
	// What SNS could not deliver failed before there was a function to fail.
	if r.Outcome == Waiting && r.Letter.Kind == deadletter.SubscriptionQueue {
		return deadletter.NextDelivery
	}
	return deadletter.Next(r.why())
}
