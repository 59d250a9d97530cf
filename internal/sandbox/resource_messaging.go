package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/sns"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/template"
)

type topicProperties struct {
	TopicName      string
	DisplayName    string
	KmsMasterKeyId string
	Tags           []tag // nothing here looks at them
}

func (d *deployment) readTopic(t target, raw json.RawMessage) (c sns.TopicConfig, err error) {
	var p topicProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return c, err
	}
	c.Name, c.DisplayName = p.TopicName, p.DisplayName
	c.KeyARN, err = d.keyARN(t, "KmsMasterKeyId", p.KmsMasterKeyId)
	return c, err
}

func makeTopic(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	c, err := d.readTopic(t, raw)
	if err != nil {
		return template.Created{}, err
	}
	if c.Name == "" {
		c.Name = physicalName(t)
	}
	arn, err := d.sns.CreateTopic(t.region, c)
	if err != nil {
		return template.Created{}, err
	}
	d.note(t.region, func(r *RegionState) {
		if r.TopicARN == "" { // the replica set's topic is the one that its bucket notifies
			r.TopicARN = arn
		}
	})
	return template.Created{Ref: arn, Attributes: map[string]string{"TopicArn": arn, "TopicName": c.Name}}, nil
}

func updateTopic(_ context.Context, d *deployment, t target, old resource, raw json.RawMessage) error {
	c, err := d.readTopic(t, raw)
	if err != nil {
		return err
	}
	return d.sns.UpdateTopic(old.created.Ref, c)
}

func removeTopic(_ context.Context, d *deployment, t target, old resource) error {
	d.sns.DeleteTopic(old.created.Ref)
	d.note(t.region, func(r *RegionState) {
		if r.TopicARN == old.created.Ref {
			r.TopicARN = ""
		}
	})
	return nil
}

type topicPolicyProperties struct {
	Topics         []string
	PolicyDocument json.RawMessage
}

func makeTopicPolicy(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	return template.Created{Ref: physicalName(t)}, d.putTopicPolicy(raw)
}

func updateTopicPolicy(_ context.Context, d *deployment, _ target, _ resource, raw json.RawMessage) error {
	return d.putTopicPolicy(raw)
}

func (d *deployment) putTopicPolicy(raw json.RawMessage) error {
	var p topicPolicyProperties
	document, err := decodeWithPolicy(raw, &p, &p.PolicyDocument)
	if err != nil {
		return err
	}
	return d.setTopicPolicy(p.Topics, document)
}

func (d *deployment) setTopicPolicy(topics []string, document *iam.Document) error {
	for _, topic := range topics {
		if err := d.sns.SetTopicPolicy(topic, document); err != nil {
			return err
		}
	}
	return nil
}

func removeTopicPolicy(_ context.Context, d *deployment, _ target, old resource) error {
	var p topicPolicyProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return err
	}
	return d.setTopicPolicy(p.Topics, nil)
}

type subscriptionProperties struct {
	TopicArn           string
	Protocol           string
	Endpoint           string
	FilterPolicy       json.RawMessage
	FilterPolicyScope  string
	RawMessageDelivery bool
	RedrivePolicy      json.RawMessage
}

// unconfirmed stands for the ARN of a subscription by mail: nobody confirms it
// here, so nothing is delivered to it.
const unconfirmed = "PendingConfirmation"

func readSubscription(raw json.RawMessage) (sns.SubscriptionConfig, error) {
	var p subscriptionProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return sns.SubscriptionConfig{}, err
	}
	return sns.SubscriptionConfig{
		TopicARN: p.TopicArn, Protocol: p.Protocol, Endpoint: p.Endpoint, RawMessageDelivery: p.RawMessageDelivery,
		FilterPolicy: p.FilterPolicy, FilterPolicyScope: p.FilterPolicyScope, RedrivePolicy: p.RedrivePolicy,
	}, nil
}

func makeSubscription(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	c, err := readSubscription(raw)
	if err != nil {
		return template.Created{}, err
	}
	if c.Protocol == "email" {
		return template.Created{Ref: unconfirmed}, nil
	}
	arn, err := d.sns.Subscribe(t.region, c)
	if err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: arn, Attributes: map[string]string{"Arn": arn}}, nil
}

