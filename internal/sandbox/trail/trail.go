// Package trail is the sandbox's CloudTrail and CloudWatch Logs, as far as an audit
// trail of objects needs them. A trail records the requests that S3 shows it and its
// advanced event selectors take, into a log group, which is asked by queries of Logs
// Insights. What a trail may do is checked when it is made, as on AWS: the policy of its
// log bucket, and the role by which it writes into the log group.
//
// Unlike on AWS, an event is there at once, and no log files are written to the log
// bucket.
package trail

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/trail/insights"
)

const (
	servicePrincipal = "cloudtrail.amazonaws.com"
	// maxKept is how many events a log group keeps, the newest.
	maxKept = 100_000
)

// Config says what to run. All fields are required.
type Config struct {
	Partition, AccountID string
	Store                *iam.Store
	// Policy is that of a bucket, with its ARN; ok is false if there is no such bucket.
	Policy func(bucket string) (policy *iam.Document, arn string, ok bool)
}

// Trail is how one is configured.
type Trail struct {
	Name                      string
	MultiRegion, GlobalEvents bool
	Validated                 bool // has digests
	Bucket                    string
	LogGroupARN, RoleARN      string // of the group with ":*" at its end
	Selectors                 []Selector
	Logging                   bool
	Region, ARN               string // set by Create
}

// Service holds the trails, log groups and queries of one account. Methods may be
// called concurrently.
type Service struct {
	config Config

	mu      sync.Mutex
	trails  []*Trail
	groups  map[string][]insights.Event // by the group's ARN
	queries map[string]*query           // by ID
}

// New returns a service without trails.
func New(c Config) *Service {
	return &Service{config: c, groups: map[string][]insights.Event{}, queries: map[string]*query{}}
}

// Create makes a trail in its home Region, once everything that it needs is there, and
// returns its ARN.
func (s *Service) Create(region string, t Trail) (string, error) {
	t.Region = region
	t.ARN = fmt.Sprintf("arn:%s:cloudtrail:%s:%s:trail/%s", s.config.Partition, region, s.config.AccountID, t.Name)
	if err := s.check(t); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(t.ARN) != nil {
		return "", fmt.Errorf("trail %s exists already", t.Name)
	}
	s.trails = append(s.trails, &t)
	s.openGroup(t)
	return t.ARN, nil
}

// Update gives a trail another configuration.
func (s *Service) Update(arn string, t Trail) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.find(arn)
	if old == nil {
		return fmt.Errorf("trail %s does not exist", arn)
	}
	t.Name, t.Region, t.ARN = old.Name, old.Region, old.ARN
	if err := s.check(t); err != nil {
		return err
	}
	*old = t
	s.openGroup(t)
	return nil
}

// openGroup has the trail's log group asked from now on.
func (s *Service) openGroup(t Trail) {
	if group, _ := trimStreams(t.LogGroupARN); s.groups[group] == nil {
		s.groups[group] = []insights.Event{}
	}
}

// Get is a trail as it is now.
func (s *Service) Get(arn string) (Trail, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.find(arn); t != nil {
		return *t, true
	}
	return Trail{}, false
}

// Delete removes a trail; its log group keeps what it has.
func (s *Service) Delete(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trails = slices.DeleteFunc(s.trails, func(t *Trail) bool { return t.ARN == arn })
}

// DeleteGroup removes a log group with its events.
func (s *Service) DeleteGroup(region, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, s.groupARN(region, name))
}

func (s *Service) groupARN(region, name string) string {
	return fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", s.config.Partition, region, s.config.AccountID, name)
}

// find is the trail with the ARN; nil if there is none.
func (s *Service) find(arn string) *Trail {
	i := slices.IndexFunc(s.trails, func(t *Trail) bool { return t.ARN == arn })
	if i < 0 {
		return nil
	}
	return s.trails[i]
}

