package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// A bucket can be asked to tell of every event that the SDK knows.
func TestEventsAreThoseOfTheSDK(t *testing.T) {
	for _, e := range types.Event("").Values() {
		if !slices.Contains(allEvents(), string(e)) {
			t.Errorf("%s is missing", e)
		}
	}
}

// configured is a document of notifications with everything that people have set
// by console, command and templates: IDs, filters in either order, and without a value.
const configured = `<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
	`<TopicConfiguration><Id>b first</Id><Topic>` + topic +
	`</Topic><Event>s3:ObjectCreated:Put</Event><Event>s3:ObjectCreated:Copy</Event>` +
	`<Filter><S3Key><FilterRule><Name>Suffix</Name><Value>.jpg</Value></FilterRule><FilterRule><Name>Prefix</Name>` +
	`<Value>in put/ä+</Value>` +
	`</FilterRule></S3Key></Filter>` +
	`</TopicConfiguration>` +
	`<TopicConfiguration><Id>a second</Id><Topic>` + topic + `2</Topic><Event>s3:ReducedRedundancyLostObject</Event></TopicConfiguration>` +
	`<QueueConfiguration><Id>q</Id><Queue>arn:aws:sqs:` + here + `:` + account + `:queue</Queue><Event>s3:ObjectRemoved:*</Event>` +
	`<Filter><S3Key><FilterRule><Name>Prefix</Name><Value></Value></FilterRule><FilterRule><Name>Suffix</Name><Value></Value>` +
	`</FilterRule>` +
	`</S3Key></Filter>` +
	`</QueueConfiguration>` +
	`<CloudFunctionConfiguration><Id>f</Id><CloudFunction>arn:aws:lambda:` + here + `:` + account +
	`:function:f</CloudFunction><Event>s3:ObjectTagging:*</Event>` +
	`<Filter><S3Key></S3Key></Filter></CloudFunctionConfiguration>` +
	`<EventBridgeConfiguration></EventBridgeConfiguration></NotificationConfiguration>`

func sum(document string) string {
	hash := sha256.Sum256([]byte(document))
	return hex.EncodeToString(hash[:])
}

// Notifications are shown as they were put, byte for byte, after a restart too.
func TestNotificationsAreShownAsPut(t *testing.T) {
	w := newWorld(t)
	if _, err := w.client(here).CreateBucket(t.Context(), createIn("asked", "")); err != nil {
		t.Fatal(err)
	}
	show := func() string {
		t.Helper()
		status, _, body := do(t, w.raw(t, http.MethodGet, "/asked?notification=", emptyHash, nil))
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		return strings.TrimPrefix(body, xml.Header)
	}
	put := func(document string) {
		t.Helper()
		status, _, body := do(t, w.raw(t, http.MethodPut, "/asked?notification=", sum(document), []byte(document)))
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	put(configured)
	if got := show(); got != configured {
		t.Errorf("shown\n%s\nwant\n%s", got, configured)
	}
	w.reopen(t)
	if got := show(); got != configured {
		t.Errorf("after a restart shown\n%s\nwant\n%s", got, configured)
	}
	// As the SDK reads and writes it.
	c, b := w.client(here), aws.String("asked")
	got, err := c.GetBucketNotificationConfiguration(t.Context(), &sdk.GetBucketNotificationConfigurationInput{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	put(`<NotificationConfiguration></NotificationConfiguration>`)
	if _, err := c.PutBucketNotificationConfiguration(t.Context(), &sdk.PutBucketNotificationConfigurationInput{Bucket: b,
		NotificationConfiguration: &types.NotificationConfiguration{
			TopicConfigurations: got.TopicConfigurations, QueueConfigurations: got.QueueConfigurations,
			LambdaFunctionConfigurations: got.LambdaFunctionConfigurations, EventBridgeConfiguration: got.EventBridgeConfiguration,
		}}); err != nil {
		t.Fatal(err)
	}
	if got := show(); got != configured {
		t.Errorf("written by the SDK\n%s\nwant\n%s", got, configured)
	}
}

// Each event is told to whom the rules say, whatever kind of destination that is.
func TestNotificationsGoWhereTheRulesSay(t *testing.T) {
	w := newWorld(t)
	status, _, body := do(t, w.raw(t, http.MethodPut, "/"+hereBucket+"?notification=", sum(configured), []byte(configured)))
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	names := func() string {
		var list []string
		for _, m := range w.messages(t) {
			list = append(list, m.Destination[strings.LastIndex(m.Destination, ":")+1:])
		}
		return strings.Join(list, " ")
	}
	if got, want := names(), "topic topic topic2 queue f"; got != want { // the first is the test bed's own
		t.Errorf("tested %s, want %s", got, want)
	}
	w.put(t, here, hereBucket, "in put/ä+x.jpg", "x")
	w.put(t, here, hereBucket, "in put/ä+x.png", "x")
	if got := names(); got != "topic" {
		t.Errorf("told %q of two uploads, want the topic about one", got)
	}
	_, err := w.client(here).DeleteObject(t.Context(), &sdk.DeleteObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("in put/ä+x.png"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(); got != "queue" {
		t.Errorf("told %q of a deletion, want the queue", got)
	}
}

// What S3 refuses is refused in its words, and changes nothing.
func TestNotificationsThatS3Refuses(t *testing.T) {
	w := newWorld(t)
	c, b := w.client(here), aws.String(hereBucket)
	filter := func(prefix, suffix string) *types.NotificationConfigurationFilter {
		f := &types.S3KeyFilter{}
		for _, r := range KeyFilter(prefix, suffix) {
			f.FilterRules = append(f.FilterRules, types.FilterRule{Name: types.FilterRuleName(r.Name), Value: aws.String(r.Value)})
		}
		return &types.NotificationConfigurationFilter{Key: f}
	}
	tell := func(id string, event types.Event, f *types.NotificationConfigurationFilter) types.TopicConfiguration {
		return types.TopicConfiguration{Id: aws.String(id), TopicArn: aws.String(topic), Events: []types.Event{event}, Filter: f}
	}
	queue := func(event types.Event, f *types.NotificationConfigurationFilter) []types.QueueConfiguration {
		return []types.QueueConfiguration{
			{Id: aws.String("q"), QueueArn: aws.String("arn:aws:sqs:" + here + ":" + account + ":q"),
				Events: []types.Event{event}, Filter: f},
		}
	}
	type topics = []types.TopicConfiguration
	const ambiguous, overlap = "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are " +
		"overlapping for the same event type.",
		"Configurations overlap. Configurations on the same bucket cannot share a common event type."
	for name, tt := range map[string]struct {
		topics topics
		queues []types.QueueConfiguration
		want   string // "" if it is taken
	}{
		"one event, no filters": {topics{tell("a", "s3:ObjectCreated:*", nil), tell("b", "s3:ObjectCreated:Put", nil)}, nil, overlap},
		"of two kinds":          {topics{tell("a", "s3:ObjectCreated:*", nil)}, queue("s3:ObjectCreated:Copy", nil), overlap},
		"one filter": {topics{tell("a", "s3:ObjectCreated:*", nil)},
			queue("s3:ObjectCreated:*", filter("in/", "")), ambiguous},
		"a prefix of the prefix": {topics{
			tell("a", "s3:ObjectCreated:*", filter("in", "")), tell("b", "s3:ObjectCreated:*", filter("in/a", "")),
		}, nil, ambiguous},
		"a suffix of the suffix": {topics{
			tell("a", "s3:ObjectCreated:*", filter("", "jpg")), tell("b", "s3:ObjectCreated:*", filter("", "pg")),
		}, nil, ambiguous},
		"prefix here, suffix there": {topics{
			tell("a", "s3:ObjectCreated:*", filter("in/", "")), tell("b", "s3:ObjectCreated:*", filter("", ".jpg")),
		}, nil, ambiguous},
		"suffixes apart": {topics{
			tell("a", "s3:ObjectCreated:*", filter("in/", ".png")), tell("b", "s3:ObjectCreated:*", filter("in/", ".jpg")),
		}, nil, ""},
		"prefixes apart": {topics{tell("a", "s3:ObjectCreated:*", filter("in/", ""))},
			queue("s3:ObjectCreated:*", filter("out/", "")), ""},
		"events apart": {topics{tell("a", "s3:ObjectCreated:Put", nil)}, queue("s3:ObjectCreated:Copy", nil), ""},
		"an ID twice": {topics{tell("q", "s3:ObjectCreated:*", nil)}, queue("s3:ObjectRemoved:*", nil),
			"Same ID used for multiple configurations. IDs must be unique"},
		"a long ID": {topics{tell(strings.Repeat("i", 256), "s3:ObjectCreated:*", nil)}, nil,
			"The ID is longer than 255 characters"},
		"the test event":           {topics{tell("a", "s3:TestEvent", nil)}, nil, "A specified event is not supported for notifications"},
		"events that never happen": {topics{tell("a", "s3:ObjectRestore:*", nil)}, queue("s3:LifecycleExpiration:*", nil), ""},
		"a queue where a topic goes": {topics{
			{TopicArn: aws.String("arn:aws:sqs:" + here + ":" + account + ":q"), Events: []types.Event{"s3:ObjectCreated:*"}},
		}, nil, "The ARN is not well formed"},
	} {
		t.Run(name, func(t *testing.T) {
			before, err := c.GetBucketNotificationConfiguration(t.Context(), &sdk.GetBucketNotificationConfigurationInput{Bucket: b})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.PutBucketNotificationConfiguration(t.Context(), &sdk.PutBucketNotificationConfigurationInput{
				Bucket:                    b,
				NotificationConfiguration: &types.NotificationConfiguration{TopicConfigurations: tt.topics, QueueConfigurations: tt.queues},
			})
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantCode(t, err, 400, "InvalidArgument")
			var refused smithy.APIError
			if errors.As(err, &refused); refused.ErrorMessage() != tt.want {
				t.Errorf("%q, want %q", refused.ErrorMessage(), tt.want)
			}
			after, err := c.GetBucketNotificationConfiguration(t.Context(), &sdk.GetBucketNotificationConfigurationInput{Bucket: b})
			if err != nil || len(after.TopicConfigurations) != len(before.TopicConfigurations) ||
				len(after.QueueConfigurations) != len(before.QueueConfigurations) {
				t.Errorf("%+v, %v; want what there was: %+v", after, err, before)
			}
		})
	}
}
