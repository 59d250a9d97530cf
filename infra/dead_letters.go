package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// deadLetterSeconds is how long a dead letter waits to be replayed: 14 days,
// the most that SQS offers.
const deadLetterSeconds = 14 * 24 * 60 * 60

// deadLettersProps configure newDeadLetters.
type deadLettersProps struct {
	Site site    // required
	Key  *string // ARN of the KMS key that encrypts dead letters; nil for SQS's own
}

// newDeadLetters makes the queue for what the Region's function could not copy
// and what the Region's topic could not deliver. SNS may send for the Region's
// own topic only; the function sends with its role. Everybody else is denied,
// whatever the account's own policies let him do: a replay invokes functions
// with what lies here.
//
// Unlike the bucket, the queue goes with its stack. What it holds can be found
// again by comparing the buckets, and a queue left behind would keep its name
// from the next deployment.
func newDeadLetters(scope constructs.Construct, id string, props deadLettersProps) awssqs.CfnQueue {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	queueProps := &awssqs.CfnQueueProps{
		QueueName:              jsii.String(here.QueueName()),
		MessageRetentionPeriod: jsii.Number(deadLetterSeconds),
		KmsMasterKeyId:         optionalAny(props.Key),
	}
	if props.Key == nil {
		queueProps.SqsManagedSseEnabled = jsii.Bool(true)
	}
	queue := awssqs.NewCfnQueue(this, jsii.String("Default"), queueProps)
	awssqs.NewCfnQueuePolicy(this, jsii.String("Policy"), &awssqs.CfnQueuePolicyProps{
		Queues: &[]*string{queue.Ref()},
		PolicyDocument: policyDocument(
			statement{
				sid:       "TopicSendsUndelivered",
				principal: service("sns.amazonaws.com"),
				actions:   []string{"sqs:SendMessage"},
				resources: []string{*queue.AttrArn()},
				condition: map[string]any{
					"ArnEquals": map[string]any{"aws:SourceArn": here.TopicARN()},
				},
			},
			statement{
				sid:       "OnlyFunctionAndTopicSend",
				deny:      true,
				principal: "*",
				actions:   []string{"sqs:SendMessage"},
				resources: []string{*queue.AttrArn()},
				// Both have to differ. A role has no source, and SNS no principal's
				// ARN, which counts as different.
				condition: map[string]any{"ArnNotEquals": map[string]any{
					"aws:PrincipalArn": here.RoleARN(),
					"aws:SourceArn":    here.TopicARN(),
				}},
			},
			tlsOnly("sqs:*", *queue.AttrArn()),
		),
	})
	return queue
}
