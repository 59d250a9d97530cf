package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/template"
)

// bucketProperties are the properties of AWS::S3::Bucket that the sandbox
// knows. Some have no effect but that S3 shows them, because nothing here could
// tell them from their absence: encryption at rest, ownership controls and
// public access blocks (there are neither ACLs nor anonymous callers), and the
// clean-up of uploads after days. Tags only have to be well formed.
type bucketProperties struct {
	BucketName              string
	BucketNamespace         string
	VersioningConfiguration *struct {
		Status string
	}
	NotificationConfiguration *struct {
		TopicConfigurations []struct {
			Topic string
			notification
		}
		QueueConfigurations []struct {
			Queue string
			notification
		}
		LambdaConfigurations []struct {
			Function string
			notification
		}
		EventBridgeConfiguration *struct{ EventBridgeEnabled bool }
	}
	BucketEncryption *struct {
		ServerSideEncryptionConfiguration []struct {
			BucketKeyEnabled              bool
			ServerSideEncryptionByDefault struct{ SSEAlgorithm, KMSMasterKeyID string }
		}
	}
	LifecycleConfiguration *struct {
		Rules []struct {
			ID                             string `json:"Id"`
			Status                         string
			ExpirationInDays               int
			AbortIncompleteMultipartUpload struct{ DaysAfterInitiation int }
		}
	}
	OwnershipControls *struct {
		Rules []struct{ ObjectOwnership string }
	}
	PublicAccessBlockConfiguration *struct {
		BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets bool
	}
	// Requests are not logged here.
	LoggingConfiguration *struct{ DestinationBucketName, LogFilePrefix string }
	Tags                 []tag
}

// notification is what a bucket tells a topic, a queue or a function.
type notification struct {
	Event  string
	Filter *struct {
		S3Key struct {
			Rules []struct{ Name, Value string }
		}
	}
}

type tag struct{ Key, Value string }

func (d *deployment) readBucket(t target, raw json.RawMessage) (c s3.BucketConfig, err error) {
	var p bucketProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return c, err
	}
	if c.Name = p.BucketName; c.Name == "" {
		c.Name = strings.ToLower(physicalName(t)) // as a bucket's has to be
	}
	if v := p.VersioningConfiguration; v != nil {
		switch v.Status {
		case "Enabled":
			c.Versioned = true
		case "Suspended": // of a new bucket: as if it had never been on
		default:
			return c, fmt.Errorf("property VersioningConfiguration.Status: %q is neither Enabled nor Suspended", v.Status)
		}
	}
	if err := p.checkNamespace(t, c.Name); err != nil {
		return c, err
	}
	if c.Encryption, err = p.encryption(d, t); err != nil {
		return c, err
	}
	if c.Notifications, err = p.notifications(); err != nil {
		return c, err
	}
	p.describe(&c)
	return c, nil
}

func (p bucketProperties) notifications() (all s3.Notifications, err error) {
	c := p.NotificationConfiguration
	if c == nil {
		return all, nil
	}
	add := func(destination string, n notification) {
		rule, failed := n.rule(destination)
		err = errors.Join(err, failed)
		all.Rules = append(all.Rules, rule)
	}
	for _, t := range c.TopicConfigurations {
		add(t.Topic, t.notification)
	}
	for _, q := range c.QueueConfigurations {
		add(q.Queue, q.notification)
	}
	for _, l := range c.LambdaConfigurations {
		add(l.Function, l.notification)
	}
	all.EventBridge = c.EventBridgeConfiguration != nil && c.EventBridgeConfiguration.EventBridgeEnabled
	return all, err
}

func (n notification) rule(destination string) (s3.NotificationRule, error) {
	rule := s3.NotificationRule{ARN: destination, Events: []string{n.Event}}
	if n.Filter == nil {
		return rule, nil
	}
	var prefix, suffix string
	for _, r := range n.Filter.S3Key.Rules {
		value, err := url.QueryUnescape(r.Value) // S3 wants it encoded
		if err != nil {
			return rule, fmt.Errorf("property NotificationConfiguration: filter value %q is not URL-encoded: %w", r.Value, err)
		}
		switch strings.ToLower(r.Name) {
		case "prefix":
			prefix = value
		case "suffix":
			suffix = value
		default:
			return rule, fmt.Errorf("property NotificationConfiguration: filter rule %q is neither prefix nor suffix", r.Name)
		}
	}
	rule.Filter = s3.KeyFilter(prefix, suffix)
	return rule, nil
}

