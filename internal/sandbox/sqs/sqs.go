// Package sqs is the sandbox's Amazon SQS: standard queues in memory behind
// SQS's JSON protocol.
//
// It keeps to AWS's documented behaviour where a dead-letter queue depends on
// it: visibility timeouts, receipt handles, retention, long polling, message
// attributes and their MD5, queue policies. Deliveries are exactly once and in
// order, which AWS does not promise. Who sends to a queue with a KMS key, or
// receives from it, has to be allowed to use the key. FIFO queues, a queue's own
// redrive policy and operations beyond those that dead letters need are refused by name. Messages live as long as the process.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/kms"
	"s3fanout/internal/sandbox/stats"
)

// Limits and defaults of a standard queue
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html).
const (
	defaultVisibility  = 30 * time.Second
	maxVisibility      = 12 * time.Hour
	defaultRetention   = 4 * 24 * time.Hour
	minRetention       = time.Minute
	maxRetention       = 14 * 24 * time.Hour
	maxDelay           = 15 * time.Minute
	maxWait            = 20 * time.Second
	maxMessageSize     = 1 << 20 // bytes, attributes included
	minMessageSize     = 1 << 10
	maxReceiveMessages = 10
	purgeInterval      = time.Minute
)

// Config says where the queues live. Counters may be nil.
type Config struct {
	Partition string
	AccountID string
	Endpoint  string // queue URLs are <Endpoint>/<AccountID>/<name>
	Counters  *stats.Counters
	Keys      kms.Keys // needed for queues with a key
}

// QueueConfig describes a standard queue. Zero durations and sizes, and a nil
// VisibilityTimeout, mean SQS's defaults.
type QueueConfig struct {
	Name              string
	KeyARN            string         // of the KMS key that encrypts messages; SQS's own if empty
	MessageRetention  time.Duration  // 1 minute to 14 days, 4 days by default
	VisibilityTimeout *time.Duration // 0 to 12 hours, 30 s by default
	ReceiveWait       time.Duration  // long polling of receivers that name none, up to 20 s
	Delay             time.Duration  // before a new message can be received, up to 15 minutes
	MaxMessageSize    int            // bytes, 1 KiB to 1 MiB, 1 MiB by default
	Unencrypted       bool           // SqsManagedSseEnabled is off; shown, no more
}

// Service holds the queues of all Regions of one account. Methods may be
// called concurrently.
type Service struct {
	cfg    Config
	closed chan struct{}
	close  func()

	mu     sync.Mutex
	queues map[string]*queue // by ARN
}

// New returns a service without queues.
func New(c Config) *Service {
	closed := make(chan struct{})
	return &Service{
		cfg:    c,
		closed: closed,
		close:  sync.OnceFunc(func() { close(closed) }),
		queues: map[string]*queue{},
	}
}

// Close ends every receive that waits. It may be called more than once.
func (s *Service) Close() error {
	s.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		if q.expiry != nil {
			q.expiry.Stop()
		}
	}
	return nil
}

