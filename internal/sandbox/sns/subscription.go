package sns

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"s3fanout/internal/sandbox/filterpolicy"
)

// Values of FilterPolicyScope.
const (
	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
)

// SubscriptionConfig describes a subscription.
type SubscriptionConfig struct {
	TopicARN            string
	Protocol            string          // "lambda"
	Endpoint            string          // ARN of the function, in any Region
	FilterPolicy        json.RawMessage // empty for none
	FilterPolicyScope   string          // MessageAttributes (the default) or MessageBody
	RedrivePolicy       json.RawMessage // {"deadLetterTargetArn":…}, empty for none
	RawMessageDelivery  bool            // refused: Lambda has no raw delivery
	DeliveryPolicy      json.RawMessage // refused: for HTTP endpoints only
	SubscriptionRoleARN string          // refused: for Firehose only
}

// subscription is a subscription's state.
type subscription struct {
	arn, topicARN, protocol, endpoint string

	filterPolicy    string // as given, empty for none
	filterScope     string
	filter          *filterpolicy.Policy // nil: everything is delivered
	redrivePolicy   string               // as given, empty for none
	deadLetterQueue string               // ARN, or empty
}

// sameAs tells whether two subscriptions would do the same.
func (sub *subscription) sameAs(o *subscription) bool {
	return sub.protocol == o.protocol && sub.endpoint == o.endpoint &&
		sub.filterPolicy == o.filterPolicy && sub.filterScope == o.filterScope && sub.redrivePolicy == o.redrivePolicy
}

// Subscribe subscribes a function to a topic in region, the topic's own. As in
// SNS, neither the function nor its permission has to exist yet; the dead-letter
// queue has to, in the same Region and account. The same endpoint again is an
// error if its attributes differ; otherwise its subscription is returned.
func (s *Service) Subscribe(region string, c SubscriptionConfig) (subscriptionARN string, err error) {
	sub, err := s.subscribe(region, c)
	if err != nil {
		return "", fmt.Errorf("subscribe %s to %s: %w", c.Endpoint, c.TopicARN, err)
	}
	return sub.arn, nil
}

func (s *Service) subscribe(region string, c SubscriptionConfig) (*subscription, error) {
	topicARN, err := arn.Parse(c.TopicARN)
	if err != nil {
		return nil, invalid("TopicArn Reason: %q is no ARN", c.TopicARN)
	}
	if topicARN.Region != region {
		return nil, invalid("TopicArn Reason: the topic is in %s; subscribe there and not in %s", topicARN.Region, region)
	}
	if err := c.checkEndpoint(s.cfg.Partition); err != nil {
		return nil, err
	}
	sub := &subscription{topicARN: c.TopicARN, protocol: c.Protocol, endpoint: c.Endpoint}
	if err := sub.setFilter(string(c.FilterPolicy), c.FilterPolicyScope); err != nil {
		return nil, err
	}
	if err := s.setRedrive(sub, string(c.RedrivePolicy)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[c.TopicARN]
	if t == nil {
		return nil, errNoTopic()
	}
	if i := slices.IndexFunc(t.subscriptions, func(o *subscription) bool { return o.endpoint == c.Endpoint }); i >= 0 {
		if have := t.subscriptions[i]; have.sameAs(sub) {
			return have, nil
		}
		return nil, invalid("Attributes Reason: Subscription already exists with different attributes")
	}
	sub.arn = t.arn + ":" + newID()
	t.subscriptions = append(t.subscriptions, sub)
	s.subscriptions[sub.arn] = sub
	return sub, nil
}

func (c SubscriptionConfig) checkEndpoint(partition string) error {
	switch {
	case c.Protocol != "lambda":
		return invalid("Protocol Reason: the sandbox's SNS delivers to lambda only, not to %q", c.Protocol)
	case c.RawMessageDelivery:
		return invalid("Attributes Reason: RawMessageDelivery: Delivery protocol [lambda] does not support raw message delivery.")
	case len(c.DeliveryPolicy) > 0:
		return invalid("Attributes Reason: DeliveryPolicy: Delivery protocol [lambda] does not support a delivery policy")
	case c.SubscriptionRoleARN != "":
		return invalid("Attributes Reason: SubscriptionRoleArn: Delivery protocol [lambda] does not support a role")
	}
	a, err := arn.Parse(c.Endpoint)
	if err != nil || a.Partition != partition || a.Service != "lambda" || a.Region == "" ||
		!regexp.MustCompile(`^\d{12}$`).MatchString(a.AccountID) ||
		!regexp.MustCompile(`^function:[A-Za-z0-9_-]{1,64}(:(\$LATEST|[A-Za-z0-9_-]+))?$`).MatchString(a.Resource) {
		return invalid("Endpoint Reason: Lambda endpoint ARN %q is not a function's", c.Endpoint)
	}
	return nil
}

// setFilter parses a filter policy; an empty one removes the filter.
func (sub *subscription) setFilter(policy, scope string) error {
	if scope == "" {
		scope = scopeAttributes
	}
	if scope != scopeAttributes && scope != scopeBody {
		return invalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", scope)
	}
	var parsed *filterpolicy.Policy
	if policy != "" {
		var err error
		if parsed, err = filterpolicy.Parse([]byte(policy), scope); err != nil {
			e := invalid("FilterPolicy: %v", err)
			e.cause = err
			return e
		}
	}
	sub.filterPolicy, sub.filterScope, sub.filter = policy, scope, parsed
	return nil
}

// matches tells whether the filter lets a message through. Messages have no
// attributes here, so that a filter on them sees none.
func (sub *subscription) matches(message string) bool {
	switch {
	case sub.filter == nil:
		return true
	case sub.filterScope == scopeBody:
		return sub.filter.MatchBody([]byte(message))
	}
	return sub.filter.MatchAttributes(nil)
}

// setRedrive parses a redrive policy and checks its queue
// (https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html).
func (s *Service) setRedrive(sub *subscription, policy string) error {
	if policy == "" {
		sub.redrivePolicy, sub.deadLetterQueue = "", ""
		return nil
	}
	var p struct {
		DeadLetterTargetARN string `json:"deadLetterTargetArn"`
	}
	d := json.NewDecoder(strings.NewReader(policy))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return invalid("RedrivePolicy: invalid JSON. Attribute %s is unknown.", strings.Trim(name, `"`))
		}
		return invalid("RedrivePolicy: failed to parse JSON. %v", err)
	}
	topic, err := arn.Parse(sub.topicARN)
	if err != nil {
		return invalid("TopicArn")
	}
	queue, err := arn.Parse(p.DeadLetterTargetARN)
	switch {
	case err != nil || queue.Service != "sqs":
		return invalid("RedrivePolicy: deadLetterTargetArn %q is not an SQS queue's ARN", p.DeadLetterTargetARN)
	case queue.Region != topic.Region || queue.AccountID != topic.AccountID:
		return invalid("RedrivePolicy: the dead-letter queue %s is not in the topic's Region and account, %s and %s",
			p.DeadLetterTargetARN, topic.Region, topic.AccountID)
	case !s.cfg.Queues.Exists(p.DeadLetterTargetARN):
		return invalid("RedrivePolicy: the dead-letter queue %s does not exist", p.DeadLetterTargetARN)
	}
	sub.redrivePolicy, sub.deadLetterQueue = policy, p.DeadLetterTargetARN
	return nil
}

