package redrive_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/redrive"
)

// TestLetterForSeveralFunctions has a dead letter of a subscription that is gone, which
// is for the functions of all other Regions. It is done only when each of them has
// succeeded: while one fails, the dead letter stays.
func TestLetterForSeveralFunctions(t *testing.T) {
	fails := func(context.Context, string) error { return errThrown }
	for name, failing := range map[string][]string{"the first": {west}, "the last": {asia}, "both": {west, asia}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.queues[east].put(notice(topicARN, subscriptionARN))
				for _, region := range failing {
					w.functions[region].run = fails
				}
				report := w.run(t, t.Context())
				r := report.Regions[0].Results[0]
				if r.Outcome != redrive.Failed || !strings.Contains(r.Detail, failing[0]+": target still gone") || len(r.Functions) != 2 {
					t.Errorf("got %s: %s for %v, want it failed in %s", r.Outcome, r.Detail, r.Functions, failing[0])
				}
				if w.queues[east].visible() != 1 || report.Left() != 1 || report.Regions[0].Replayed != 0 {
					t.Errorf("%d letters can be received, %d are said to be left, %d replayed; want the letter in the queue",
						w.queues[east].visible(), report.Left(), report.Regions[0].Replayed)
				}
				if a, b := w.functions[asia].invocations(), w.functions[west].invocations(); a != 1 || b != 1 {
					t.Errorf("%d and %d invocations, want one each: one's failure keeps no other from its copy", a, b)
				}

				for _, region := range failing {
					w.functions[region].run = nil
				}
				if report := w.run(t, t.Context()); outcomes(report) != east+" replayed" || w.queues[east].left() != 0 {
					t.Errorf("after the repair: got %s, %d left", outcomes(report), w.queues[east].left())
				}
			})
		})
	}
}

// TestFailedRequestGoesFirst has one function of a dead letter that fails and another
// that cannot be invoked. The request that failed is what the dead letter says: it is
// to be fixed first, and ends the run with exit code 1.
func TestFailedRequestGoesFirst(t *testing.T) {
	for name, regions := range map[string]struct{ fails, denied string }{"before it": {asia, west}, "behind it": {west, asia}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.queues[east].put(notice(topicARN, subscriptionARN))
				w.functions[regions.fails].run = func(context.Context, string) error { return errThrown }
				w.functions[regions.denied].run = func(context.Context, string) error {
					return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
				}
				report := w.run(t, t.Context())
				r := report.Regions[0].Results[0]
				if r.Outcome != redrive.NotInvoked || !awsapi.Hopeless(r.Err) || !strings.Contains(r.Detail, "region "+regions.denied) {
					t.Errorf("got %s: %s, want it not invoked in %s", r.Outcome, r.Detail, regions.denied)
				}
				if report.Err() == nil || w.queues[east].visible() != 1 {
					t.Errorf("got %v and %d letters, want an error and the letter", report.Err(), w.queues[east].visible())
				}
			})
		})
	}
}

// TestTopicIsAskedAgainAfterAnError has SNS refuse once to list a topic's
// subscriptions. The next dead letter asks again.
func TestTopicIsAskedAgainAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.options.Parallel = 1
		topic := w.topics[east]
		topic.subscriptions = []snstypes.Subscription{
			{SubscriptionArn: aws.String(subscriptionARN), Endpoint: aws.String(functionARN(west))},
		}
		topic.once = &smithy.GenericAPIError{Code: "InternalError", Message: "later"}
		for range 3 {
			w.queues[east].put(notice(topicARN, subscriptionARN))
		}
		report := w.run(t, t.Context())
		got, want := outcomes(report), strings.Join([]string{east + " not-invoked", east + " replayed", east + " replayed"}, ", ")
		if got != want || topic.calls != 2 {
			t.Errorf("got %s after %d requests, want %s after 2", got, topic.calls, want)
		}
	})
}
