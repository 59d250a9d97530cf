package sns

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// pageSize is how many topics or subscriptions a list operation returns at once.
const pageSize = 100

type entry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type attributesResult struct {
	Entries []entry `xml:"Attributes>entry"`
}

func attributes(values map[string]string) attributesResult {
	var r attributesResult
	for _, name := range slices.Sorted(maps.Keys(values)) {
		r.Entries = append(r.Entries, entry{name, values[name]})
	}
	return r
}

func (s *Service) servePublish(r request) (any, error) {
	topicARN := r.form.Get("TopicArn")
	if topicARN == "" {
		topicARN = r.form.Get("TargetArn")
	}
	s.mu.Lock()
	_, err := s.topicOf(r, topicARN, "sns:Publish")
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	id, err := s.Publish(r.Context(), r.caller, topicARN, r.form.Get("Subject"), r.form.Get("Message"))
	if err != nil {
		return nil, err
	}
	return struct{ MessageId string }{id}, nil
}

func (s *Service) serveSubscribe(r request) (any, error) {
	c := SubscriptionConfig{TopicARN: r.form.Get("TopicArn"), Protocol: r.form.Get("Protocol"), Endpoint: r.form.Get("Endpoint")}
	for i := 1; ; i++ {
		name := r.form.Get(fmt.Sprintf("Attributes.entry.%d.key", i))
		if name == "" {
			break
		}
		value := r.form.Get(fmt.Sprintf("Attributes.entry.%d.value", i))
		switch name {
		case "FilterPolicy":
			c.FilterPolicy = json.RawMessage(value)
		case "FilterPolicyScope":
			c.FilterPolicyScope = value
		case "RedrivePolicy":
			c.RedrivePolicy = json.RawMessage(value)
		case "RawMessageDelivery":
			c.RawMessageDelivery = value == "true"
		case "DeliveryPolicy":
			c.DeliveryPolicy = json.RawMessage(value)
		case "SubscriptionRoleArn":
			c.SubscriptionRoleARN = value
		default:
			return nil, invalid("Attributes Reason: the sandbox's SNS does not support %s", name)
		}
	}
	s.mu.Lock()
	_, err := s.topicOf(r, c.TopicARN, "sns:Subscribe")
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	sub, err := s.subscribe(r.region, c)
	if err != nil {
		return nil, err
	}
	return struct{ SubscriptionArn string }{sub.arn}, nil
}

func (s *Service) unsubscribe(r request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, t, err := s.subscriptionOf(r, "sns:Unsubscribe")
	if err != nil {
		return nil, err
	}
	s.remove(t, sub)
	return nil, nil
}

