package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"

	"s3fanout/internal/sandbox/iam"
)

// BucketConfig is what a bucket has that changes how it behaves, and what it
// only shows to those who ask: lifecycle rules, ownership and public access.
type BucketConfig struct {
	Name          string
	Encryption    Encryption
	Versioned     bool
	Notifications []TopicNotification

	Lifecycle    []LifecycleRule
	Ownership    string             // BucketOwnerEnforced if empty
	PublicAccess *PublicAccessBlock // everything is blocked if nil
}

// TopicNotification tells a topic about events, one or more of
// s3:ObjectCreated:* and its members, of keys with the prefix and suffix.
type TopicNotification struct {
	ID       string // made up if empty
	TopicARN string
	Events   []string
	Prefix   string
	Suffix   string
}

// bucket is a bucket that exists.
type bucket struct {
	name    string
	region  string
	arn     string
	ownerID string // canonical user id

	mu sync.RWMutex
	bucketSettings
	policy *iam.Document
	raw    []byte
}

// bucketSettings are what of a bucket can change. They are replaced as a whole.
type bucketSettings struct {
	encryption    Encryption
	notifications []TopicNotification
	lifecycle     []LifecycleRule
	ownership     string
	publicAccess  PublicAccessBlock
}

func (b *bucket) settings() bucketSettings {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.bucketSettings
}

// canonicalID makes up the account's canonical user id.
func canonicalID(accountID string) string { return "A" + accountID }

func (b *bucket) policyDocument() *iam.Document {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.policy
}

func (b *bucket) rawPolicy() []byte {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.raw
}

func (s *Service) bucket(name string) (*bucket, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.buckets[name]
	return b, ok
}

// CreateBucket makes a bucket in a Region and, if it notifies topics, sends
// each the test event; when one does not take it, there is no bucket and the
// error says so in AWS's words. A name that any Region has already is an
// error. A bucket that an earlier Service left in the directory is taken over
// with all that is in it.
func (s *Service) CreateBucket(ctx context.Context, region string, c BucketConfig) error {
	if err := s.validate(region, c); err != nil {
		return fmt.Errorf("create bucket %q in %s: %w", c.Name, region, err)
	}
	b := &bucket{
		name: c.Name, region: region,
		arn:            fmt.Sprintf("arn:%s:s3:::%s", s.config.Partition, c.Name),
		ownerID:        canonicalID(s.config.AccountID),
		bucketSettings: c.settings(),
	}
	if err := s.makeBucket(ctx, b, c.Versioned); err != nil {
		return fmt.Errorf("create bucket %q in %s: %w", c.Name, region, err)
	}
	return nil
}

// settings completes what can change.
func (c BucketConfig) settings() bucketSettings {
	b := bucketSettings{
		encryption:    c.Encryption,
		notifications: slices.Clone(c.Notifications),
		lifecycle:     slices.Clone(c.Lifecycle),
		ownership:     c.Ownership,
		publicAccess:  PublicAccessBlock{true, true, true, true},
	}
	if b.ownership == "" {
		b.ownership = string(types.ObjectOwnershipBucketOwnerEnforced)
	}
	if c.PublicAccess != nil {
		b.publicAccess = *c.PublicAccess
	}
	for i := range b.notifications {
		if b.notifications[i].ID == "" {
			b.notifications[i].ID = newIDs().request
		}
	}
	return b
}

