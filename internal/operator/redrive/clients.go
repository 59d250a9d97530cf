package redrive

import (
	"cmp"
	"context"
	"errors"
	"net"
	"s3fanout/internal/aws/awsapi"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// invokeTime bounds one invocation: a function runs for at most 15 minutes.
const invokeTime = 15*time.Minute + 30*time.Second

// NewClients makes the clients of each Region from the SDK's configuration, with
// time limits and retries that suit a redrive of parallel dead letters at once; 0
// means DefaultParallel.
func NewClients(config aws.Config, regions []string, parallel int) map[string]Clients {
	parallel = cmp.Or(parallel, DefaultParallel)
	short, long := awsapi.HTTPClient(config, awsapi.RequestTime, parallel), awsapi.HTTPClient(config, invokeTime, parallel)
	clients := make(map[string]Clients, len(regions))
	for _, region := range regions {
		clients[region] = Clients{
			SQS: receiver{
				Client: sqs.NewFromConfig(config, func(o *sqs.Options) {
					o.Region, o.HTTPClient = region, short
				}),
				retryer: onceRetryer(retry.DefaultThrottleErrorCodes), first: awsapi.First(config),
			},
			SNS: sns.NewFromConfig(config, func(o *sns.Options) {
				o.Region, o.HTTPClient = region, short
			}),
			Lambda: lambda.NewFromConfig(config, func(o *lambda.Options) {
				o.Region, o.HTTPClient = region, long
				o.Retryer = invokeRetryer()
			}),
		}
	}
	return clients
}

// receiver is an SQS client that does not repeat a ReceiveMessage whose answer
// was lost. The dead letters in it are invisible by then; asked again, an SQS that has
// no others says that there are none, and so would the run.
type receiver struct {
	*sqs.Client
	retryer aws.Retryer
	first   aws.Config // of the run's first request to a Region
}

// GetQueueUrl is that of *sqs.Client.
func (c receiver) GetQueueUrl(
	ctx context.Context, in *sqs.GetQueueUrlInput, options ...func(*sqs.Options),
) (*sqs.GetQueueUrlOutput, error) {
	return c.Client.GetQueueUrl(ctx, in, append(options, func(o *sqs.Options) {
		o.HTTPClient, o.RetryMaxAttempts = c.first.HTTPClient, c.first.RetryMaxAttempts
	})...)
}

// ReceiveMessage is that of *sqs.Client.
func (c receiver) ReceiveMessage(
	ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options),
) (*sqs.ReceiveMessageOutput, error) {
	return c.Client.ReceiveMessage(ctx, in, append(options, func(o *sqs.Options) { o.Retryer = c.retryer })...)
}

// invokeRetryer repeats an invocation only if the function was certainly not
// started: Lambda was busy, or there was no connection. Repeating would be
// harmless, but a function that runs for minutes should not run twice because
// a connection was lost.
func invokeRetryer() aws.Retryer {
	return onceRetryer(map[string]struct{}{
		"TooManyRequestsException":  {},
		"ThrottlingException":       {},
		"EC2ThrottledException":     {},
		"ResourceConflictException": {},
	})
}

// onceRetryer repeats a request only if it was certainly not carried out:
// there was no connection, or it was refused with one of the codes.
func onceRetryer(codes map[string]struct{}) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 5
		o.Retryables = []retry.IsErrorRetryable{
			retry.NoRetryCanceledError{},
			retry.RetryableErrorCode{Codes: codes},
			retry.IsErrorRetryableFunc(notConnected),
		}
	})
}

func notConnected(err error) aws.Ternary {
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" {
		return aws.TrueTernary
	}
	return aws.FalseTernary
}
