package sqs

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// receivedMessage is a message in ReceiveMessage's answer.
type receivedMessage struct {
	MessageID              string               `json:"MessageId"`
	ReceiptHandle          string               `json:"ReceiptHandle"`
	MD5OfBody              string               `json:"MD5OfBody"`
	Body                   string               `json:"Body"`
	Attributes             map[string]string    `json:"Attributes,omitempty"`
	MD5OfMessageAttributes string               `json:"MD5OfMessageAttributes,omitempty"`
	MessageAttributes      map[string]Attribute `json:"MessageAttributes,omitempty"`
}

// receiveInput is what a ReceiveMessage request says. AttributeNames is the
// older name of MessageSystemAttributeNames.
type receiveInput struct {
	QueueUrl                    string
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

func (s *Service) receiveMessage(r request) (any, error) {
	var in receiveInput
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	limit := 1
	if in.MaxNumberOfMessages != nil {
		limit = *in.MaxNumberOfMessages
	}
	if limit < 1 || limit > maxReceiveMessages {
		return nil, invalidParameter(
			fmt.Sprintf("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and %d, if provided.",
				limit, maxReceiveMessages),
		)
	}
	names := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	if err := checkSystemNames(names); err != nil {
		return nil, err
	}
	q, visibility, wait, err := s.openReceive(r, in)
	if err != nil {
		return nil, err
	}
	messages := s.wait(r, q, limit, visibility, wait)
	if len(messages) == 0 {
		return struct{}{}, nil
	}
	list := make([]receivedMessage, 0, len(messages))
	for _, m := range messages {
		attributes := selectAttributes(m.attributes, in.MessageAttributeNames)
		list = append(list, receivedMessage{
			MessageID: m.id, ReceiptHandle: q.handle(m), MD5OfBody: bodyMD5(m.body), Body: m.body,
			Attributes:             systemAttributes(m, names),
			MD5OfMessageAttributes: attributesMD5(attributes),
			MessageAttributes:      attributes,
		})
	}
	return map[string]any{"Messages": list}, nil
}

func (s *Service) openReceive(r request, in receiveInput) (q *queue, visibility, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err = s.open(r, in.QueueUrl, "sqs:ReceiveMessage")
	if err != nil {
		return nil, 0, 0, err
	}
	if err := s.useKey(r.caller, q, "kms:Decrypt"); err != nil {
		return nil, 0, 0, err
	}
	visibility, wait = *q.VisibilityTimeout, q.ReceiveWait
	if in.VisibilityTimeout != nil {
		if visibility, err = duration("VisibilityTimeout", *in.VisibilityTimeout, maxVisibility); err != nil {
			return nil, 0, 0, err
		}
	}
	if in.WaitTimeSeconds != nil {
		if wait, err = duration("WaitTimeSeconds", *in.WaitTimeSeconds, maxWait); err != nil {
			return nil, 0, 0, err
		}
	}
	return q, visibility, wait, nil
}

// wait receives messages, and waits up to wait for the first: for one to be
// sent, or for one in flight to become visible again.
func (s *Service) wait(r request, q *queue, limit int, visibility, wait time.Duration) []*message {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		now := time.Now()
		messages := q.receive(now, limit, visibility)
		changed := q.changed
		next, hidden := q.nextVisible(now)
		s.mu.Unlock()
		if len(messages) > 0 || wait == 0 {
			return messages
		}
		var visible <-chan time.Time
		if hidden {
			t := time.NewTimer(next.Sub(now))
			defer t.Stop()
			visible = t.C
		}
		select {
		case <-changed:
		case <-visible:
		case <-deadline.C:
			return nil
		case <-r.Context().Done():
			return nil
		case <-s.closed:
			return nil
		}
	}
}

// systemAttributeNames are the attributes that a message of a standard queue
// can have; AWSTraceHeader and those of FIFO queues are accepted and absent.
func systemAttributeNames() []string {
	return []string{
		"ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "SenderId", "SentTimestamp",
		"AWSTraceHeader", "DeadLetterQueueSourceArn", "MessageDeduplicationId", "MessageGroupId", "SequenceNumber", "All",
	}
}

func checkSystemNames(names []string) error {
	for _, n := range names {
		if !slices.Contains(systemAttributeNames(), n) {
			return badRequest("InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute "+n+".")
		}
	}
	return nil
}

func systemAttributes(m *message, names []string) map[string]string {
	millis := func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
	all := map[string]string{
		"ApproximateFirstReceiveTimestamp": millis(m.firstReceived),
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"SenderId":                         m.sender,
		"SentTimestamp":                    millis(m.sent),
	}
	if slices.Contains(names, "All") {
		return all
	}
	selected := map[string]string{}
	for _, n := range names {
		if v, ok := all[n]; ok {
			selected[n] = v
		}
	}
	return selected
}
