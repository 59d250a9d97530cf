// Package sns is the sandbox's Amazon SNS: standard topics with Lambda
// subscriptions, behind SNS's query protocol.
//
// A topic's policy decides who publishes; the function's resource policy decides
// whether a delivery is taken. Filter policies are evaluated, and what cannot be
// delivered goes to the subscription's dead-letter queue at once, as SNS does
// with client-side errors, if that queue's policy lets SNS send. Deliveries are
// asynchronous and counted; on demand they are delayed, out of order or doubled.
//
// Who publishes to a topic with a KMS key has to be allowed to use the key.
//
// Protocols other than lambda, FIFO topics, raw delivery, delivery policies
// and message attributes are refused by name. Signatures have SNS's
// form but prove nothing.
package sns

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/kms"
	"s3fanout/internal/sandbox/network"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/stats"
	"s3fanout/internal/sandbox/trace"
)

// Functions takes deliveries. An error with a method ErrorCode() string lends
// its code to the dead letter.
type Functions interface {
	InvokeAsync(ctx context.Context, caller iam.Caller, functionARN string, payload []byte) error
}

// Queues takes dead letters.
type Queues interface {
	Exists(queueARN string) bool
	Send(ctx context.Context, caller iam.Caller, queueARN, body string, attributes map[string]sqs.Attribute) (messageID string, err error)
}

// Config says where the topics live and what they deliver to. Principal, Logger
// and Count may be nil.
type Config struct {
	Partition string
	AccountID string
	Endpoint  string // appears in the unsubscribe and certificate URLs
	Functions Functions
	Queues    Queues
	Keys      kms.Keys // needed for topics with a key
	Counters  *stats.Counters
	Trace     *trace.Trace // nil remembers nothing
	Faults    *fault.Switches
	// Principal names the service principal that delivers from a topic to a
	// function, which depends on opt-in Regions
	// (https://docs.aws.amazon.com/sns/latest/dg/sns-cross-region-delivery.html).
	Principal func(topicRegion, functionRegion string) string
	Logger    *slog.Logger
	// Network, if set, says how long deliveries take.
	Network *network.Network
	// Count, if set, is called with a value of a topic's metric in CloudWatch
	// (https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html).
	Count func(region, topicName, metric string, value float64)
}

// TopicConfig describes a standard topic.
type TopicConfig struct {
	Name        string
	DisplayName string // for e-mail subscriptions; kept and shown, no more
	KeyARN      string // of the KMS key that encrypts messages; none if empty
}

// Service holds the topics and subscriptions of all Regions of one account.
// Methods may be called concurrently.
type Service struct {
	cfg    Config
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu            sync.Mutex
	closed        bool
	topics        map[string]*topic        // by ARN
	subscriptions map[string]*subscription // by ARN
}

type topic struct {
	TopicConfig
	arn, region   string
	policy        *iam.Document
	subscriptions []*subscription // in order of creation
}

// New returns a service without topics.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Count == nil {
		c.Count = func(string, string, string, float64) {}
	}
	if c.Principal == nil {
		c.Principal = func(string, string) string { return "sns.amazonaws.com" }
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Service{
		cfg: c, ctx: ctx, cancel: cancel,
		topics: map[string]*topic{}, subscriptions: map[string]*subscription{},
	}
}

// Close gives up deliveries that are under way and returns when they have
// ended. It may be called more than once.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
	return nil
}