// check refuses what CloudTrail would refuse, and what is not modelled.
func (s *Service) check(t Trail) error {
	if !t.MultiRegion || !t.GlobalEvents {
		return fmt.Errorf(
			"the sandbox supports trails of all Regions alone: IsMultiRegionTrail and IncludeGlobalServiceEvents have to be true",
		)
	}
	if err := checkSelectors(t.Selectors); err != nil {
		return err
	}
	if err := s.mayWriteBucket(t); err != nil {
		return err
	}
	return s.mayWriteGroup(t)
}

// mayWriteBucket asks the log bucket's policy
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html).
func (s *Service) mayWriteBucket(t Trail) error {
	policy, arn, ok := s.config.Policy(t.Bucket)
	if !ok {
		return fmt.Errorf("S3BucketDoesNotExistException: S3 bucket %s does not exist", t.Bucket)
	}
	caller := iam.Caller{Service: servicePrincipal, SourceARN: t.ARN, SourceAccount: s.config.AccountID}
	for action, resource := range map[string]string{
		"s3:GetBucketAcl": arn, "s3:PutObject": fmt.Sprintf("%s/AWSLogs/%s/CloudTrail/%s/file", arn, s.config.AccountID, t.Region),
	} {
		err := iam.Authorize(iam.Request{
			Caller: caller, Action: action, Resource: resource, ResourcePolicy: policy,
			Context: map[string]string{"aws:SecureTransport": "true", "s3:x-amz-acl": "bucket-owner-full-control"},
		})
		if err != nil {
			return fmt.Errorf("InsufficientS3BucketPolicyException: incorrect S3 bucket policy is detected for bucket %s: %w",
				t.Bucket, err)
		}
	}
	return nil
}

// mayWriteGroup asks the role
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html).
func (s *Service) mayWriteGroup(t Trail) error {
	group, ok := trimStreams(t.LogGroupARN)
	if !ok {
		return fmt.Errorf("InvalidCloudWatchLogsLogGroupArnException: %s does not end with :*", t.LogGroupARN)
	}
	_, caller, err := s.config.Store.AssumeRoleForService(t.RoleARN, "CloudTrail", servicePrincipal, t.Region)
	if err != nil {
		return fmt.Errorf("InvalidCloudWatchLogsRoleArnException: %w", err)
	}
	stream := fmt.Sprintf("%s:log-stream:%s_CloudTrail_%s", group, s.config.AccountID, t.Region)
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		if err := iam.Authorize(iam.Request{Caller: caller, Action: action, Resource: stream}); err != nil {
			return fmt.Errorf("InvalidCloudWatchLogsRoleArnException: %w", err)
		}
	}
	return nil
}

// put keeps an event in the log groups of the trails that take it.
func (s *Service) put(at time.Time, event map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var flat *insights.Event
	for _, t := range s.trails {
		if !t.Logging || !takes(t.Selectors, event) {
			continue
		}
		if flat == nil {
			flat = flatten(at, event)
		}
		group, _ := trimStreams(t.LogGroupARN)
		s.groups[group] = append(s.groups[group], *flat)
		s.groups[group] = s.groups[group][max(0, len(s.groups[group])-maxKept):]
	}
}

// flatten has the fields of an event as Logs Insights finds them.
func flatten(at time.Time, event map[string]any) *insights.Event {
	raw, err := json.Marshal(event)
	if err != nil {
		panic(err) // texts, maps and lists
	}
	flat := &insights.Event{
		Time:   at,
		Fields: map[string]string{"@timestamp": at.UTC().Format("2006-01-02 15:04:05.000"), "@message": string(raw)},
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		below := func(name string) string {
			if path == "" {
				return name
			}
			return path + "." + name
		}
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				walk(below(name), member)
			}
		case []any:
			for i, element := range v {
				walk(below(fmt.Sprint(i)), element)
			}
		case nil:
		default:
			flat.Fields[path] = fmt.Sprint(v)
		}
	}
	walk("", event)
	return flat
}
