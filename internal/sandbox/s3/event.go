package s3

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"s3fanout/internal/sandbox/iam"
)

// Notification is a message that S3 sends to a topic.
type Notification struct {
	Region    string
	Bucket    string
	BucketARN string
	TopicARN  string
	Body      []byte // JSON
}

// eventVersion is the version of the event structure
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
const eventVersion = "2.6"

// Event times have milliseconds, in UTC.
const eventTime = "2006-01-02T15:04:05.000Z"

// origin is where a write came from.
type origin struct {
	region    string
	caller    iam.Caller
	address   string
	requestID string
	hostID    string
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
	Size      int64  `json:"size"`
	ETag      string `json:"eTag"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer"`
}

// createdEvent returns the event that an operation's write causes, or "".
func createdEvent(operation string) string {
	switch operation {
	case "PutObject":
		return "s3:ObjectCreated:Put"
	case "CopyObject":
		return "s3:ObjectCreated:Copy"
	case "CompleteMultipartUpload":
		return "s3:ObjectCreated:CompleteMultipartUpload"
	}
	return ""
}

// eventBody is the message about a write.
func eventBody(b *bucket, configurationID, event, key string, w written, o origin, now time.Time) []byte {
	return mustMarshal(eventMessage{Records: []eventRecord{{
		EventVersion:      eventVersion,
		EventSource:       "aws:s3",
		AWSRegion:         b.region,
		EventTime:         now.UTC().Format(eventTime),
		EventName:         strings.TrimPrefix(event, "s3:"),
		UserIdentity:      principal{"AWS:" + o.caller.PrincipalID},
		RequestParameters: map[string]string{"sourceIPAddress": o.address},
		ResponseElements:  map[string]string{"x-amz-request-id": o.requestID, "x-amz-id-2": o.hostID},
		S3: eventEntity{
			SchemaVersion:   "1.0",
			ConfigurationID: configurationID,
			Bucket:          eventBucket{Name: b.name, OwnerIdentity: principal{b.ownerID}, ARN: b.arn},
			Object: eventObject{
				Key: encodeKey(key), Size: w.size, ETag: strings.Trim(w.etag, `"`), VersionID: w.versionID, Sequencer: w.sequencer,
			},
		},
	}}})
}

// encodeKey encodes a key as events have it: as a form value, with slashes
// left alone.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
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