// CreateQueue makes a queue. A name that the Region already has is an error
// (QueueNameExists), as is a value out of SQS's range.
func (s *Service) CreateQueue(region string, c QueueConfig) (arn, url string, err error) {
	if err := c.complete(); err != nil {
		return "", "", fmt.Errorf("create queue %s in %s: %w", c.Name, region, err)
	}
	arn = s.arn(region, c.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[arn] != nil {
		return "", "", fmt.Errorf("create queue %s in %s: %w", c.Name, region,
			badRequest("QueueNameExists", "QueueAlreadyExists", "A queue already exists with the same name."))
	}
	now := time.Now()
	q := &queue{
		QueueConfig: c, region: region, arn: arn, url: s.cfg.Endpoint + "/" + s.cfg.AccountID + "/" + c.Name,
		created: now, modified: now, changed: make(chan struct{}),
	}
	s.queues[arn] = q
	return arn, q.url, nil
}

// UpdateQueue gives a queue other attributes. Its messages stay, and with a
// shorter retention the older ones go.
func (s *Service) UpdateQueue(region, queueURL string, c QueueConfig) error {
	fail := func(err error) error {
		return fmt.Errorf("update queue %s in %s: %w", queueURL, region, err)
	}
	if err := c.complete(); err != nil {
		return fail(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(region, queueURL)
	if err != nil {
		return fail(err)
	}
	if c.Name != q.Name {
		return fail(fmt.Errorf("a queue's name stays: %s, not %s", q.Name, c.Name))
	}
	now := time.Now()
	q.QueueConfig, q.modified = c, now
	q.expire(now)
	s.touch(q)
	return nil
}

// DeleteQueue removes a queue and its messages, if there is one of that URL.
func (s *Service) DeleteQueue(region, queueURL string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(region, queueURL)
	if err != nil {
		return // gone already
	}
	delete(s.queues, q.arn)
	q.messages = nil
	s.touch(q)
}

// SetPolicy gives a queue a resource policy, another one, or none if it is nil.
func (s *Service) SetPolicy(region, queueURL string, doc *iam.Document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(region, queueURL)
	if err != nil {
		return fmt.Errorf("set policy of queue %s in %s: %w", queueURL, region, err)
	}
	q.policy, q.modified = doc, time.Now()
	return nil
}

// Send puts a message into a queue on behalf of caller, if the queue's policy
// or the caller's own let it (sqs:SendMessage; otherwise the error wraps an
// *iam.DeniedError). A queue that does not exist is an *Error.
func (s *Service) Send(
	ctx context.Context, caller iam.Caller, queueARN, body string, attributes map[string]Attribute,
) (messageID string, err error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("send to %s: %w", queueARN, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.authorize(caller, "sqs:SendMessage", queueARN)
	if err != nil {
		return "", fmt.Errorf("send to %s: %w", queueARN, err)
	}
	m, err := s.send(q, caller, body, attributes, q.Delay)
	if err != nil {
		return "", fmt.Errorf("send to %s: %w", queueARN, err)
	}
	return m.id, nil
}

// Authorize tells whether caller may do action ("sqs:SendMessage") on a queue:
// nil, an error that wraps *iam.DeniedError, or an *Error if the queue does not
// exist.
func (s *Service) Authorize(caller iam.Caller, action, queueARN string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.authorize(caller, action, queueARN)
	return err
}

// Exists tells whether the account has the queue.
func (s *Service) Exists(queueARN string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queues[queueARN] != nil
}

// Depth returns how many messages a queue holds: visible, delayed and in
// flight. It is 0 for a queue that does not exist.
func (s *Service) Depth(queueARN string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[queueARN]
	if q == nil {
		return 0
	}
	q.expire(time.Now())
	return int64(len(q.messages))
}

// Gauges are what CloudWatch shows of a queue.
type Gauges struct {
	Visible, NotVisible, Delayed int
	OldestAge                    time.Duration // since the oldest message was sent; 0 if there is none
}

// Gauges returns what a Region's queue holds now; false if there is no such
// queue.
func (s *Service) Gauges(region, name string) (Gauges, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[s.arn(region, name)]
	if q == nil {
		return Gauges{}, false
	}
	now := time.Now()
	var g Gauges
	g.Visible, g.NotVisible, g.Delayed = q.count(now)
	if len(q.messages) > 0 {
		g.OldestAge = now.Sub(q.messages[0].sent)
	}
	return g, true
}

// authorize returns the queue if caller may do action on it. s.mu is held.
func (s *Service) authorize(caller iam.Caller, action, arn string) (*queue, error) {
	q := s.queues[arn]
	if q == nil {
		return nil, errNoQueue()
	}
	err := iam.Authorize(iam.Request{Caller: caller, Action: action, Resource: arn, ResourcePolicy: q.policy})
	if err != nil {
		return nil, denied(err)
	}
	return q, nil
}

// send appends a message. s.mu is held.
func (s *Service) send(q *queue, caller iam.Caller, body string, attributes map[string]Attribute, delay time.Duration) (*message, error) {
	if err := s.useKey(caller, q, "kms:GenerateDataKey", "kms:Decrypt"); err != nil {
		return nil, err
	}
	if err := validateMessage(body, attributes, q.MaxMessageSize); err != nil {
		return nil, err
	}
	now := time.Now()
	sender := caller.PrincipalID
	if sender == "" {
		sender = caller.String()
	}
	m := &message{
		id: uuid.NewString(), body: body, attributes: attributes,
		sender: sender, sent: now, visibleAt: now.Add(delay),
	}
	q.messages = append(q.messages, m)
	s.touch(q)
	return m, nil
}

// Release makes the messages in flight in all queues visible, as when their
// visibility timeouts have passed.
func (s *Service) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, q := range s.queues {
		for _, m := range q.messages {
			if m.inFlight(now) {
				m.visibleAt = now
			}
		}
		s.touch(q)
	}
}

// useKey asks whether the caller may use the queue's key
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html).
func (s *Service) useKey(caller iam.Caller, q *queue, actions ...string) error {
	if q.KeyARN == "" {
		return nil
	}
	use := kms.Use{Via: "sqs." + q.region + ".amazonaws.com", Context: map[string]string{"aws:sqs:arn": q.arn}}
	err := s.cfg.Keys.Authorize(caller, q.KeyARN, use, actions...)
	if err != nil {
		return &Error{
			Status:    http.StatusBadRequest,
			Code:      "KmsAccessDenied",
			QueryCode: "KMS.AccessDeniedException",
			Message:   err.Error(),
			cause:     err,
		}
	}
	return nil
}

// touch follows up a change of a queue's messages: receivers that wait look
// again, the counters show the new depth, and the next retention end is
// scheduled. s.mu is held.
func (s *Service) touch(q *queue) {
	close(q.changed)
	q.changed = make(chan struct{})
	if q.expiry != nil {
		q.expiry.Stop()
		q.expiry = nil
	}
	if at, ok := q.nextExpiry(); ok {
		q.expiry = time.AfterFunc(time.Until(at), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			q.expire(time.Now())
			s.touch(q)
		})
	}
	if s.cfg.Counters == nil {
		return
	}
	var depth int64
	for _, other := range s.queues {
		if other.region == q.region {
			depth += int64(len(other.messages))
		}
	}
	s.cfg.Counters.Update(q.region, func(r *stats.Region) { r.DeadLetters = depth })
}

func (s *Service) arn(region, name string) string {
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", s.cfg.Partition, region, s.cfg.AccountID, name)
}

// complete fills in defaults and checks ranges.
func (c *QueueConfig) complete() error {
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`).MatchString(c.Name) {
		return errors.New("a standard queue's name has 1 to 80 letters, digits, hyphens and underscores")
	}
	if c.MessageRetention == 0 {
		c.MessageRetention = defaultRetention
	}
	if c.VisibilityTimeout == nil {
		v := defaultVisibility
		c.VisibilityTimeout = &v
	}
	if c.MaxMessageSize == 0 {
		c.MaxMessageSize = maxMessageSize
	}
	switch {
	case c.MessageRetention < minRetention || c.MessageRetention > maxRetention:
		return fmt.Errorf("MessageRetentionPeriod %v is not between %v and %v", c.MessageRetention, minRetention, maxRetention)
	case *c.VisibilityTimeout < 0 || *c.VisibilityTimeout > maxVisibility:
		return fmt.Errorf("VisibilityTimeout %v is not between 0 and %v", *c.VisibilityTimeout, maxVisibility)
	case c.ReceiveWait < 0 || c.ReceiveWait > maxWait:
		return fmt.Errorf("ReceiveMessageWaitTimeSeconds %v is not between 0 and %v", c.ReceiveWait, maxWait)
	case c.Delay < 0 || c.Delay > maxDelay:
		return fmt.Errorf("DelaySeconds %v is not between 0 and %v", c.Delay, maxDelay)
	case c.MaxMessageSize < minMessageSize || c.MaxMessageSize > maxMessageSize:
		return fmt.Errorf("MaximumMessageSize %d is not between %d and %d", c.MaxMessageSize, minMessageSize, maxMessageSize)
	}
	return nil
}
