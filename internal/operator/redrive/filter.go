package redrive

import (
	"strings"
	"time"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/printable"
)

// Filter chooses dead letters. The zero value chooses all; what is set has to be
// met together.
type Filter struct {
	// Prefix is what the key of one of the dead letter's objects begins with.
	Prefix string
	// OlderThan and NewerThan bound how long ago the dead letter came into the
	// queue; zero means no bound. A dead letter of unknown age meets neither.
	OlderThan, NewerThan time.Duration
	// Reason is a part of the dead letter's reason, in upper or lower case.
	Reason string
	// Key is that of one of the dead letter's objects.
	Key string
	// Cause is what the dead letter's reason has in common with others; see
	// deadletter.Cause.
	Cause string
	// MessageID is SQS's, which a message keeps when it is received again. SQS
	// hands out no message by its ID: the queue is read until it comes.
	MessageID string
}

// Candidate is what a Filter is asked about.
type Candidate struct {
	MessageID string
	SentAt    time.Time // zero if unknown
	// Reason and Objects are those of the dead letter, or what is wrong with it.
	Reason  string
	Objects []deadletter.Object
	// Cause is that of Reason, which takes time to find; empty means that it has to
	// be found.
	Cause string
}

// Chooses decides about a dead letter.
func (f Filter) Chooses(c Candidate, now time.Time) bool {
	return (f.MessageID == "" || f.MessageID == c.MessageID) && f.objects(c.Objects) && f.age(c.SentAt, now) && f.reason(c) &&
		(f.Cause == "" || f.Cause == c.cause())
}

func (c Candidate) cause() string {
	if c.Cause != "" {
		return c.Cause
	}
	return deadletter.Cause(c.Reason)
}

func (f Filter) objects(objects []deadletter.Object) bool {
	if f.Prefix == "" && f.Key == "" {
		return true
	}
	for _, o := range objects {
		if strings.HasPrefix(o.Key, f.Prefix) && (f.Key == "" || o.Key == f.Key) {
			return true
		}
	}
	return false
}

func (f Filter) age(sentAt, now time.Time) bool {
	if f.OlderThan == 0 && f.NewerThan == 0 {
		return true
	}
	if sentAt.IsZero() {
		return false
	}
	age := now.Sub(sentAt)
	return (f.OlderThan == 0 || age > f.OlderThan) && (f.NewerThan == 0 || age < f.NewerThan)
}

// reason also looks at what people are shown, of one dead letter and of a group, which
// they copy from: quoted if it cannot be shown as it is, and cut at an ellipsis.
func (f Filter) reason(c Candidate) bool {
	part := strings.ToLower(f.Reason)
	if begin := strings.TrimSuffix(part, "…"); begin != "" {
		part = begin
	}
	has := func(text string) bool {
		return strings.Contains(strings.ToLower(text), part) ||
			!printable.Is(text) && strings.Contains(strings.ToLower(printable.Quote(text)), part)
	}
	return part == "" || has(c.Reason) || has(deadletter.Essence(c.Reason)) || has(c.cause())
}