// CreateTopic makes a topic and returns its ARN. A topic of that name that
// exists already is an error: nothing in a deployment may have two owners.
func (s *Service) CreateTopic(region string, c TopicConfig) (arn string, err error) {
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`).MatchString(c.Name) {
		return "", fmt.Errorf("create topic %s in %s: %w", c.Name, region, invalid("Topic Name"))
	}
	arn = fmt.Sprintf("arn:%s:sns:%s:%s:%s", s.cfg.Partition, region, s.cfg.AccountID, c.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics[arn] != nil {
		return "", fmt.Errorf("create topic %s in %s: %w", c.Name, region, invalid("Topic already exists"))
	}
	s.topics[arn] = &topic{TopicConfig: c, arn: arn, region: region}
	return arn, nil
}

// UpdateTopic changes all of a topic but its name and its policy.
func (s *Service) UpdateTopic(topicARN string, c TopicConfig) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topicARN]
	if t == nil {
		return fmt.Errorf("update topic %s: %w", topicARN, errNoTopic())
	}
	t.DisplayName, t.KeyARN = c.DisplayName, c.KeyARN
	return nil
}

// DeleteTopic removes a topic, if there is one of that ARN, with its
// subscriptions. Deliveries that have begun go on.
func (s *Service) DeleteTopic(topicARN string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topicARN]
	if t == nil {
		return
	}
	for _, sub := range t.subscriptions {
		delete(s.subscriptions, sub.arn)
	}
	delete(s.topics, topicARN)
}

// SetTopicPolicy gives a topic a resource policy, another one, or none if it is
// nil: what the account's own identities may do, they may still.
func (s *Service) SetTopicPolicy(topicARN string, doc *iam.Document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topicARN]
	if t == nil {
		return fmt.Errorf("set policy of topic %s: %w", topicARN, errNoTopic())
	}
	t.policy = doc
	return nil
}

// Limits of a message
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
const (
	maxMessage = 256 << 10 // bytes
	maxSubject = 100       // characters
)

// Publish accepts a message on behalf of caller, if the topic's policy or the
// caller's own let it (sns:Publish; otherwise the error wraps an
// *iam.DeniedError), and starts its deliveries. They are under way for the
// counters before Publish returns.
func (s *Service) Publish(ctx context.Context, caller iam.Caller, topicARN, subject, message string) (messageID string, err error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("publish to %s: %w", topicARN, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topicARN]
	if t == nil {
		return "", fmt.Errorf("publish to %s: %w", topicARN, errNoTopic())
	}
	if err := s.authorize(caller, "sns:Publish", t.arn, t.policy); err != nil {
		return "", fmt.Errorf("publish to %s: %w", topicARN, err)
	}
	if err := s.useKey(caller, t); err != nil {
		return "", fmt.Errorf("publish to %s: %w", topicARN, err)
	}
	if err := checkMessage(subject, message); err != nil {
		return "", fmt.Errorf("publish to %s: %w", topicARN, err)
	}
	if s.closed {
		return "", fmt.Errorf("publish to %s: the sandbox is shutting down", topicARN)
	}
	n := s.newNotification(t, subject, message)
	s.cfg.Counters.Update(t.region, func(r *stats.Region) { r.SNS.Published++ })
	s.count(t, "NumberOfMessagesPublished")
	s.cfg.Count(t.region, t.Name, "PublishSize", float64(len(message)))
	for _, sub := range t.subscriptions {
		s.startDelivery(t, sub, n)
	}
	return n.messageID, nil
}

func checkMessage(subject, message string) error {
	switch {
	case message == "":
		return invalid("Empty message")
	case len(message) > maxMessage:
		return invalid("Message too long")
	case len([]rune(subject)) > maxSubject || strings.ContainsAny(subject, "\n\r"):
		return invalid("Subject")
	}
	return nil
}

// authorize asks the policies and turns a refusal into SNS's answer.
func (s *Service) authorize(caller iam.Caller, action, resource string, policy *iam.Document) error {
	err := iam.Authorize(iam.Request{Caller: caller, Action: action, Resource: resource, ResourcePolicy: policy})
	if err != nil {
		return denied(err)
	}
	return nil
}

// useKey asks whether a publisher may encrypt with the topic's key
// (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
func (s *Service) useKey(caller iam.Caller, t *topic) error {
	if t.KeyARN == "" {
		return nil
	}
	use := kms.Use{Via: "sns." + t.region + ".amazonaws.com", Context: map[string]string{"aws:sns:topicArn": t.arn}}
	err := s.cfg.Keys.Authorize(caller, t.KeyARN, use, "kms:GenerateDataKey", "kms:Decrypt")
	if err != nil {
		return &Error{Status: http.StatusBadRequest, Code: "KMSAccessDenied", Message: err.Error(), cause: err}
	}
	return nil
}

// count adds one to a topic's metric.
func (s *Service) count(t *topic, metric string) { s.cfg.Count(t.region, t.Name, metric, 1) }

func newID() string { return uuid.NewString() }
