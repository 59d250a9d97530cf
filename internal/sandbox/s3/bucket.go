package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/s3/store"
)

// BucketConfig is what a bucket has that changes how it behaves, and what it
// only shows to those who ask: lifecycle rules, ownership and public access.
type BucketConfig struct {
	Name          string
	Encryption    Encryption
	Versioned     bool
	Notifications Notifications

	Lifecycle    []LifecycleRule
	Ownership    string             // BucketOwnerEnforced if empty
	PublicAccess *PublicAccessBlock // everything is blocked if nil
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
	versioning    store.Versioning
	encryption    Encryption
	notifications Notifications
	lifecycle     []LifecycleRule
	ownership     string
	publicAccess  PublicAccessBlock
	requesterPays bool
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

// PolicyOf is the policy of a bucket, nil if it has none, and its ARN; ok is false if
// there is no such bucket.
func (s *Service) PolicyOf(name string) (policy *iam.Document, arn string, ok bool) {
	b, ok := s.findBucket(name)
	if !ok {
		return nil, "", false
	}
	return b.policyDocument(), b.arn, true
}

func (s *Service) findBucket(name string) (*bucket, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.buckets[name]
	return b, ok
}

// CreateBucket makes a bucket in a Region and, if it notifies topics, sends
// each the test event; when one does not take it, there is no bucket and the
// error says so in AWS's words. A name that any Region has already is an
// error. A bucket that an earlier Service left in the directory is taken over
// with all that is in it, unless a request had made it.
func (s *Service) CreateBucket(ctx context.Context, region string, c BucketConfig) error {
	err := s.validate(region, c)
	if err == nil {
		err = s.makeBucket(ctx, s.newBucket(region, c), declared)
	}
	if err != nil {
		return fmt.Errorf("create bucket %q in %s: %w", c.Name, region, err)
	}
	return nil
}

func (s *Service) newBucket(region string, c BucketConfig) *bucket {
	return &bucket{
		name: c.Name, region: region, arn: s.arn(c.Name), ownerID: canonicalID(s.config.AccountID), bucketSettings: c.settings(),
	}
}

func (s *Service) arn(bucket string) string {
	return fmt.Sprintf("arn:%s:s3:::%s", s.config.Partition, bucket)
}

// settings completes what can change.
func (c BucketConfig) settings() bucketSettings {
	b := bucketSettings{
		encryption:    c.Encryption,
		notifications: c.Notifications.withIDs(),
		lifecycle:     slices.Clone(c.Lifecycle),
		ownership:     c.Ownership,
		publicAccess:  PublicAccessBlock{true, true, true, true},
	}
	if b.ownership == "" {
		b.ownership = "BucketOwnerEnforced"
	}
	if c.PublicAccess != nil {
		b.publicAccess = *c.PublicAccess
	}
	if c.Versioned {
		b.versioning = store.Enabled
	}
	return b
}

// UpdateBucket gives a bucket another configuration. Each topic that it
// notifies from now on is sent the test event; when one does not take it,
// nothing is changed. Name and Region stay. Versioning is switched on, never
// off.
func (s *Service) UpdateBucket(ctx context.Context, region string, c BucketConfig) error {
	fail := func(err error) error { return fmt.Errorf("update bucket %q in %s: %w", c.Name, region, err) }
	b, ok := s.findBucket(c.Name)
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
	if changed.versioning == store.Enabled {
		if err := s.setVersioning(b, store.Enabled); err != nil {
			return fail(err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	changed.versioning, changed.requesterPays = b.versioning, b.requesterPays
	b.bucketSettings = changed
	return nil
}

// DeleteBucket deletes a bucket; one that is not empty is an error. It is none
// if there is no such bucket.
func (s *Service) DeleteBucket(name string) error {
	b, ok := s.findBucket(name)
	if !ok {
		return nil
	}
	if err := s.removeBucket(b); err != nil {
		return fmt.Errorf("delete bucket %q in %s: %w", name, b.region, err)
	}
	return nil
}

func (s *Service) removeBucket(b *bucket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.store.DeleteBucket(b.name)
	if errors.Is(err, store.ErrBucketNotEmpty) {
		e := &apiError{
			status: http.StatusConflict, Code: "BucketNotEmpty", Message: "The bucket you tried to delete is not empty", Named: b.name,
		}
		if b.settings().versioning != store.Unversioned {
			e.Message += ". You must delete all versions in the bucket."
		}
		return e
	}
	if err == nil {
		delete(s.buckets, b.name)
	}
	return err
}

// HasBucket tells whether there is a bucket of that name, in any Region.
func (s *Service) HasBucket(name string) bool {
	_, ok := s.findBucket(name)
	return ok
}

// RegionOf returns the Region of a bucket, and false if there is none of that name.
func (s *Service) RegionOf(name string) (string, bool) {
	b, ok := s.findBucket(name)
	if !ok {
		return "", false
	}
	return b.region, true
}

// maker is who makes a bucket.
type maker string

const (
	declared maker = "template"
	asked    maker = "request" // which nobody repeats when the sandbox is started again
)

// Keys of a bucket's configuration in the store. What a template says is not
// kept: it is said again.
const (
	keptMaker  = "maker"
	keptConfig = "settings"
)

var errBucketTaken = errors.New("a bucket of this name already exists; bucket names are unique in all Regions")

func (s *Service) makeBucket(ctx context.Context, b *bucket, by maker) error {
	s.mu.Lock()
	if _, taken := s.buckets[b.name]; taken {
		s.mu.Unlock()
		return errBucketTaken
	}
	s.buckets[b.name] = b
	s.mu.Unlock()
	created, err := s.storeBucket(b, by)
	if err == nil {
		err = s.testNotifications(ctx, b, b.notifications)
		if err != nil && created {
			err = errors.Join(err, s.store.DeleteBucket(b.name))
		}
	}
	if err != nil {
		s.mu.Lock()
		delete(s.buckets, b.name)
		s.mu.Unlock()
	}
	return err
}

// storeBucket makes a bucket in the store, unless there is one, and says
// whether it did.
func (s *Service) storeBucket(b *bucket, by maker) (created bool, err error) {
	existing, err := s.store.CreateBucket(store.Bucket{
		Name: b.name, Region: b.region, Versioning: b.versioning, Config: map[string][]byte{keptMaker: []byte(by)},
	})
	switch {
	case err == nil:
		return true, nil
	case !errors.Is(err, store.ErrBucketExists):
		return false, err
	case existing.Region != b.region:
		return false, fmt.Errorf("it was there in %s", existing.Region)
	case existing.Versioning == b.versioning:
		return false, nil
	case b.versioning == store.Unversioned:
		return false, errors.New("it was there with versions, which cannot be switched off")
	}
	return false, s.store.SetVersioning(b.name, b.versioning)
}

// findBuckets finds those of the buckets of an earlier Service that requests
// had made.
func (s *Service) findBuckets() error {
	all, err := s.store.Buckets()
	if err != nil {
		return err
	}
	for _, kept := range all {
		if maker(kept.Config[keptMaker]) != asked {
			continue
		}
		b := s.newBucket(kept.Region, BucketConfig{Name: kept.Name})
		b.versioning = kept.Versioning
		if raw := kept.Config[keptConfig]; raw != nil {
			if err := b.restore(raw); err != nil {
				return fmt.Errorf("read the settings of bucket %s: %w", kept.Name, err)
			}
		}
		s.buckets[kept.Name] = b
	}
	return nil
}

// setVersioning changes whether the bucket keeps versions.
func (s *Service) setVersioning(b *bucket, v store.Versioning) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := s.store.SetVersioning(b.name, v); err != nil {
		return err
	}
	b.versioning = v
	return nil
}

// testNotifications checks every destination, as S3 does when it gets a configuration.
func (s *Service) testNotifications(ctx context.Context, b *bucket, n Notifications) error {
	for _, r := range n.Rules {
		err := s.config.NotifyTest(ctx, Notification{
			Region: b.region, Bucket: b.name, BucketARN: b.arn, Destination: r.ARN,
			Body: testEventBody(b.name, newIDs(), time.Now()),
		})
		if err != nil {
			return &destinationError{arn: r.ARN, cause: err}
		}
	}
	return nil
}

// destinationError is a destination that does not take the bucket's events.
type destinationError struct {
	arn   string
	cause error
}

func (e *destinationError) Error() string {
	return fmt.Sprintf("unable to validate the following destination configurations: %s: %v", e.arn, e.cause)
}

func (e *destinationError) Unwrap() error { return e.cause }

// SetBucketPolicy gives a bucket its policy, replaces it, or takes it away if it
// is nil. raw is what GetBucketPolicy answers with.
func (s *Service) SetBucketPolicy(name string, policy *iam.Document, raw []byte) error {
	b, ok := s.findBucket(name)
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
	return c.Notifications.validate(region)
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
