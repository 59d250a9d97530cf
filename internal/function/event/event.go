// Package event reads what the function is invoked with: an SNS event whose
// messages each hold an S3 event notification, a Continuation, with which the
// function invokes itself, or a Batch, with which S3 Batch Operations does. The
// parts of a dead letter that say which objects it concerns are read with the
// same code.
//
// It guarantees that no part hides another: a message or record that cannot be
// understood becomes an error beside the records that can. Every Record it
// returns is complete enough to copy: bucket and key are present, the key is
// decoded exactly once, is UTF-8 and no longer than S3 allows, and the size is
// not negative.
//
// It does no I/O and does not judge whether a bucket belongs to the replica
// set, nor whether a record is worth copying.
package event

import (
	"encoding/json"
	"errors"
	"fmt"

	"s3fanout/internal/printable"
)

// Errors that a caller can tell apart with errors.Is.
var (
	// ErrMalformed marks a payload, message or record that is not of the
	// documented form.
	ErrMalformed = errors.New("malformed event")
	// ErrUnsupported marks a well-formed record or message of a kind that the
	// notification configuration does not ask for, such as ObjectRestore.
	ErrUnsupported = errors.New("unsupported event")
)

// snsSource is the EventSource of every record that SNS hands to a function.
const snsSource = "aws:sns"

// Invocation is what one invocation asks for: messages, a continuation or a
// batch, one of the three.
type Invocation struct {
	Messages     []Message
	Continuation *Continuation
	Batch        *Batch
}

// Message is one SNS message of an invocation.
type Message struct {
	ID       string // SNS's MessageId, for logs; may be empty
	TopicARN string // the topic that delivered it; may be empty
	Notification
}

// ParseInvocation reads the payload of one invocation, the SNS event as Lambda
// documents it (https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html),
// what EncodeContinuation made, or the request of S3 Batch Operations.
//
// The error says that the payload as a whole is none of them; then the
// Invocation is empty. It wraps ErrMalformed, or ErrUnsupported for a
// continuation of another version. What is wrong with a single message or task
// is in its Errs or Err, and the others are returned as if it were not there. No
// more than MaxRecords records and errors are returned beside one error a message.
func ParseInvocation(payload []byte) (Invocation, error) {
	var in struct {
		Records once
		// In any spelling of upper and lower case, as encoding/json has it.
		Continuation json.RawMessage `json:"s3fanout"`
		Batch        json.RawMessage `json:"invocationSchemaVersion"`
	}
	err := unmarshal(payload, &in)
	if err != nil || in.Continuation != nil || in.Batch != nil {
		if i, is, err := parseOther(payload); is {
			return i, err
		}
	}
	if err != nil {
		return Invocation{}, fmt.Errorf("parse invocation: %w", err)
	}
	var i Invocation
	left := MaxRecords
	err = eachOf(in.Records, MaxRecords, "messages", func(index int, r snsRecord, err error) {
		m := parseMessage(index, r, err, left)
		left -= min(left, len(m.Records)+len(m.Errs))
		i.Messages = append(i.Messages, m)
	})
	if err != nil {
		return Invocation{}, fmt.Errorf("parse invocation: %w", err)
	}
	return i, nil
}

// parseOther reads a continuation or a batch; it reports whether the payload is
// meant to be one.
func parseOther(payload []byte) (i Invocation, is bool, err error) {
	// What is no JSON object has no members.
	var members map[string]json.RawMessage
	_ = json.Unmarshal(payload, &members)
	if c, is, err := parseContinuation(members); err != nil {
		return Invocation{}, true, fmt.Errorf("parse invocation: %w", err)
	} else if is {
		return Invocation{Continuation: &c}, true, nil
	}
	if _, is := members[batchMember]; is {
		b, err := parseBatch(payload)
		if err != nil {
			return Invocation{}, true, fmt.Errorf("parse invocation: parse batch: %w", err)
		}
		return Invocation{Batch: &b}, true, nil
	}
	return Invocation{}, false, nil
}

// snsRecord is a record of SNS's event.
type snsRecord struct {
	EventSource string
	Sns         struct {
		MessageID string `json:"MessageId"`
		TopicARN  string `json:"TopicArn"`
		Message   *string
	}
}

// parseMessage reads a message of at most so many records.
func parseMessage(index int, in snsRecord, err error, most int) Message {
	fail := func(m Message, err error) Message {
		m.Errs = []error{fmt.Errorf("parse SNS message %s: %w", describe(m.ID, index), err)}
		return m
	}
	if err != nil {
		return fail(Message{}, err)
	}
	m := Message{ID: in.Sns.MessageID, TopicARN: in.Sns.TopicARN}
	if in.EventSource != snsSource {
		return fail(m, fmt.Errorf("%w: EventSource is %q, want %q", ErrUnsupported, in.EventSource, snsSource))
	}
	if in.Sns.Message == nil {
		return fail(m, fmt.Errorf("%w: Sns.Message is missing", ErrMalformed))
	}
	m.Notification = parseNotification([]byte(*in.Sns.Message), most)
	for i, err := range m.Errs {
		m.Errs[i] = fmt.Errorf("parse SNS message %s: %w", describe(m.ID, index), err)
	}
	return m
}

// describe names a part of an event by its identifier, or by its place where
// it has none.
func describe(id string, index int) string {
	if id == "" {
		return fmt.Sprintf("at Records[%d]", index)
	}
	return printable.Excerpt(id)
}

// malformed says what encoding/json finds wrong, without its words for Go's
// types where the document as a whole has the wrong one.
func malformed(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field == "" {
		return fmt.Errorf("%w: it is a JSON %s instead of an object", ErrMalformed, wrong.Value)
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// unmarshal is json.Unmarshal with ErrMalformed in the error.
func unmarshal(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return malformed(err)
	}
	return nil
}