func updateSubscription(_ context.Context, d *deployment, _ target, old resource, raw json.RawMessage) error {
	c, err := readSubscription(raw)
	if err != nil || old.created.Ref == unconfirmed {
		return err
	}
	return d.sns.UpdateSubscription(old.created.Ref, c)
}

func removeSubscription(_ context.Context, d *deployment, _ target, old resource) error {
	if old.created.Ref == unconfirmed {
		return nil
	}
	d.sns.Unsubscribe(old.created.Ref)
	return nil
}

type queueProperties struct {
	KmsMasterKeyId         string
	QueueName              string
	MessageRetentionPeriod int   // seconds
	VisibilityTimeout      *int  // seconds
	SqsManagedSseEnabled   *bool // encryption at rest: nothing here could tell, but it is shown
	Tags                   []tag
}

func (d *deployment) readQueue(t target, raw json.RawMessage) (c sqs.QueueConfig, err error) {
	var p queueProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return c, err
	}
	c = sqs.QueueConfig{Name: p.QueueName, MessageRetention: time.Duration(p.MessageRetentionPeriod) * time.Second}
	c.Unencrypted = p.SqsManagedSseEnabled != nil && !*p.SqsManagedSseEnabled
	if p.VisibilityTimeout != nil {
		v := time.Duration(*p.VisibilityTimeout) * time.Second
		c.VisibilityTimeout = &v
	}
	c.KeyARN, err = d.keyARN(t, "KmsMasterKeyId", p.KmsMasterKeyId)
	return c, err
}

func makeQueue(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	c, err := d.readQueue(t, raw)
	if err != nil {
		return template.Created{}, err
	}
	if c.Name == "" {
		c.Name = physicalName(t)
	}
	arn, url, err := d.sqs.CreateQueue(t.region, c)
	if err != nil {
		return template.Created{}, err
	}
	d.note(t.region, func(r *RegionState) {
		if r.DeadLetterQueueURL == "" { // until a function names its destination
			r.DeadLetterQueueURL = url
		}
	})
	return template.Created{Ref: url, Attributes: map[string]string{"Arn": arn, "QueueName": c.Name, "QueueUrl": url}}, nil
}

func updateQueue(_ context.Context, d *deployment, t target, old resource, raw json.RawMessage) error {
	c, err := d.readQueue(t, raw)
	if err != nil {
		return err
	}
	c.Name = old.created.Attributes["QueueName"]
	return d.sqs.UpdateQueue(t.region, old.created.Ref, c)
}

func removeQueue(_ context.Context, d *deployment, t target, old resource) error {
	d.sqs.DeleteQueue(t.region, old.created.Ref)
	d.note(t.region, func(r *RegionState) {
		if r.DeadLetterQueueURL == old.created.Ref {
			r.DeadLetterQueueURL = ""
		}
	})
	return nil
}

// queueURL returns the URL of a queue that a template made, by ARN.
func (d *deployment) queueURL(arn string) (string, bool) {
	for _, r := range d.resources {
		if r.kind == "AWS::SQS::Queue" && r.created.Attributes["Arn"] == arn {
			return r.created.Ref, true
		}
	}
	return "", false
}

type queuePolicyProperties struct {
	Queues         []string
	PolicyDocument json.RawMessage
}

func makeQueuePolicy(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	return template.Created{Ref: physicalName(t)}, d.putQueuePolicy(t, raw)
}

func updateQueuePolicy(_ context.Context, d *deployment, t target, _ resource, raw json.RawMessage) error {
	return d.putQueuePolicy(t, raw)
}

func (d *deployment) putQueuePolicy(t target, raw json.RawMessage) error {
	var p queuePolicyProperties
	document, err := decodeWithPolicy(raw, &p, &p.PolicyDocument)
	if err != nil {
		return err
	}
	return d.setQueuePolicy(t, p.Queues, document)
}

func (d *deployment) setQueuePolicy(t target, queues []string, document *iam.Document) error {
	for _, queue := range queues {
		if err := d.sqs.SetPolicy(t.region, queue, document); err != nil {
			return fmt.Errorf("queue %s: %w", queue, err)
		}
	}
	return nil
}

func removeQueuePolicy(_ context.Context, d *deployment, t target, old resource) error {
	var p queuePolicyProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return err
	}
	return d.setQueuePolicy(t, p.Queues, nil)
}
