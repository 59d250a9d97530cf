package redrive

import (
	"strings"
	"time"

	"s3fanout/internal/operator/deadletter"
)

// Filter chooses letters. The zero value chooses all; what is set has to be
// met together.
type Filter struct {
	// Prefix is what the key of one of the letter's objects begins with.
	Prefix string
	// OlderThan and NewerThan bound how long ago the letter came into the
	// queue; zero means no bound. A letter of unknown age meets neither.
	OlderThan, NewerThan time.Duration
	// Reason is a part of the letter's reason, in upper or lower case.
	Reason string
	// Key is that of one of the letter's objects.
	Key string
	// Cause is what the letter's reason has in common with others; see
	// deadletter.Cause.
	Cause string
}

// chooses decides about a letter that came into the queue at sentAt.
func (f Filter) chooses(l deadletter.Letter, sentAt, now time.Time) bool {
	return f.prefix(l) && f.age(sentAt, now) && f.reason(l) && (f.Cause == "" || deadletter.Cause(l.Reason) == f.Cause)
}

func (f Filter) prefix(l deadletter.Letter) bool {
	if f.Prefix == "" && f.Key == "" {
		return true
	}
	for _, o := range l.Objects {
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

// reason also looks at what people are shown, which they copy from.
func (f Filter) reason(l deadletter.Letter) bool {
	part := strings.ToLower(f.Reason)
	return strings.Contains(strings.ToLower(l.Reason), part) || strings.Contains(strings.ToLower(deadletter.Essence(l.Reason)), part)
}
