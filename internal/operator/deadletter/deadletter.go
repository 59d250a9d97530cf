// Package deadletter reads what lies in a Region's dead-letter queue: which
// invocation failed, why, which objects it concerns, and with what payload it can
// be made again.
//
// What failed is an event, or a continuation of a copy that an event began (package
// event). Three senders write to the queue, each in a form of its own: the
// function's on-failure destination, the function's dead-letter queue, and the
// dead-letter queue of a subscription to the Region's topic. Decode tells them
// apart by what only one of them has, and refuses what fits none or several.
//
// It guarantees that the payload holds the original values unchanged, that
// everything meant for display is one bounded line without control characters, and
// that no input makes it panic. It does no I/O, and does not judge whether a dead
// letter belongs to the replica set.
package deadletter

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"s3fanout/internal/function/event"
)

// ErrUnknown marks a message that is not a dead letter of a known form.
var ErrUnknown = errors.New("not a known dead letter")

// Kind says who put the dead letter into the queue. The values are stable.
type Kind string

// The senders of dead letters.
const (
	// OnFailure is a function's on-failure destination
	// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
	OnFailure Kind = "on-failure"
	// FunctionQueue is a function's DeadLetterConfig (same page).
	FunctionQueue Kind = "function-dlq"
	// SubscriptionQueue is the RedrivePolicy of a topic's subscription
	// (https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html).
	SubscriptionQueue Kind = "subscription-dlq"
)

// Letter is one decoded dead letter.
type Letter struct {
	Kind Kind
	// Payload is what to invoke the function with: a JSON object.
	Payload []byte
	// FunctionARN is the function that failed, with a qualifier if it had one.
	// Known for OnFailure alone.
	FunctionARN string
	// TopicARN and SubscriptionARN say which delivery failed. Known for
	// SubscriptionQueue alone, where SubscriptionARN may be empty.
	TopicARN, SubscriptionARN string
	// Reason says why it failed, one line of at most MaxReason characters,
	// never empty.
	Reason string
	// ErrorType is the error's type or code, empty if unknown.
	ErrorType string
	// Attempts is how often the function was invoked, 0 if unknown.
	Attempts int
	// Objects are those that the payload names, as far as it can be understood. A
	// dead letter without any can still be replayed.
	Objects []Object
}

// Object is an object that a dead letter concerns.
type Object struct {
	Bucket    string
	Key       string // decoded
	VersionID string // empty if the event names none
	// Change is deletion or tags where that is what happened to the object; else it
	// was written.
	Change string
}

// Message attributes of a function's dead-letter queue. SNS uses the error
// attributes too.
const (
	attrRequestID    = "RequestID"
	attrErrorCode    = "ErrorCode"
	attrErrorMessage = "ErrorMessage"
)

// members are the members of a JSON object. Unlike a struct, a map keeps
// encoding/json from matching names that differ in case.
type members map[string]json.RawMessage

// Decode reads a message of the queue: its body, and its message attributes
// by name. An error wraps ErrUnknown and says what the message is not.
func Decode(body string, attributes map[string]string) (Letter, error) {
	if !utf8.ValidString(body) {
		return Letter{}, fmt.Errorf("%w: the body is not UTF-8", ErrUnknown)
	}
	var m members
	if err := json.Unmarshal([]byte(body), &m); err != nil || m == nil {
		return Letter{}, fmt.Errorf("%w: the body is not a JSON object", ErrUnknown)
	}
	kind, err := classify(body, m, attributes)
	if err != nil {
		return Letter{}, err
	}
	var l Letter
	switch kind {
	case OnFailure:
		l, err = decodeEnvelope(m)
	case SubscriptionQueue:
		l, err = decodeNotification(m, attributes)
	default:
		l = decodeEvent(body, attributes)
	}
	if err != nil {
		return Letter{}, err
	}
	in, err := event.ParseInvocation(l.Payload)
	if err == nil && in.Batch != nil {
		return Letter{}, fmt.Errorf("%w: a request of S3 Batch Operations, which is never in a queue", ErrUnknown)
	}
	l.Objects = objects(in)
	return l, nil
}

// classify finds the one form that the message has.
func classify(body string, m members, attributes map[string]string) (Kind, error) {
	var kinds []Kind
	if m.has("requestContext") && m.has("requestPayload") {
		kinds = append(kinds, OnFailure)
	}
	if m.has("Type") && m.has("TopicArn") {
		kinds = append(kinds, SubscriptionQueue)
	}
	// The event can have any form, so an event that is none of ours is known
	// by Lambda's attributes. An event of SNS and a continuation are known by
	// themselves: a message that somebody moved from another queue may have
	// lost its attributes.
	_, byLambda := attributes[attrRequestID]
	switch {
	case isSNSEvent(m["Records"]), isContinuation(body):
		kinds = append(kinds, FunctionQueue)
	case len(kinds) == 0 && byLambda:
		kinds = append(kinds, FunctionQueue)
	}
	switch len(kinds) {
	case 0:
		return "", fmt.Errorf("%w: neither an on-failure record of Lambda (requestContext and requestPayload), "+
			"nor a notification of SNS (Type and TopicArn), nor an event with Lambda's attribute %s", ErrUnknown, attrRequestID)
	case 1:
		return kinds[0], nil
	default:
		return "", fmt.Errorf("%w: ambiguous, it has the members of both %s and %s", ErrUnknown, kinds[0], kinds[1])
	}
}

func isSNSEvent(records json.RawMessage) bool {
	var list []members
	if json.Unmarshal(records, &list) != nil || len(list) == 0 {
		return false
	}
	for _, record := range list {
		if source, ok := record.text("EventSource"); !ok || source != snsSource {
			return false
		}
	}
	return true
}

// isContinuation reports whether the body is what the function invokes itself
// with.
func isContinuation(body string) bool {
	in, err := event.ParseInvocation([]byte(body))
	return err == nil && in.Continuation != nil
}

// objects lists what the payload names. What cannot be read is left out: the
// list informs people, and the function judges the payload itself.
func objects(in event.Invocation) []Object {
	var list []Object
	add := func(r event.Record) {
		o := Object{Bucket: r.Bucket, Key: r.Key, VersionID: r.VersionID}
		switch {
		case r.Removal():
			o.Change = "deletion"
		case r.Retagging():
			o.Change = "tags"
		}
		list = append(list, o)
	}
	if in.Continuation != nil {
		add(in.Continuation.Source)
	}
	for _, m := range in.Messages {
		for _, r := range m.Records {
			add(r)
		}
	}
	return list
}

func (m members) has(name string) bool {
	_, ok := m[name]
	return ok
}

// text returns a member that is a string.
func (m members) text(name string) (string, bool) {
	var s *string
	if json.Unmarshal(m[name], &s) != nil || s == nil {
		return "", false
	}
	return *s, true
}

// object returns a member that is an object.
func (m members) object(name string) (members, bool) {
	var o members
	if json.Unmarshal(m[name], &o) != nil || o == nil {
		return nil, false
	}
	return o, true
}
