package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3fanout/internal/sandbox/iam"
)

func (s *Service) getQueueURL(r request) (any, error) {
	var in struct{ QueueName, QueueOwnerAWSAccountId string }
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	if in.QueueOwnerAWSAccountId != "" && in.QueueOwnerAWSAccountId != s.cfg.AccountID {
		return nil, errNoQueue()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.authorize(r.caller, "sqs:GetQueueUrl", s.arn(r.region, in.QueueName))
	if err != nil {
		return nil, err
	}
	return map[string]string{"QueueUrl": q.url}, nil
}

func (s *Service) listQueues(r request) (any, error) {
	in := struct {
		QueueNamePrefix, NextToken string
		MaxResults                 int
	}{MaxResults: 1000}
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	if in.MaxResults < 1 || in.MaxResults > 1000 {
		return nil, invalidParameter(
			fmt.Sprintf("Value %d for parameter MaxResults is invalid. Reason: Must be between 1 and 1000.", in.MaxResults),
		)
	}
	err := iam.Authorize(iam.Request{Caller: r.caller, Action: "sqs:ListQueues", Resource: s.arn(r.region, "*")})
	if err != nil {
		return nil, denied(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	urls := []string{}
	more := ""
	for _, arn := range slices.Sorted(maps.Keys(s.queues)) {
		q := s.queues[arn]
		if q.region != r.region || !strings.HasPrefix(q.Name, in.QueueNamePrefix) || q.Name <= in.NextToken {
			continue
		}
		if len(urls) == in.MaxResults {
			more = urls[len(urls)-1]
			more = more[strings.LastIndex(more, "/")+1:]
			break
		}
		urls = append(urls, q.url)
	}
	answer := map[string]any{"QueueUrls": urls}
	if more != "" {
		answer["NextToken"] = more
	}
	return answer, nil
}

func (s *Service) getQueueAttributes(r request) (any, error) {
	var in struct {
		QueueUrl       string
		AttributeNames []string
	}
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.open(r, in.QueueUrl, "sqs:GetQueueAttributes")
	if err != nil {
		return nil, err
	}
	visible, inFlight, delayed := q.count(time.Now())
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	all := map[string]string{
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"CreatedTimestamp":                      strconv.FormatInt(q.created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.modified.Unix(), 10),
		"DelaySeconds":                          seconds(q.Delay),
		"MaximumMessageSize":                    strconv.Itoa(q.MaxMessageSize),
		"MessageRetentionPeriod":                seconds(q.MessageRetention),
		"QueueArn":                              q.arn,
		"ReceiveMessageWaitTimeSeconds":         seconds(q.ReceiveWait),
		"SqsManagedSseEnabled":                  strconv.FormatBool(!q.Unencrypted),
		"VisibilityTimeout":                     seconds(*q.VisibilityTimeout),
	}
	known := append(slices.Collect(maps.Keys(all)), "Policy", "KmsMasterKeyId")
	if q.KeyARN != "" {
		all["SqsManagedSseEnabled"], all["KmsMasterKeyId"] = "false", q.KeyARN
	}
	if q.policy != nil {
		all["Policy"] = q.policy.Text()
	}
	selected := map[string]string{}
	for _, name := range in.AttributeNames {
		switch value, ok := all[name]; {
		case name == "All":
			maps.Copy(selected, all)
		case (name == "Policy" || name == "KmsMasterKeyId") && !ok: // a queue without one just has no such attribute
		case !ok:
			return nil, badRequest(
				"InvalidAttributeName",
				"InvalidAttributeName",
				fmt.Sprintf("Unknown Attribute %s. The sandbox's SQS has %s.",
					name, strings.Join(slices.Sorted(slices.Values(known)), ", ")),
			)
		default:
			selected[name] = value
		}
	}
	if len(selected) == 0 {
		return struct{}{}, nil
	}
	return map[string]any{"Attributes": selected}, nil
}

// messageInput is what a sender says of a message.
type messageInput struct {
	MessageBody       string
	DelaySeconds      *int
	MessageAttributes map[string]Attribute
}

// messageSent is the answer to the sender of a message.
type messageSent struct {
	MessageID              string `json:"MessageId"`
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
}

func (s *Service) sendMessage(r request) (any, error) {
	var in struct {
		QueueUrl string
		messageInput
	}
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.open(r, in.QueueUrl, "sqs:SendMessage")
	if err != nil {
		return nil, err
	}
	return s.sendInput(q, r.caller, in.messageInput)
}

// sendInput puts a message into an open queue. s.mu is held.
func (s *Service) sendInput(q *queue, caller iam.Caller, in messageInput) (sent messageSent, err error) {
	delay := q.Delay
	if in.DelaySeconds != nil {
		if delay, err = duration("DelaySeconds", *in.DelaySeconds, maxDelay); err != nil {
			return sent, err
		}
	}
	m, err := s.send(q, caller, in.MessageBody, in.MessageAttributes, delay)
	if err != nil {
		return sent, err
	}
	return messageSent{MessageID: m.id, MD5OfMessageBody: bodyMD5(m.body), MD5OfMessageAttributes: attributesMD5(m.attributes)}, nil
}

func (s *Service) purgeQueue(r request) (any, error) {
	var in struct{ QueueUrl string }
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.open(r, in.QueueUrl, "sqs:PurgeQueue")
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if now.Sub(q.purged) < purgeInterval {
		return nil, &Error{Status: 403, Code: "PurgeQueueInProgress", QueryCode: "AWS.SimpleQueueService.PurgeQueueInProgress",
			Message: fmt.Sprintf("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.Name)}
	}
	q.purged, q.messages = now, nil
	s.touch(q)
	return nil, nil
}

func (s *Service) deleteMessage(r request) (any, error) {
	var in struct{ QueueUrl, ReceiptHandle string }
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.open(r, in.QueueUrl, "sqs:DeleteMessage")
	if err != nil {
		return nil, err
	}
	if err := q.remove(in.ReceiptHandle); err != nil {
		return nil, err
	}
	s.touch(q)
	return nil, nil
}

func (s *Service) changeMessageVisibility(r request) (any, error) {
	var in struct {
		QueueUrl, ReceiptHandle string
		VisibilityTimeout       int
	}
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.open(r, in.QueueUrl, "sqs:ChangeMessageVisibility")
	if err != nil {
		return nil, err
	}
	if err := s.changeVisibility(q, in.ReceiptHandle, in.VisibilityTimeout); err != nil {
		return nil, err
	}
	return nil, nil
}

func (s *Service) changeVisibility(q *queue, handle string, seconds int) error {
	d, err := duration("VisibilityTimeout", seconds, maxVisibility)
	if err != nil {
		return err
	}
	if err := q.hide(time.Now(), handle, d); err != nil {
		return err
	}
	s.touch(q)
	return nil
}

// duration reads a parameter in seconds and checks its range.
func duration(name string, seconds int, limit time.Duration) (time.Duration, error) {
	if seconds < 0 || seconds > int(limit/time.Second) {
		return 0, invalidParameter(
			fmt.Sprintf("Value %d for parameter %s is invalid. Reason: Must be >= 0 and <= %d, if provided.",
				seconds, name, int(limit/time.Second)),
		)
	}
	return time.Duration(seconds) * time.Second, nil
}
