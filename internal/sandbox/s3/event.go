package s3

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"s3fanout/internal/sandbox/iam"
)

// Notification is a message that S3 sends to a topic, a queue or a function.
type Notification struct {
	Region      string
	Bucket      string
	BucketARN   string
	Destination string // ARN
	Body        []byte // JSON
}

// eventVersion is the version of the event structure
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
const eventVersion = "2.6"

// Event times have milliseconds, in UTC.
const eventTime = "2006-01-02T15:04:05.000Z"

// origin is where a change came from.
type origin struct {
	caller  iam.Caller
	address string
	ids     ids
}

type eventMessage struct {
	Records []eventRecord `json:"Records"`
}

type eventRecord struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	AWSRegion         string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      principal         `json:"userIdentity"`
	RequestParameters map[string]string `json:"requestParameters"`
	ResponseElements  map[string]string `json:"responseElements"`
	S3                eventEntity       `json:"s3"`
}

type principal struct {
	PrincipalID string `json:"principalId"`
}

type eventEntity struct {
	SchemaVersion   string      `json:"s3SchemaVersion"`
	ConfigurationID string      `json:"configurationId"`
	Bucket          eventBucket `json:"bucket"`
	Object          eventObject `json:"object"`
}

type eventBucket struct {
	Name          string    `json:"name"`
	OwnerIdentity principal `json:"ownerIdentity"`
	ARN           string    `json:"arn"`
}

type eventObject struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"eTag,omitempty"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
}

// change is what has become of a version, with what its event tells: of one
// that was made all, of a delete marker the tag of nothing, of a version that
// was destroyed neither tag nor size, of tags no place in the sequence.
type change struct {
	event     string // as s3:ObjectCreated:Put
	size      *int64
	etag      string
	versionID string // "" in a bucket without versions
	sequencer string
}

// Events of S3
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html).
const (
	eventPut           = "s3:ObjectCreated:Put"
	eventCopy          = "s3:ObjectCreated:Copy"
	eventCompleted     = "s3:ObjectCreated:CompleteMultipartUpload"
	eventDelete        = "s3:ObjectRemoved:Delete"
	eventMarker        = "s3:ObjectRemoved:DeleteMarkerCreated"
	eventTaggingPut    = "s3:ObjectTagging:Put"
	eventTaggingDelete = "s3:ObjectTagging:Delete"
)

// allEvents returns the events that a bucket can be asked to tell. Some happen
// only on AWS: restores, replication, transitions and expirations, changes of
// ACLs, retention and annotations.
func allEvents() []string {
	return []string{
		"s3:ObjectCreated:*", eventPut, "s3:ObjectCreated:Post", eventCopy, eventCompleted,
		"s3:ObjectRemoved:*", eventDelete, eventMarker,
		"s3:ObjectTagging:*", eventTaggingPut, eventTaggingDelete,
		"s3:ReducedRedundancyLostObject", "s3:IntelligentTiering", "s3:LifecycleTransition", "s3:ObjectAcl:Put", "s3:ObjectRetention:Put",
		"s3:ObjectAnnotation:*", "s3:ObjectAnnotation:Put", "s3:ObjectAnnotation:Delete",
		"s3:ObjectRestore:*", "s3:ObjectRestore:Post", "s3:ObjectRestore:Completed", "s3:ObjectRestore:Delete",
		"s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
		"s3:Replication:*", "s3:Replication:OperationFailedReplication", "s3:Replication:OperationNotTracked",
		"s3:Replication:OperationMissedThreshold", "s3:Replication:OperationReplicatedAfterThreshold",
	}
}

// covers says whether an event is one that the pattern, which may end in *,
// asks for.
func covers(pattern, event string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return pattern == event || open && strings.HasPrefix(event, prefix)
}

// eventBody is the message about a change.
func eventBody(b *bucket, configurationID, key string, c change, o origin, now time.Time) []byte {
	return mustMarshal(eventMessage{Records: []eventRecord{{
		EventVersion:      eventVersion,
		EventSource:       "aws:s3",
		AWSRegion:         b.region,
		EventTime:         now.UTC().Format(eventTime),
		EventName:         strings.TrimPrefix(c.event, "s3:"),
		UserIdentity:      principal{"AWS:" + o.caller.PrincipalID},
		RequestParameters: map[string]string{"sourceIPAddress": o.address},
		ResponseElements:  map[string]string{"x-amz-request-id": o.ids.request, "x-amz-id-2": o.ids.host},
		S3: eventEntity{
			SchemaVersion:   "1.0",
			ConfigurationID: configurationID,
			Bucket:          eventBucket{Name: b.name, OwnerIdentity: principal{b.ownerID}, ARN: b.arn},
			Object: eventObject{
				Key: encodeKey(key), Size: c.size, ETag: c.etag, VersionID: c.versionID, Sequencer: c.sequencer,
			},
		},
	}}})
}

// testEventBody is the message that S3 sends when notifications are switched
// on (https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html).
func testEventBody(bucket string, i ids, now time.Time) []byte {
	return mustMarshal(struct {
		Service   string
		Event     string
		Time      string
		Bucket    string
		RequestID string `json:"RequestId"`
		HostID    string `json:"HostId"`
	}{"Amazon S3", "s3:TestEvent", now.UTC().Format(eventTime), bucket, i.request, i.host})
}

// mustMarshal encodes values that always can be.
func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return b
}