func makeBucket(ctx context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	c, err := d.readBucket(t, raw)
	if err != nil {
		return template.Created{}, err
	}
	if err := d.s3.CreateBucket(ctx, t.region, c); err != nil {
		return template.Created{}, err
	}
	d.note(t.region, func(r *RegionState) {
		// The replica set's bucket is the one that notifies a topic.
		topics := slices.DeleteFunc(slices.Clone(c.Notifications.Rules), func(r s3.NotificationRule) bool { return !r.Topic() })
		if r.Bucket == "" || len(topics) > 0 {
			r.Bucket = c.Name
		}
		if len(topics) > 0 {
			r.TopicARN = topics[0].ARN
		}
	})
	return template.Created{Ref: c.Name, Attributes: map[string]string{
		"Arn": fmt.Sprintf("arn:%s:s3:::%s", d.partition, c.Name),
	}}, nil
}

func updateBucket(ctx context.Context, d *deployment, t target, old resource, raw json.RawMessage) error {
	c, err := d.readBucket(t, raw)
	if err != nil {
		return err
	}
	c.Name = old.created.Ref
	return d.s3.UpdateBucket(ctx, t.region, c)
}

// removeBucket deletes an empty bucket. One that is not stays, as on AWS.
func removeBucket(_ context.Context, d *deployment, t target, old resource) error {
	if err := d.s3.DeleteBucket(old.created.Ref); err != nil {
		return err
	}
	d.note(t.region, func(r *RegionState) {
		if r.Bucket == old.created.Ref {
			r.Bucket = ""
		}
	})
	return nil
}

// describe takes over what the bucket only shows.
func (p bucketProperties) describe(c *s3.BucketConfig) {
	if l := p.LifecycleConfiguration; l != nil {
		for _, rule := range l.Rules {
			c.Lifecycle = append(c.Lifecycle, s3.LifecycleRule{
				ID: rule.ID, Status: rule.Status, AbortUploadsAfterDays: rule.AbortIncompleteMultipartUpload.DaysAfterInitiation,
			})
		}
	}
	if o := p.OwnershipControls; o != nil {
		for _, rule := range o.Rules {
			c.Ownership = rule.ObjectOwnership
		}
	}
	if b := p.PublicAccessBlockConfiguration; b != nil {
		c.PublicAccess = &s3.PublicAccessBlock{
			BlockPublicACLs: b.BlockPublicAcls, IgnorePublicACLs: b.IgnorePublicAcls,
			BlockPublicPolicy: b.BlockPublicPolicy, RestrictPublicBuckets: b.RestrictPublicBuckets,
		}
	}
}

type bucketPolicyProperties struct {
	Bucket         string
	PolicyDocument json.RawMessage
}

func makeBucketPolicy(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	return template.Created{Ref: physicalName(t)}, d.putBucketPolicy(raw)
}

func updateBucketPolicy(_ context.Context, d *deployment, _ target, _ resource, raw json.RawMessage) error {
	return d.putBucketPolicy(raw)
}

func (d *deployment) putBucketPolicy(raw json.RawMessage) error {
	var p bucketPolicyProperties
	document, err := decodeWithPolicy(raw, &p, &p.PolicyDocument)
	if err != nil {
		return err
	}
	return d.s3.SetBucketPolicy(p.Bucket, document, p.PolicyDocument)
}

func removeBucketPolicy(_ context.Context, d *deployment, _ target, old resource) error {
	var p bucketPolicyProperties
	if err := template.DecodeProperties(old.properties, &p); err != nil {
		return err
	}
	return d.s3.SetBucketPolicy(p.Bucket, nil, nil)
}

// decodeWithPolicy decodes properties that hold a resource's policy document.
func decodeWithPolicy(raw json.RawMessage, into any, policy *json.RawMessage) (*iam.Document, error) {
	if err := template.DecodeProperties(raw, into); err != nil {
		return nil, err
	}
	document, err := iam.ParseAs(iam.ResourcePolicy, *policy)
	if err != nil {
		return nil, fmt.Errorf("property PolicyDocument: %w", err)
	}
	return document, nil
}
