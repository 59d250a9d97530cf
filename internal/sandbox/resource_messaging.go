package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"s3fanout/internal/sandbox/sns"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/template"
)

func makeTopic(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		TopicName      string
		DisplayName    string
		KmsMasterKeyId string
		Tags           []tag // nothing here looks at them
	}
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	if p.TopicName == "" {
		p.TopicName = physicalName(t)
	}
	key, err := d.keyARN(t, "KmsMasterKeyId", p.KmsMasterKeyId)
	if err != nil {
		return template.Created{}, err
	}
	arn, err := d.sns.CreateTopic(t.region, sns.TopicConfig{Name: p.TopicName, DisplayName: p.DisplayName, KeyARN: key})
	if err != nil {
		return template.Created{}, err
	}
	d.note(t.region, func(r *RegionState) { r.TopicARN = arn })
	return template.Created{Ref: arn, Attributes: map[string]string{"TopicArn": arn, "TopicName": p.TopicName}}, nil
}

func makeTopicPolicy(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		Topics         []string
		PolicyDocument json.RawMessage
	}
	document, err := decodeWithPolicy(raw, &p, &p.PolicyDocument)
	if err != nil {
		return template.Created{}, err
	}
	for _, topic := range p.Topics {
		if err := d.sns.SetTopicPolicy(topic, document); err != nil {
			return template.Created{}, err
		}
	}
	return template.Created{Ref: physicalName(t)}, nil
}

func makeSubscription(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		TopicArn           string
		Protocol           string
		Endpoint           string
		FilterPolicy       json.RawMessage
		FilterPolicyScope  string
		RawMessageDelivery bool
		RedrivePolicy      json.RawMessage
	}
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	arn, err := d.sns.Subscribe(t.region, sns.SubscriptionConfig{
		TopicARN: p.TopicArn, Protocol: p.Protocol, Endpoint: p.Endpoint, RawMessageDelivery: p.RawMessageDelivery,
		FilterPolicy: p.FilterPolicy, FilterPolicyScope: p.FilterPolicyScope, RedrivePolicy: p.RedrivePolicy,
	})
	if err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: arn, Attributes: map[string]string{"Arn": arn}}, nil
}

func makeQueue(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		KmsMasterKeyId         string
		QueueName              string
		MessageRetentionPeriod int   // seconds
		VisibilityTimeout      *int  // seconds
		SqsManagedSseEnabled   *bool // encryption at rest: nothing here could tell, but it is shown
		Tags                   []tag
	}
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	if p.QueueName == "" {
		p.QueueName = physicalName(t)
	}
	c := sqs.QueueConfig{Name: p.QueueName, MessageRetention: time.Duration(p.MessageRetentionPeriod) * time.Second}
	c.Unencrypted = p.SqsManagedSseEnabled != nil && !*p.SqsManagedSseEnabled
	if p.VisibilityTimeout != nil {
		v := time.Duration(*p.VisibilityTimeout) * time.Second
		c.VisibilityTimeout = &v
	}
	var err error
	if c.KeyARN, err = d.keyARN(t, "KmsMasterKeyId", p.KmsMasterKeyId); err != nil {
		return template.Created{}, err
	}
	arn, url, err := d.sqs.CreateQueue(t.region, c)
	if err != nil {
		return template.Created{}, err
	}
	d.queueURLs[arn] = url
	d.note(t.region, func(r *RegionState) {
		if r.DeadLetterQueueURL == "" { // until a function names its destination
			r.DeadLetterQueueURL = url
		}
	})
	return template.Created{Ref: url, Attributes: map[string]string{"Arn": arn, "QueueName": p.QueueName, "QueueUrl": url}}, nil
}

func makeQueuePolicy(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	var p struct {
		Queues         []string
		PolicyDocument json.RawMessage
	}
	document, err := decodeWithPolicy(raw, &p, &p.PolicyDocument)
	if err != nil {
		return template.Created{}, err
	}
	for _, queue := range p.Queues {
		if err := d.sqs.SetPolicy(t.region, queue, document); err != nil {
			return template.Created{}, fmt.Errorf("queue %s: %w", queue, err)
		}
	}
	return template.Created{Ref: physicalName(t)}, nil
}
