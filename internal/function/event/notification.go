package event

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"s3fanout/internal/printable"
)

const (
	s3Source    = "aws:s3"
	s3Service   = "Amazon S3"
	testEvent   = "s3:TestEvent"
	createdType = "ObjectCreated:"
	removedType = "ObjectRemoved:"
	taggingType = "ObjectTagging:"
	// destroyedType is of a version, or of an object that had none.
	destroyedType = "ObjectRemoved:Delete"
	// maxKeyBytes is S3's limit on a key's UTF-8 encoding
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
	maxKeyBytes = 1024
)

// Notification is what one S3 event notification says. It can hold records and
// errors at once.
type Notification struct {
	// TestEvent is set for the s3:TestEvent that S3 sends when notifications
	// are switched on. Such a notification has no records and no errors.
	TestEvent bool
	// TestBucket is the bucket that sent the TestEvent.
	TestBucket string
	Records    []Record
	// Errs has one error for each record that could not be understood, or a
	// single one if the notification as a whole could not. Each wraps
	// ErrMalformed or ErrUnsupported.
	Errs []error
}

// Record is one change of a key, as S3 reports it: an object's creation, or what
// only follow mode asks for. Bucket and Key are never empty.
type Record struct {
	Region      string // of the bucket
	Bucket      string
	Key         string    // decoded
	VersionID   string    // empty if the bucket is not versioned
	ETag        string    // opaque, without quotation marks
	Size        int64     // bytes, not negative
	Sequencer   string    // orders the events of one key
	EventName   string    // such as ObjectCreated:Put
	EventTime   time.Time // zero if absent or malformed; for measuring only
	PrincipalID string    // of who created the object
}

// Removal reports whether the key was deleted, or a version of it destroyed.
func (r Record) Removal() bool { return strings.HasPrefix(r.EventName, removedType) }

// Destruction reports whether a version was destroyed. The key may show something
// else since, or nothing, but nobody deleted it.
func (r Record) Destruction() bool { return r.EventName == destroyedType && r.VersionID != "" }

// Retagging reports whether an object's tags changed.
func (r Record) Retagging() bool { return strings.HasPrefix(r.EventName, taggingType) }

// Unfollowed is the error of a Removal or Retagging of a key of which these are not
// followed; it wraps ErrUnsupported.
func (r Record) Unfollowed() error { return unsupportedEvent(r.EventName, r.Bucket, r.Key) }

func unsupportedEvent(name, bucket, key string) error {
	return fmt.Errorf(
		"%w: eventName is %s of bucket %s and key %s; only %s* can be replicated, remove the rest from the bucket's notifications",
		ErrUnsupported, printable.Excerpt(name), printable.Excerpt(bucket), printable.Excerpt(key), createdType,
	)
}

// parseNotification reads one S3 event notification, the body of an SNS
// message (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
// Any eventVersion is accepted: AWS raises it for additions. Of more than most
// records none is read.
func parseNotification(body []byte, most int) Notification {
	var in struct {
		Service, Event, Bucket string
		Records                once
	}
	if err := unmarshal(body, &in); err != nil {
		return Notification{Errs: []error{fmt.Errorf("parse S3 event: %w", err)}}
	}
	if in.Service == s3Service && in.Event == testEvent {
		return Notification{TestEvent: true, TestBucket: in.Bucket}
	}
	var n Notification
	err := eachOf(in.Records, most, "records", func(index int, in s3Record, err error) {
		var r Record
		if err == nil {
			r, err = in.record()
		}
		if err != nil {
			n.Errs = append(n.Errs, fmt.Errorf("parse S3 event Records[%d]: %w", index, err))
			return
		}
		n.Records = append(n.Records, r)
	})
	if err != nil {
		return Notification{Errs: []error{fmt.Errorf("parse S3 event: %w", err)}}
	}
	return n
}

// s3Record is a record of S3's notification.
type s3Record struct {
	EventSource  string          `json:"eventSource"`
	Region       string          `json:"awsRegion"`
	EventTime    json.RawMessage `json:"eventTime"`
	EventName    string          `json:"eventName"`
	UserIdentity struct {
		PrincipalID string `json:"principalId"`
	} `json:"userIdentity"`
	S3 struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      int64  `json:"size"`
			ETag      string `json:"eTag"`
			VersionID string `json:"versionId"`
			Sequencer string `json:"sequencer"`
		} `json:"object"`
	} `json:"s3"`
}

// known reports whether an event is one that can be replicated or followed.
func known(eventName string) bool {
	for _, kind := range []string{createdType, removedType, taggingType} {
		if strings.HasPrefix(eventName, kind) {
			return true
		}
	}
	return false
}

// record is what the record says, if it is one of a change.
func (in s3Record) record() (Record, error) {
	object := in.S3.Object
	key, err := decodeKey("s3.object.key", object.Key)
	switch {
	case in.EventSource != s3Source:
		return Record{}, fmt.Errorf("%w: eventSource is %s, want %q", ErrUnsupported, printable.Excerpt(in.EventSource), s3Source)
	case !known(in.EventName):
		return Record{}, unsupportedEvent(in.EventName, in.S3.Bucket.Name, object.Key)
	case in.S3.Bucket.Name == "":
		return Record{}, fmt.Errorf("%w: s3.bucket.name is missing (key %s)", ErrMalformed, printable.Excerpt(object.Key))
	case err != nil:
		return Record{}, fmt.Errorf("%w (bucket %s)", err, printable.Excerpt(in.S3.Bucket.Name))
	case object.Size < 0:
		return Record{}, fmt.Errorf("%w: s3.object.size is %d (bucket %s, key %s)",
			ErrMalformed, object.Size, printable.Excerpt(in.S3.Bucket.Name), printable.Excerpt(object.Key))
	}
	return Record{
		Region:      in.Region,
		Bucket:      in.S3.Bucket.Name,
		Key:         key,
		VersionID:   object.VersionID,
		ETag:        object.ETag,
		Size:        object.Size,
		Sequencer:   object.Sequencer,
		EventName:   in.EventName,
		EventTime:   parseTime(in.EventTime),
		PrincipalID: in.UserIdentity.PrincipalID,
	}, nil
}

// decodeKey undoes the form encoding of the key in a member, once.
func decodeKey(member, encoded string) (string, error) {
	if encoded == "" {
		return "", fmt.Errorf("%w: %s is missing", ErrMalformed, member)
	}
	// U+FFFD that is not percent-encoded is what encoding/json makes of invalid
	// UTF-8 and of unpaired surrogates: the real key is lost.
	if strings.ContainsRune(encoded, utf8.RuneError) {
		return "", fmt.Errorf("%w: %s %s is not Unicode", ErrMalformed, member, printable.Excerpt(encoded))
	}
	key, err := url.QueryUnescape(encoded)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %s %s is not URL-encoded: %w", ErrMalformed, member, printable.Excerpt(encoded), err)
	case !utf8.ValidString(key):
		return "", fmt.Errorf("%w: %s %s does not decode to UTF-8", ErrMalformed, member, printable.Excerpt(encoded))
	case len(key) > maxKeyBytes:
		return "", fmt.Errorf("%w: %s %s decodes to %d bytes, S3 allows %d",
			ErrMalformed, member, printable.Excerpt(encoded), len(key), maxKeyBytes)
	}
	return key, nil
}

// parseTime returns the zero time for anything but an RFC 3339 string. The
// time only measures; a copy must not fail over it.
func parseTime(raw json.RawMessage) time.Time {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
