package health

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/replicaset"
)

func (g gatherer) topic(ctx context.Context) Look[Topic] {
	arn := g.member().TopicARN()
	out, err := g.clients.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
	if err != nil {
		return failed[Topic](g.region, "topic "+g.facts.Set.TopicName(), err)
	}
	return found(Topic{Policy: out.Attributes["Policy"], Key: out.Attributes["KmsMasterKeyId"]})
}

func (g gatherer) subscriptions(ctx context.Context) Look[[]Subscription] {
	arn := g.member().TopicARN()
	var list []Subscription
	pages := sns.NewListSubscriptionsByTopicPaginator(g.clients.SNS, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failed[[]Subscription](g.region, "topic "+g.facts.Set.TopicName(), err)
		}
		for _, s := range page.Subscriptions {
			list = append(list, Subscription{
				ARN: aws.ToString(s.SubscriptionArn), Protocol: aws.ToString(s.Protocol), Endpoint: aws.ToString(s.Endpoint),
				// SNS lists it with this in place of an ARN.
				Pending: aws.ToString(s.SubscriptionArn) == "PendingConfirmation",
			})
		}
	}
	var wait sync.WaitGroup
	for i := range list {
		if !list[i].Pending && g.isMember(list[i].Endpoint) {
			wait.Go(func() { g.settings(ctx, &list[i]) })
		}
	}
	wait.Wait()
	return found(list)
}

func (g gatherer) isMember(functionARN string) bool {
	return slices.ContainsFunc(g.facts.members(), func(m replicaset.Member) bool { return m.FunctionARN() == functionARN })
}

func (g gatherer) settings(ctx context.Context, s *Subscription) {
	out, err := g.clients.SNS.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: aws.String(s.ARN)})
	if err != nil {
		s.Settings = failed[SubscriptionSettings](g.region, "subscription "+s.ARN, err)
		if s.Settings.State == Absent {
			s.Settings.Why = "it was deleted in the meantime" // asked again, it is missing
		}
		return
	}
	s.Pending = out.Attributes["PendingConfirmation"] == "true"
	var redrive struct {
		DeadLetterTargetARN string `json:"deadLetterTargetArn"`
	}
	if text := out.Attributes["RedrivePolicy"]; text != "" {
		_ = json.Unmarshal([]byte(text), &redrive) // what cannot be read leads nowhere
	}
	s.Settings = found(SubscriptionSettings{
		FilterScope:   out.Attributes["FilterPolicyScope"],
		FilterPolicy:  out.Attributes["FilterPolicy"],
		DeadLettersTo: redrive.DeadLetterTargetARN,
	})
}

// LookAtQueue asks for a Region's dead-letter queue alone, with two requests.
func LookAtQueue(ctx context.Context, set replicaset.Config, region string, clients Clients) Look[Queue] {
	return gatherer{facts: &Facts{Set: set}, region: region, clients: clients}.queue(ctx)
}

func (g gatherer) queue(ctx context.Context) Look[Queue] {
	name := g.facts.Set.QueueName()
	what := "queue " + name
	url, err := g.clients.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return failed[Queue](g.region, what, err)
	}
	out, err := g.clients.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		return failed[Queue](g.region, what, err)
	}
	q := Queue{
		Policy: out.Attributes[string(sqstypes.QueueAttributeNamePolicy)],
		Key:    out.Attributes[string(sqstypes.QueueAttributeNameKmsMasterKeyId)],
	}
	q.Unencrypted = q.Key == "" && out.Attributes[string(sqstypes.QueueAttributeNameSqsManagedSseEnabled)] == "false"
	for attribute, add := range map[sqstypes.QueueAttributeName]*int{
		sqstypes.QueueAttributeNameMessageRetentionPeriod:                &q.RetentionSeconds,
		sqstypes.QueueAttributeNameApproximateNumberOfMessages:           &q.Letters,
		sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &q.Letters,
		sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed:    &q.Letters,
	} {
		n, err := strconv.Atoi(out.Attributes[string(attribute)])
		if err != nil {
			return Look[Queue]{Why: what + " does not say its " + string(attribute)}
		}
		*add += n
		if attribute == sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible {
			q.Held = n
		}
	}
	return found(q)
}
