package redrive_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/redrive"
)

func TestRequestErrors(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "User x is not authorized"}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	tests := []struct {
		name  string
		spoil func(*world)
		class error
		says  []string
	}{
		{"no queue", func(w *world) { w.queues[west].errs["GetQueueUrl"] = &types.QueueDoesNotExist{} }, awsapi.ErrMissing,
			[]string{"region eu-west-1: queue media-dead-letters does not exist; deploy the stacks or check the name in cdk.json"}},
		{"no queue by code", func(w *world) {
			w.queues[west].errs["GetQueueUrl"] = &smithy.GenericAPIError{Code: "AWS.SimpleQueueService.NonExistentQueue"}
		}, awsapi.ErrMissing, []string{"queue media-dead-letters does not exist"}},
		{"receive denied", func(w *world) { w.queues[west].errs["ReceiveMessage"] = denied }, awsapi.ErrDenied,
			[]string{"region eu-west-1", "sqs:ReceiveMessage", "media-dead-letters"}},
		{"attributes denied", func(w *world) { w.queues[west].errs["GetQueueAttributes"] = denied }, awsapi.ErrDenied,
			[]string{"sqs:GetQueueAttributes"}},
		{"release denied", func(w *world) {
			w.queues[west].errs["ChangeMessageVisibilityBatch"] = denied
			w.functions[west].run = func(context.Context, string) error { return errThrown }
		}, awsapi.ErrDenied, []string{"sqs:ChangeMessageVisibility", "visible again within 2 minutes"}},
		{"delete denied", func(w *world) { w.queues[west].errs["DeleteMessageBatch"] = denied }, awsapi.ErrDenied,
			[]string{"sqs:DeleteMessage"}},
		{"invoke denied", func(w *world) {
			w.functions[west].run = func(context.Context, string) error {
				return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
			}
		}, awsapi.ErrDenied, []string{"lambda:InvokeFunction on function media-replicator"}},
		{"no function", func(w *world) {
			w.functions[west].run = func(context.Context, string) error {
				return &smithy.GenericAPIError{Code: "ResourceNotFoundException", Message: "no"}
			}
		}, awsapi.ErrMissing, []string{"function media-replicator does not exist"}},
		{"wrong credentials", func(w *world) {
			w.queues[west].errs["GetQueueUrl"] = &smithy.GenericAPIError{Code: "InvalidClientTokenId", Message: "bad\ntoken"}
		}, awsapi.ErrCredentials, []string{"AWS_PROFILE"}},
		{"unreachable", func(w *world) { w.queues[west].errs["GetQueueUrl"] = refused }, awsapi.ErrUnreachable,
			[]string{"region eu-west-1", "connection refused"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				tt.spoil(w)
				for range 60 {
					w.queues[west].put(envelope("k", functionARN(west)))
				}
				w.queues[asia].put(envelope("k", functionARN(asia)))
				report := w.run(t, t.Context())
				err := report.Err()
				if !errors.Is(err, tt.class) {
					t.Fatalf("got %v, want %v", err, tt.class)
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("not one line: %q", err)
				}
				for _, s := range tt.says {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("got %q, want it to name %q", err, s)
					}
				}
				if w.queues[asia].left() != 0 {
					t.Error("the other Region was not worked on")
				}
				if got := w.queues[west].left(); got != 60 {
					t.Errorf("left: got %d, want 60", got)
				}
				// What cannot succeed is not tried for every dead letter.
				if got := w.functions[west].invocations(); got > 2*redrive.DefaultParallel && tt.name != "release denied" {
					t.Errorf("invocations: got %d for 60 letters that cannot succeed", got)
				}
			})
		})
	}
}

// TestOneFunctionMissing shows that dead letters for other functions go on.
func TestOneFunctionMissing(t *testing.T) {
	for _, code := range []string{"ResourceNotFoundException", "AccessDeniedException", "UnrecognizedClientException"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			gone := topicARN + ":gone"
			w.topics[east].subscriptions = []snstypes.Subscription{
				{SubscriptionArn: aws.String(subscriptionARN), Endpoint: aws.String(functionARN(west))},
				{SubscriptionArn: aws.String(gone), Endpoint: aws.String(functionARN(asia))},
			}
			w.functions[asia].run = func(context.Context, string) error {
				return &smithy.GenericAPIError{Code: code, Message: "no"}
			}
			w.options.Parallel = 2
			for range 10 {
				w.queues[east].put(notice(topicARN, gone))
				w.queues[east].put(notice(topicARN, subscriptionARN))
			}
			report := w.run(t, t.Context())
			if got := strings.Count(outcomes(report), string(redrive.Replayed)); got != 10 {
				t.Errorf("%s: replayed %d, want the 10 of the other function", code, got)
			}
			if got := strings.Count(outcomes(report), string(redrive.NotInvoked)); got != 10 || report.Left() != 10 {
				t.Errorf("%s: not invoked %d, left %d, want 10", code, got, report.Left())
			}
			if got := w.functions[asia].invocations(); got > w.options.Parallel {
				t.Errorf("%s: the function was asked %d times, without success", code, got)
			}
			err := report.Err()
			if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "region "+asia+": ") {
				t.Errorf("%s: got %v, want one error that names %s", code, err, asia)
			}
		})
	}
}

// TestSameErrorOnce shows that what all Regions have in common is said once.
func TestSameErrorOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for _, region := range []string{east, west} {
			w.queues[region].errs["GetQueueUrl"] = &smithy.GenericAPIError{Code: "InvalidClientTokenId", Message: "bad"}
		}
		w.queues[asia].errs["GetQueueUrl"] = &types.QueueDoesNotExist{}
		err := w.run(t, t.Context()).Err()
		if !errors.Is(err, awsapi.ErrCredentials) || !errors.Is(err, awsapi.ErrMissing) {
			t.Fatalf("got %v, want both classes", err)
		}
		want := "regions us-east-1, eu-west-1: AWS refused the credentials: InvalidClientTokenId: bad; check AWS_PROFILE or the " +
			"AWS_ACCESS_KEY_ID variables, renew them if they are temporary\n" +
			"region ap-northeast-1: queue media-dead-letters does not exist; deploy the stacks or check the name in cdk.json"
		if err.Error() != want {
			t.Errorf("got\n%s\nwant\n%s", err, want)
		}
	})
}

func TestTopicDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.topics[east].err = &smithy.GenericAPIError{Code: "AuthorizationError", Message: "no"}
		w.queues[east].put(notice(topicARN, subscriptionARN))
		report := w.run(t, t.Context())
		if err := report.Err(); !errors.Is(err, awsapi.ErrDenied) || !strings.Contains(err.Error(), "sns:ListSubscriptionsByTopic") {
			t.Errorf("got %v", err)
		}
		if w.queues[east].visible() != 1 {
			t.Error("the letter was not released")
		}
	})
}