// UpdateBucket gives a bucket another configuration. Each topic that it
// notifies from now on is sent the test event; when one does not take it,
// nothing is changed. Name and Region stay, and so does versioning.
func (s *Service) UpdateBucket(ctx context.Context, region string, c BucketConfig) error {
	fail := func(err error) error { return fmt.Errorf("update bucket %q in %s: %w", c.Name, region, err) }
	b, ok := s.bucket(c.Name)
	if !ok || b.region != region {
		return fail(errors.New("the bucket does not exist"))
	}
	if err := s.validate(region, c); err != nil {
		return fail(err)
	}
	changed := c.settings()
	if err := s.testNotifications(ctx, b, changed.notifications); err != nil {
		return fail(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bucketSettings = changed
	return nil
}

// HasBucket tells whether there is a bucket of that name, in any Region.
func (s *Service) HasBucket(name string) bool {
	_, ok := s.bucket(name)
	return ok
}

func (s *Service) makeBucket(ctx context.Context, b *bucket, versioned bool) error {
	s.mu.Lock()
	if _, taken := s.buckets[b.name]; taken {
		s.mu.Unlock()
		return errors.New("a bucket of this name already exists; bucket names are unique in all Regions")
	}
	s.buckets[b.name] = b
	s.mu.Unlock()
	created, err := s.storeBucket(ctx, b.name, versioned)
	if err == nil {
		err = s.testNotifications(ctx, b, b.notifications)
		if err != nil && created {
			err = errors.Join(err, s.store.DeleteBucket(context.WithoutCancel(ctx), b.name))
		}
	}
	if err != nil {
		s.mu.Lock()
		delete(s.buckets, b.name)
		s.mu.Unlock()
	}
	return err
}

// storeBucket makes a bucket's directory, unless there is one, and says whether
// it did.
func (s *Service) storeBucket(ctx context.Context, name string, versioned bool) (created bool, err error) {
	acl, err := json.Marshal(auth.ACL{Owner: s.config.AccountID})
	if err != nil {
		return false, err
	}
	// It is the first item that the server writes: a bucket without it was not
	// made to the end, and is empty.
	if _, err := s.store.meta.RetrieveAttribute(nil, name, "", "acl"); errors.Is(err, meta.ErrNoSuchKey) {
		_ = os.Remove(name) // there may be none
	}
	err = s.store.CreateBucket(ctx, &sdk.CreateBucketInput{
		Bucket: &name, ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{},
	}, acl)
	created = err == nil
	if errorCode(err) == "BucketAlreadyExists" {
		err = s.store.PutBucketOwnershipControls(ctx, name, types.ObjectOwnershipBucketOwnerEnforced)
	}
	if err != nil {
		return created, err
	}
	if versioned {
		return created, s.store.PutBucketVersioning(ctx, name, types.BucketVersioningStatusEnabled)
	}
	before, err := s.store.GetBucketVersioning(ctx, name)
	if err == nil && before.Status != nil {
		err = errors.New("it was there with versions, which cannot be switched off")
	}
	return created, err
}

// testNotifications checks every destination, as S3 does when it is told.
func (s *Service) testNotifications(ctx context.Context, b *bucket, list []TopicNotification) error {
	for _, c := range list {
		err := s.config.NotifyTest(ctx, Notification{
			Region: b.region, Bucket: b.name, BucketARN: b.arn, TopicARN: c.TopicARN,
			Body: testEventBody(b.name, newIDs(), time.Now()),
		})
		if err != nil {
			return fmt.Errorf("unable to validate the following destination configurations: %s: %w", c.TopicARN, err)
		}
	}
	return nil
}

// SetBucketPolicy gives a bucket its policy, replaces it, or takes it away if it
// is nil. raw is what GetBucketPolicy answers with.
func (s *Service) SetBucketPolicy(name string, policy *iam.Document, raw []byte) error {
	b, ok := s.bucket(name)
	if !ok {
		return fmt.Errorf("set policy of bucket %q: the bucket does not exist", name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.policy, b.raw = policy, slices.Clone(raw)
	return nil
}

func (s *Service) validate(region string, c BucketConfig) error {
	if !s.hasRegion(region) {
		return fmt.Errorf("region %q is not in this sandbox", region)
	}
	if err := validBucketName(c.Name); err != nil {
		return err
	}
	for i, n := range c.Notifications {
		if err := n.validate(region); err != nil {
			return err
		}
		for _, other := range c.Notifications[:i] {
			if n.overlaps(other) {
				return errors.New("configurations overlap: two notifications cannot share an event for the same prefix and suffix")
			}
		}
	}
	return nil
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// validBucketName applies the rules of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
func validBucketName(name string) error {
	switch {
	case !bucketName.MatchString(name):
		return errors.New("the name must have 3 to 63 of a-z, 0-9, dot and hyphen, and begin and end with a letter or digit")
	case strings.Contains(name, ".."):
		return errors.New("the name must not have two dots in a row")
	case net.ParseIP(name) != nil:
		return errors.New("the name must not be an IP address")
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("the name must not begin with %s", prefix)
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return fmt.Errorf("the name must not end with %s", suffix)
		}
	}
	return nil
}

const allCreated = "s3:ObjectCreated:*"

func (n TopicNotification) validate(region string) error {
	known := []string{
		allCreated, "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload",
	}
	parts := strings.Split(n.TopicARN, ":")
	if len(parts) != 6 || parts[2] != "sns" {
		return fmt.Errorf("notification destination %q is not the ARN of a topic", n.TopicARN)
	}
	if parts[3] != region {
		return fmt.Errorf("unable to validate the following destination configurations: topic %s is not in the bucket's Region %s", n.TopicARN, region)
	}
	if len(n.Events) == 0 {
		return errors.New("a notification needs an event")
	}
	for _, e := range n.Events {
		if !slices.Contains(known, e) {
			return fmt.Errorf("the sandbox's S3 does not have the event %q; it has %s", e, strings.Join(known, ", "))
		}
	}
	return nil
}

func (n TopicNotification) matches(event, key string) bool {
	return strings.HasPrefix(key, n.Prefix) && strings.HasSuffix(key, n.Suffix) &&
		(slices.Contains(n.Events, event) || slices.Contains(n.Events, allCreated))
}

// overlaps says whether some object could match both, which S3 refuses.
func (n TopicNotification) overlaps(o TopicNotification) bool {
	prefix := strings.HasPrefix(n.Prefix, o.Prefix) || strings.HasPrefix(o.Prefix, n.Prefix)
	suffix := strings.HasSuffix(n.Suffix, o.Suffix) || strings.HasSuffix(o.Suffix, n.Suffix)
	event := slices.Contains(n.Events, allCreated) || slices.Contains(o.Events, allCreated) ||
		slices.ContainsFunc(n.Events, func(e string) bool { return slices.Contains(o.Events, e) })
	return prefix && suffix && event
}