func (s *Service) listTopics(r request) (any, error) {
	if err := s.authorize(r.caller, "sns:ListTopics", s.everything(r), nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var arns []string
	for _, t := range s.topics {
		if t.region == r.region {
			arns = append(arns, t.arn)
		}
	}
	slices.Sort(arns)
	arns, next, err := page(arns, r.form.Get("NextToken"))
	if err != nil {
		return nil, err
	}
	type member struct{ TopicArn string }
	members := make([]member, 0, len(arns))
	for _, a := range arns {
		members = append(members, member{a})
	}
	return struct {
		Topics    []member `xml:"Topics>member"`
		NextToken string   `xml:",omitempty"`
	}{members, next}, nil
}

// subscriptionMember is a subscription in a list.
type subscriptionMember struct {
	SubscriptionArn string
	Owner           string
	Protocol        string
	Endpoint        string
	TopicArn        string
}

type subscriptionsResult struct {
	Subscriptions []subscriptionMember `xml:"Subscriptions>member"`
	NextToken     string               `xml:",omitempty"`
}

func (s *Service) subscriptionPage(list []*subscription, token string) (any, error) {
	list, next, err := page(list, token)
	if err != nil {
		return nil, err
	}
	result := subscriptionsResult{NextToken: next}
	for _, sub := range list {
		result.Subscriptions = append(result.Subscriptions, subscriptionMember{
			SubscriptionArn: sub.arn, Owner: s.cfg.AccountID, Protocol: sub.protocol, Endpoint: sub.endpoint, TopicArn: sub.topicARN,
		})
	}
	return result, nil
}

func (s *Service) listSubscriptions(r request) (any, error) {
	if err := s.authorize(r.caller, "sns:ListSubscriptions", s.everything(r), nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*subscription
	for _, arn := range slices.Sorted(maps.Keys(s.topics)) {
		if t := s.topics[arn]; t.region == r.region {
			list = append(list, t.subscriptions...)
		}
	}
	return s.subscriptionPage(list, r.form.Get("NextToken"))
}

func (s *Service) listSubscriptionsByTopic(r request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topicOf(r, r.form.Get("TopicArn"), "sns:ListSubscriptionsByTopic")
	if err != nil {
		return nil, err
	}
	return s.subscriptionPage(t.subscriptions, r.form.Get("NextToken"))
}

func (s *Service) getTopicAttributes(r request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topicOf(r, r.form.Get("TopicArn"), "sns:GetTopicAttributes")
	if err != nil {
		return nil, err
	}
	values := map[string]string{
		"TopicArn": t.arn, "Owner": s.cfg.AccountID, "DisplayName": t.DisplayName,
		"SubscriptionsConfirmed": strconv.Itoa(len(t.subscriptions)),
		"SubscriptionsPending":   "0", "SubscriptionsDeleted": "0",
	}
	if t.KeyARN != "" {
		values["KmsMasterKeyId"] = t.KeyARN
	}
	if t.policy != nil {
		values["Policy"] = t.policy.Text()
	}
	return attributes(values), nil
}

func (s *Service) getSubscriptionAttributes(r request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, _, err := s.subscriptionOf(r, "sns:GetSubscriptionAttributes")
	if err != nil {
		return nil, err
	}
	values := map[string]string{
		"SubscriptionArn": sub.arn, "TopicArn": sub.topicARN, "Owner": s.cfg.AccountID,
		"Protocol": sub.protocol, "Endpoint": sub.endpoint, "RawMessageDelivery": "false",
		"PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true",
	}
	if sub.filterPolicy != "" {
		values["FilterPolicy"], values["FilterPolicyScope"] = sub.filterPolicy, sub.filterScope
	}
	if sub.redrivePolicy != "" {
		values["RedrivePolicy"] = sub.redrivePolicy
	}
	return attributes(values), nil
}

func (s *Service) setSubscriptionAttributes(r request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, _, err := s.subscriptionOf(r, "sns:SetSubscriptionAttributes")
	if err != nil {
		return nil, err
	}
	value := r.form.Get("AttributeValue")
	switch name := r.form.Get("AttributeName"); name {
	case "FilterPolicy":
		// An empty object removes the filter
		// (https://docs.aws.amazon.com/sns/latest/dg/message-filtering-apply.html).
		if strings.Join(strings.Fields(value), "") == "{}" {
			value = ""
		}
		return nil, sub.setFilter(value, sub.filterScope)
	case "FilterPolicyScope":
		return nil, sub.setFilter(sub.filterPolicy, value)
	case "RedrivePolicy":
		return nil, s.setRedrive(sub, value)
	default:
		return nil, invalid(
			"AttributeName Reason: the sandbox's SNS does not support %q; it has FilterPolicy, FilterPolicyScope and RedrivePolicy",
			name,
		)
	}
}

// everything is the resource of operations on all of a Region's resources.
func (s *Service) everything(r request) string {
	return fmt.Sprintf("arn:%s:sns:%s:%s:*", s.cfg.Partition, r.region, s.cfg.AccountID)
}

// page cuts a list at pageSize. The token is the position to go on at.
func page[T any](list []T, token string) (part []T, next string, err error) {
	start := 0
	if token != "" {
		if start, err = strconv.Atoi(token); err != nil || start < 0 || start > len(list) {
			return nil, "", invalid("NextToken Reason: %q is not one that a list returned", token)
		}
	}
	end := min(start+pageSize, len(list))
	if end < len(list) {
		next = strconv.Itoa(end)
	}
	return list[start:end], next, nil
}
