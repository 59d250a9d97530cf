package event

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// invocation wraps notification bodies as SNS hands them to a function.
func invocation(t testing.TB, bodies ...string) []byte {
	t.Helper()
	type sns struct {
		Type, MessageId, TopicArn, Message, Timestamp string
	}
	type record struct {
		EventSource, EventVersion, EventSubscriptionArn string
		Sns                                             sns
	}
	var in struct{ Records []record }
	for i, body := range bodies {
		in.Records = append(in.Records, record{
			EventSource: "aws:sns", EventVersion: "1.0",
			Sns: sns{
				Type: "Notification", MessageId: "m-" + string(rune('0'+i)),
				TopicArn: "arn:aws:sns:us-west-2:123456789012:media", Message: body,
				Timestamp: "2026-11-20T10:15:31.000Z",
			},
		})
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// record returns a notification's record with the object's JSON given.
func record(object string) string {
	return `{"eventSource":"aws:s3","awsRegion":"us-west-2","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":` +
		object + `}}`
}

func notification(records ...string) string {
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func TestParseInvocationReadsDocumentedEvents(t *testing.T) {
	got, err := ParseInvocation(invocation(t, fixture(t, "put.json"), fixture(t, "copy-by-role.json"), fixture(t, "test-event.json")))
	if err != nil {
		t.Fatal(err)
	}
	const topic = "arn:aws:sns:us-west-2:123456789012:media"
	want := []Message{
		{ID: "m-0", TopicARN: topic, Notification: Notification{Records: []Record{{
			Region: "us-west-2", Bucket: "amzn-s3-demo-bucket", Key: "HappyFace.jpg",
			VersionID: "096fKKXTRTtl3on89fVO.nfljtsv6qko", ETag: "d41d8cd98f00b204e9800998ecf8427e",
			Size: 1024, Sequencer: "0055AED6DCD90281E5", EventName: "ObjectCreated:Put",
			EventTime: time.Unix(0, 123e6).UTC(), PrincipalID: "AWS:AIDAJDPLRKLG7UEXAMPLE",
		}}}},
		{ID: "m-1", TopicARN: topic, Notification: Notification{Records: []Record{{
			Region: "eu-west-1", Bucket: "media-123456789012-eu-west-1", Key: "a b+c%/ü 🐘.txt",
			ETag: "d41d8cd98f00b204e9800998ecf8427e", Sequencer: "0A1B2C3D4E5F678901",
			EventName: "ObjectCreated:Copy", EventTime: time.Date(2026, 11, 20, 10, 15, 30, 500e6, time.UTC),
			PrincipalID: "AWS:AROAIOSFODNN7EXAMPLE:media-replicator",
		}}}},
		{ID: "m-2", TopicARN: topic, Notification: Notification{TestEvent: true, TestBucket: "amzn-s3-demo-bucket"}},
	}
	if !reflect.DeepEqual(got.Messages, want) || got.Continuation != nil {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseInvocationRefusesWhatIsNoSNSEvent(t *testing.T) {
	for name, payload := range map[string]string{
		"empty":         ``,
		"not JSON":      `hello`,
		"no records":    `{}`,
		"empty records": `{"Records":[]}`,
		"null records":  `{"Records":null}`,
		"wrong type":    `{"Records":"x"}`,
		"an array":      `[]`,
		"trailing text": `{"Records":[{}]} x`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseInvocation([]byte(payload))
			if !errors.Is(err, ErrMalformed) || got.Messages != nil || got.Continuation != nil {
				t.Errorf("got %v, %v; want no messages and ErrMalformed", got, err)
			}
		})
	}
}

func TestOneBadMessageHidesNoOther(t *testing.T) {
	good := fixture(t, "put.json")
	payload := invocation(t, good, "not JSON", `{"Records":[]}`, good)
	// A record that is no SNS record at all, and one without a message.
	payload = []byte(strings.Replace(string(payload), `{"Records":[`,
		`{"Records":[{"EventSource":"aws:s3"},{"EventSource":"aws:sns","Sns":{"MessageId":"m-x"}},7,`, 1))
	got, err := ParseInvocation(payload)
	if err != nil {
		t.Fatal(err)
	}
	wantErr := []error{ErrUnsupported, ErrMalformed, ErrMalformed, nil, ErrMalformed, ErrMalformed, nil}
	if len(got.Messages) != len(wantErr) {
		t.Fatalf("got %d messages, want %d", len(got.Messages), len(wantErr))
	}
	for i, m := range got.Messages {
		err := errors.Join(m.Errs...)
		if !errors.Is(err, wantErr[i]) || (wantErr[i] == nil) != (len(m.Records) == 1) {
			t.Errorf("message %d: got %d records and error %v, want error %v", i, len(m.Records), err, wantErr[i])
		}
		if err != nil && m.ID != "" && !strings.Contains(err.Error(), m.ID) {
			t.Errorf("message %d: error %q does not name message %s", i, err, m.ID)
		}
	}
}

func TestOneBadRecordHidesNoOther(t *testing.T) {
	got := parseNotification([]byte(notification(
		record(`{"key":"first"}`), record(`{"key":"%zz"}`), `"text"`, record(`{"key":"last"}`))), MaxRecords)
	if len(got.Records) != 2 || got.Records[0].Key != "first" || got.Records[1].Key != "last" {
		t.Errorf("got records %+v, want first and last", got.Records)
	}
	if len(got.Errs) != 2 {
		t.Errorf("got errors %v, want two", got.Errs)
	}
}

func TestParseNotificationValidatesRecords(t *testing.T) {
	long := strings.Repeat("a", 1024)
	for _, tt := range []struct {
		name, body string
		key        string // want, or
		err        error
	}{
		{"plus is a space, once", notification(record(`{"key":"a+b%2Bc%252B"}`)), "a b+c%2B", nil},
		{"longest key", notification(record(`{"key":"` + long + `"}`)), long, nil},
		{"length counts decoded bytes", notification(record(`{"key":"` + strings.Repeat("%61", 1024) + `"}`)), long, nil},
		{"unencoded Unicode", notification(record(`{"key":"ü"}`)), "ü", nil},
		{"encoded replacement character", notification(record(`{"key":"%EF%BF%BD"}`)), "\uFFFD", nil},
		{"prefixed event name is another event",
			strings.Replace(notification(record(`{"key":"k"}`)), "ObjectCreated", "s3:ObjectCreated", 1), "", ErrUnsupported},
		{"unknown version",
			strings.Replace(notification(record(`{"key":"k"}`)), `"eventSource"`, `"eventVersion":"9.9","eventSource"`, 1), "k", nil},
		{"bad time", strings.Replace(notification(record(`{"key":"k"}`)), `"eventSource"`, `"eventTime":17,"eventSource"`, 1), "k", nil},

		{"too long", notification(record(`{"key":"` + long + `a"}`)), "", ErrMalformed},
		{"no key", notification(record(`{}`)), "", ErrMalformed},
		{"no bucket", strings.Replace(notification(record(`{"key":"k"}`)), `"name":"b"`, `"name":""`, 1), "", ErrMalformed},
		{"bad escape", notification(record(`{"key":"100%"}`)), "", ErrMalformed},
		{"not UTF-8 once decoded", notification(record(`{"key":"%FF"}`)), "", ErrMalformed},
		{"not UTF-8", notification(record("{\"key\":\"\xff\"}")), "", ErrMalformed},
		{"unpaired surrogate", notification(record(`{"key":"\ud800"}`)), "", ErrMalformed},
		{"negative size", notification(record(`{"key":"k","size":-1}`)), "", ErrMalformed},
		{"size overflow", notification(record(`{"key":"k","size":9223372036854775808}`)), "", ErrMalformed},
		{"size as text", notification(record(`{"key":"k","size":"1"}`)), "", ErrMalformed},
		{"null record", notification(`null`), "", ErrUnsupported},
		{"other source", strings.Replace(notification(record(`{"key":"k"}`)), "aws:s3", "aws:sqs", 1), "", ErrUnsupported},
		{"deletion", strings.Replace(notification(record(`{"key":"k"}`)), "ObjectCreated:Put", "ObjectRemoved:Delete", 1), "k", nil},
		{"tags", strings.Replace(notification(record(`{"key":"k"}`)), "ObjectCreated:Put", "ObjectTagging:Put", 1), "k", nil},
		{"another kind", strings.Replace(notification(record(`{"key":"k"}`)), "ObjectCreated:Put", "ObjectRestore:Post", 1), "",
			ErrUnsupported},
		{"no records", `{"Records":[]}`, "", ErrMalformed},
		{"other Amazon S3 event", `{"Service":"Amazon S3","Event":"s3:Other"}`, "", ErrMalformed},
		{"test event of another service", `{"Service":"Other","Event":"s3:TestEvent"}`, "", ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := parseNotification([]byte(tt.body), MaxRecords)
			if tt.err != nil {
				if len(got.Records) != 0 || len(got.Errs) != 1 || !errors.Is(got.Errs[0], tt.err) {
					t.Fatalf("got %+v, want one error: %v", got, tt.err)
				}
				if text := got.Errs[0].Error(); strings.Contains(text, "\n") || len(text) > 1500 {
					t.Errorf("error is not one bounded line: %q", text)
				}
				return
			}
			if len(got.Errs) != 0 || len(got.Records) != 1 || got.Records[0].Key != tt.key {
				t.Errorf("got %+v, want key %q", got, tt.key)
			}
		})
	}
}

func FuzzParseInvocation(f *testing.F) {
	f.Add(invocation(f, fixture(f, "put.json"), fixture(f, "copy-by-role.json"), fixture(f, "test-event.json")))
	f.Add([]byte(batchRequest("2.0", `{"taskId":"t","s3Key":"a%20b+c","s3VersionId":null,"s3Bucket":"b"}`)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		in, err := ParseInvocation(payload)
		kinds := 0
		for _, is := range []bool{len(in.Messages) > 0, in.Continuation != nil, in.Batch != nil} {
			if is {
				kinds++
			}
		}
		if err == nil && kinds != 1 || err != nil && kinds != 0 {
			t.Fatalf("got %+v and error %v", in, err)
		}
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("error %v is neither ErrMalformed nor ErrUnsupported", err)
		}
		for _, m := range in.Messages {
			checkNotification(t, m.Notification)
		}
		if in.Continuation != nil {
			checkContinuation(t, *in.Continuation)
		}
		if in.Batch != nil {
			checkBatch(t, *in.Batch)
		}
	})
}

func FuzzParseNotification(f *testing.F) {
	for _, name := range []string{"put.json", "copy-by-role.json", "test-event.json"} {
		f.Add([]byte(fixture(f, name)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		checkNotification(t, parseNotification(body, MaxRecords))
	})
}

// checkNotification asserts what the package promises of every result.
func checkNotification(t *testing.T, n Notification) {
	t.Helper()
	if parts := len(n.Records) + len(n.Errs); n.TestEvent != (parts == 0) {
		t.Errorf("test event is %t beside %d records and errors", n.TestEvent, parts)
	}
	for _, r := range n.Records {
		if r.Bucket == "" || r.Key == "" || len(r.Key) > maxKeyBytes || !utf8.ValidString(r.Key) || r.Size < 0 {
			t.Errorf("record breaks the promise: %+v", r)
		}
	}
	for _, err := range n.Errs {
		if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("error %v is neither ErrMalformed nor ErrUnsupported", err)
		}
	}
}
