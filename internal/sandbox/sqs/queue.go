package sqs

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
)

// queue is a queue's state. Its methods take the time as a value and expect
// the service's lock to be held.
type queue struct {
	QueueConfig
	region, arn, url  string
	policy            *iam.Document
	created, modified time.Time
	purged            time.Time
	messages          []*message    // oldest first
	changed           chan struct{} // closed when messages may have become available
	expiry            *time.Timer   // end of the oldest message's retention
}

// message is one message. Its latest receipt is the only one that deletes it.
type message struct {
	id, body      string
	attributes    map[string]Attribute
	sender        string
	sent          time.Time
	visibleAt     time.Time
	firstReceived time.Time
	receives      int
	receipt       string
}

// inFlight tells whether the message was received and is neither deleted nor
// visible again.
func (m *message) inFlight(now time.Time) bool { return m.receives > 0 && m.visibleAt.After(now) }

// expire drops what is older than the retention period. What a message waits
// or is in flight does not lengthen its life.
func (q *queue) expire(now time.Time) {
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool {
		return !m.sent.Add(q.MessageRetention).After(now)
	})
}

// nextExpiry tells when the oldest message's retention ends.
func (q *queue) nextExpiry() (time.Time, bool) {
	if len(q.messages) == 0 {
		return time.Time{}, false
	}
	return q.messages[0].sent.Add(q.MessageRetention), true
}

// receive takes up to limit visible messages and hides them for visibility.
func (q *queue) receive(now time.Time, limit int, visibility time.Duration) []*message {
	q.expire(now)
	var list []*message
	for _, m := range q.messages {
		if len(list) == limit {
			break
		}
		if m.visibleAt.After(now) {
			continue
		}
		m.visibleAt = now.Add(visibility)
		m.receives++
		if m.firstReceived.IsZero() {
			m.firstReceived = now
		}
		m.receipt = uuid.NewString()
		copied := *m // what the receiver sees does not change with the next receive
		list = append(list, &copied)
	}
	return list
}

// nextVisible tells when the first hidden message becomes visible.
func (q *queue) nextVisible(now time.Time) (at time.Time, ok bool) {
	for _, m := range q.messages {
		if m.visibleAt.After(now) && (!ok || m.visibleAt.Before(at)) {
			at, ok = m.visibleAt, true
		}
	}
	return at, ok
}

// count returns how many messages are visible, in flight and delayed.
func (q *queue) count(now time.Time) (visible, inFlight, delayed int) {
	q.expire(now)
	for _, m := range q.messages {
		switch {
		case m.inFlight(now):
			inFlight++
		case m.visibleAt.After(now):
			delayed++
		default:
			visible++
		}
	}
	return visible, inFlight, delayed
}

// handle makes the receipt handle of a received message.
func (q *queue) handle(m *message) string {
	return base64.StdEncoding.EncodeToString([]byte(q.arn + " " + m.id + " " + m.receipt))
}

// find returns the message of a receipt handle, or nil if it is gone. latest
// tells whether the handle is of its latest receive. A handle that this queue
// never gave out is an error.
func (q *queue) find(handle string) (m *message, latest bool, err error) {
	raw, err := base64.StdEncoding.DecodeString(handle)
	parts := strings.Split(string(raw), " ")
	if err != nil || len(parts) != 3 || parts[0] != q.arn {
		return nil, false, badRequest("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid",
			"The input receipt handle \""+handle+"\" is not a valid receipt handle.")
	}
	i := slices.IndexFunc(q.messages, func(m *message) bool { return m.id == parts[1] })
	if i < 0 {
		return nil, false, nil
	}
	return q.messages[i], q.messages[i].receipt == parts[2], nil
}

// remove deletes the message of a receipt handle. An outdated handle, or one
// of a message that is gone, is accepted and changes nothing, as in SQS.
func (q *queue) remove(handle string) error {
	m, latest, err := q.find(handle)
	if err != nil || m == nil || !latest {
		return err
	}
	q.messages = slices.DeleteFunc(q.messages, func(other *message) bool { return other == m })
	return nil
}

// hide sets how long from now a message in flight stays invisible.
func (q *queue) hide(now time.Time, handle string, visibility time.Duration) error {
	m, latest, err := q.find(handle)
	switch {
	case err != nil:
		return err
	case m == nil || !latest:
		return invalidParameter("Value " + handle + " for parameter ReceiptHandle is invalid. " +
			"Reason: Message does not exist or is not available for visibility timeout change.")
	case !m.inFlight(now):
		return badRequest("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "The specified message isn't in flight.")
	}
	m.visibleAt = now.Add(visibility)
	return nil
}