// UpdateSubscription gives a subscription other attributes. Topic, protocol
// and endpoint stay as they are: in AWS another one is another subscription.
// Deliveries that have begun go on as they began. On AWS a changed filter takes
// up to 15 minutes
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html), here
// it is the next message's.
func (s *Service) UpdateSubscription(subscriptionARN string, c SubscriptionConfig) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subscriptions[subscriptionARN]
	if sub == nil {
		return fmt.Errorf("update subscription %s: %w", subscriptionARN, errNoSubscription())
	}
	changed := *sub
	if err := c.checkEndpoint(s.cfg.Partition); err != nil {
		return fmt.Errorf("update subscription %s: %w", subscriptionARN, err)
	}
	if err := changed.setFilter(string(c.FilterPolicy), c.FilterPolicyScope); err != nil {
		return fmt.Errorf("update subscription %s: %w", subscriptionARN, err)
	}
	if err := s.setRedrive(&changed, string(c.RedrivePolicy)); err != nil {
		return fmt.Errorf("update subscription %s: %w", subscriptionARN, err)
	}
	*sub = changed
	return nil
}

// Subscription returns a subscription's attributes as they are now.
func (s *Service) Subscription(subscriptionARN string) (c SubscriptionConfig, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subscriptions[subscriptionARN]
	if sub == nil {
		return c, false
	}
	return SubscriptionConfig{
		TopicARN: sub.topicARN, Protocol: sub.protocol, Endpoint: sub.endpoint,
		FilterPolicy: json.RawMessage(
			sub.filterPolicy,
		), FilterPolicyScope: sub.filterScope, RedrivePolicy: json.RawMessage(sub.redrivePolicy),
	}, true
}

// Unsubscribe ends a subscription, if there is one of that ARN. Deliveries that
// have begun go on.
func (s *Service) Unsubscribe(subscriptionARN string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub := s.subscriptions[subscriptionARN]; sub != nil {
		s.remove(s.topics[sub.topicARN], sub)
	}
}

// remove takes a subscription from its topic. s.mu is held.
func (s *Service) remove(t *topic, sub *subscription) {
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(o *subscription) bool { return o == sub })
	delete(s.subscriptions, sub.arn)
}
