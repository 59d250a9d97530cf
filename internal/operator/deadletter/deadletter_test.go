package deadletter_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"s3fanout/internal/function/event"
	"s3fanout/internal/operator/deadletter"
)

const (
	topic        = "arn:aws:sns:us-east-1:111122223333:media-object-created"
	subscription = topic + ":2bcfbf39-05c3-41de-beaa-fcfcc21c8f55"
)

func fixture(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// edit returns the fixture with some members replaced; a nil value removes
// one.
func edit(t testing.TB, name string, changes map[string]any) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(fixture(t, name)), &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range changes {
		if v == nil {
			delete(m, k)
			continue
		}
		m[k] = v
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// A dead letter says what happened to the objects that it names.
func TestLettersSayWhatHappened(t *testing.T) {
	for event, want := range map[string]string{
		"ObjectCreated:Put": "", "ObjectRemoved:DeleteMarkerCreated": "deletion", "ObjectTagging:Put": "tags",
		"ObjectTagging:Delete": "tags",
	} {
		body := `{"Records":[{"eventVersion":"2.3","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-11-29T08:30:00.000Z",` +
			`"eventName":"` + event + `",` +
			`"s3":{"bucket":{"name":"b"},"object":{"key":"k","versionId":"v","size":1,"eTag":"e","sequencer":"1"}}}]}`
		message, err := json.Marshal(map[string]any{
			"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{"Message": body}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := deadletter.Decode(string(message), map[string]string{"RequestID": "r", "ErrorCode": "200", "ErrorMessage": "no"})
		if err != nil || len(got.Objects) != 1 || got.Objects[0].Change != want {
			t.Errorf("%s: got %+v, %v", event, got.Objects, err)
		}
	}
}

func TestDecodeForms(t *testing.T) {
	objects := []deadletter.Object{{Bucket: "media-111122223333-us-east-1", Key: "films/one €.mp4", VersionID: "v1"}}
	attributes := map[string]string{"RequestID": "r", "ErrorCode": "200", "ErrorMessage": "task timed\nout"}
	tests := []struct {
		name       string
		file       string
		attributes map[string]string
		want       deadletter.Letter
	}{
		{"on-failure destination", "on-failure.json", nil, deadletter.Letter{
			Kind:        deadletter.OnFailure,
			FunctionARN: "arn:aws:lambda:eu-west-1:111122223333:function:media-replicator:$LATEST",
			Reason:      "copy s3://media-111122223333-us-east-1/films/one €.mp4: denied",
			ErrorType:   "ReplicationError",
			Attempts:    3,
		}},
		{"function's queue", "function-dlq.json", attributes, deadletter.Letter{
			Kind: deadletter.FunctionQueue, Reason: "task timed out", ErrorType: "200",
		}},
		{"function's queue, attributes lost", "function-dlq.json", nil, deadletter.Letter{
			Kind: deadletter.FunctionQueue, Reason: "no reason given",
		}},
		{"subscription's queue", "subscription-dlq.json", nil, deadletter.Letter{
			Kind: deadletter.SubscriptionQueue, TopicARN: topic, SubscriptionARN: subscription, Reason: "no reason given",
		}},
		{"subscription's queue with attributes", "subscription-dlq.json", map[string]string{"RequestID": "r", "ErrorCode": "404"},
			deadletter.Letter{
				Kind: deadletter.SubscriptionQueue, TopicARN: topic, SubscriptionARN: subscription, Reason: "error 404", ErrorType: "404",
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := deadletter.Decode(fixture(t, tt.file), tt.attributes)
			if err != nil {
				t.Fatal(err)
			}
			if in, err := event.ParseInvocation(got.Payload); err != nil || len(in.Messages) != 1 || len(in.Messages[0].Errs) > 0 {
				t.Errorf("the payload is not what the function takes: %v %+v", err, in)
			}
			tt.want.Payload, tt.want.Objects = got.Payload, objects
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestDecodeContinuation shows that a copy that was handed over is a dead
// letter in both forms that a function's failure has.
func TestDecodeContinuation(t *testing.T) {
	want := event.Continuation{
		Source: event.Record{
			Region: "us-east-1", Bucket: "media-111122223333-us-east-1", Key: "films/one+€.mp4", VersionID: "v1", ETag: "e-2", Size: 20,
		},
		UploadID: "u", PartSize: 8, Handovers: 12,
	}
	payload, err := event.EncodeContinuation(want)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, body string
		attributes map[string]string
		kind       deadletter.Kind
		reason     string
	}{
		{"on-failure destination", edit(t, "on-failure.json", map[string]any{"requestPayload": json.RawMessage(payload)}), nil,
			deadletter.OnFailure, "copy s3://media-111122223333-us-east-1/films/one €.mp4: denied"},
		{"function's queue", string(payload), map[string]string{"RequestID": "r", "ErrorMessage": "boom"},
			deadletter.FunctionQueue, "boom"},
		{"function's queue, attributes lost", string(payload), nil, deadletter.FunctionQueue, "no reason given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := deadletter.Decode(tt.body, tt.attributes)
			if err != nil {
				t.Fatal(err)
			}
			if in, err := event.ParseInvocation(got.Payload); err != nil || in.Continuation == nil || *in.Continuation != want {
				t.Errorf("payload: got %s, %v", got.Payload, err)
			}
			if len(got.Objects) != 1 ||
				got.Objects[0] != (deadletter.Object{Bucket: want.Source.Bucket, Key: want.Source.Key, VersionID: "v1"}) {
				t.Errorf("objects: got %+v", got.Objects)
			}
			if got.Kind != tt.kind || got.Reason != tt.reason {
				t.Errorf("got %s, %q, want %s, %q", got.Kind, got.Reason, tt.kind, tt.reason)
			}
		})
	}
}

// TestSubscriptionPayload compares the event made from a notification with
// the one that SNS would have handed to the function.
func TestSubscriptionPayload(t *testing.T) {
	letter, err := deadletter.Decode(fixture(t, "subscription-dlq.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(letter.Payload, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(fixture(t, "function-dlq.json")), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestDecodeReasons(t *testing.T) {
	age := map[string]any{"functionArn": "arn:f", "condition": "EventAgeExceeded", "approximateInvokeCount": -4}
	tests := []struct {
		name    string
		changes map[string]any
		want    string
	}{
		{"too old", map[string]any{"requestContext": age, "responsePayload": nil},
			"the event grew older than the function's maximum event age"},
		{"type alone", map[string]any{"responsePayload": map[string]any{"errorType": "Runtime.ExitError"}}, "Runtime.ExitError"},
		{"text", map[string]any{"responsePayload": "just text"}, `"just text"`},
		{"nothing", map[string]any{"responsePayload": nil}, "RetriesExhausted"},
		// Lambda's page shows it, and does not say that it is always there.
		{"no version, which means 1.0", map[string]any{"version": nil}, "copy s3://media-111122223333-us-east-1/films/one €.mp4: denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := deadletter.Decode(edit(t, "on-failure.json", tt.changes), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Reason != tt.want {
				t.Errorf("reason: got %q, want %q", got.Reason, tt.want)
			}
			if got.Attempts < 0 {
				t.Errorf("attempts: got %d, want none", got.Attempts)
			}
		})
	}
}

// TestDecodeForeignEvent shows that an event of another form counts as a dead
// letter only if Lambda's attribute says so.
func TestDecodeForeignEvent(t *testing.T) {
	const body = `{"some":{"other":"event"}}`
	if got, err := deadletter.Decode(body, nil); !errors.Is(err, deadletter.ErrUnknown) {
		t.Errorf("without attributes: got %+v, %v, want ErrUnknown", got, err)
	}
	got, err := deadletter.Decode(body, map[string]string{"RequestID": "r", "ErrorMessage": "boom"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != deadletter.FunctionQueue || string(got.Payload) != body || got.Reason != "boom" || got.Objects != nil {
		t.Errorf("got %+v", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ name, body, says string }{
		{"empty", "", "not a JSON object"},
		{"text", "hello", "not a JSON object"},
		{"null", "null", "not a JSON object"},
		{"array", "[]", "not a JSON object"},
		{"not UTF-8", "{\"Type\":\"\xff\"}", "not UTF-8"},
		{"unknown", `{"a":1}`, "neither"},
		{"bare S3 event", `{"Records":[{"eventSource":"aws:s3"}]}`, "neither"},
		{"continuation of another version", `{"s3fanout":{"version":2}}`, "neither"},
		{"notification and continuation", `{"Type":"Notification","TopicArn":"t","s3fanout":{"version":1}}`, "without a Message"},
		{"mixed sources", `{"Records":[{"EventSource":"aws:sns"},{"EventSource":"aws:sqs"}]}`, "neither"},
		{"no records", `{"Records":[]}`, "neither"},
		{"other case", `{"type":"Notification","topicarn":"t","message":"m"}`, "neither"},
		{"envelope and notification", edit(t, "on-failure.json", map[string]any{"Type": "Notification", "TopicArn": topic}), "ambiguous"},
		{"notification and event", edit(t, "function-dlq.json", map[string]any{"Type": "Notification", "TopicArn": topic}), "ambiguous"},
		{"envelope of another version", edit(t, "on-failure.json", map[string]any{"version": "2.0"}), "2.0"},
		{"envelope with a number for a version", edit(t, "on-failure.json", map[string]any{"version": 1}), "version"},
		{"success",
			edit(t, "on-failure.json", map[string]any{"requestContext": map[string]any{"functionArn": "f", "condition": "Success"}}),
			"success"},
		{"no condition", edit(t, "on-failure.json", map[string]any{"requestContext": map[string]any{"functionArn": "f"}}), "condition"},
		{"no function", edit(t, "on-failure.json", map[string]any{"requestContext": map[string]any{"condition": "RetriesExhausted"}}),
			"functionArn"},
		{"context of another type", edit(t, "on-failure.json", map[string]any{"requestContext": "x"}), "requestContext"},
		{"payload of another type", edit(t, "on-failure.json", map[string]any{"requestPayload": "x"}), "requestPayload"},
		{"confirmation", edit(t, "subscription-dlq.json", map[string]any{"Type": "SubscriptionConfirmation"}), "SubscriptionConfirmation"},
		{"no message", edit(t, "subscription-dlq.json", map[string]any{"Message": nil}), "without a Message"},
		{"message of another type", edit(t, "subscription-dlq.json", map[string]any{"Message": map[string]any{}}), "without a Message"},
		{"topic of another type", edit(t, "subscription-dlq.json", map[string]any{"TopicArn": 7}), "TopicArn"},
		{"subscription of another topic", edit(t, "subscription-dlq.json", map[string]any{"TopicArn": topic + "-2"}),
			"not one of the topic"},
		{"subscription of a topic whose name begins with this one's", edit(t, "subscription-dlq.json", map[string]any{
			"UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + topic +
				"-2:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55",
		}), "not one of the topic"},
		{"link that is no URL", edit(t, "subscription-dlq.json", map[string]any{"UnsubscribeURL": "https://%zz"}), "not a URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := deadletter.Decode(tt.body, nil)
			if !errors.Is(err, deadletter.ErrUnknown) {
				t.Fatalf("got %+v, %v, want ErrUnknown", got, err)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %q, want it to name %q", err, tt.says)
			}
		})
	}
}

func TestDecodeWithoutSubscription(t *testing.T) {
	got, err := deadletter.Decode(edit(t, "subscription-dlq.json", map[string]any{"UnsubscribeURL": nil}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.SubscriptionARN != "" || got.TopicARN != topic {
		t.Errorf("got subscription %q of topic %q", got.SubscriptionARN, got.TopicARN)
	}
}

func TestLine(t *testing.T) {
	long := strings.Repeat("ab ", deadletter.MaxReason)
	tests := []struct{ in, want string }{
		{"", ""},
		{" a \r\n\t b ", "a b"},
		{"\x1b[31mred\x00", "[31mred"},
		{"right\u202eto left", "rightto left"},
		{"日本 語", "日本 語"},
		{"\xff", ""},
	}
	for _, tt := range tests {
		if got := deadletter.Line(tt.in); got != tt.want {
			t.Errorf("Line(%q): got %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := deadletter.Line(long); utf8.RuneCountInString(got) > deadletter.MaxReason || !strings.HasSuffix(got, "…") {
		t.Errorf("got %d characters: %q", utf8.RuneCountInString(got), got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, body, requestID, code, message string) {
		attributes := map[string]string{"ErrorCode": code, "ErrorMessage": message}
		if requestID != "" {
			attributes["RequestID"] = requestID
		}
		got, err := deadletter.Decode(body, attributes)
		if err != nil {
			if !errors.Is(err, deadletter.ErrUnknown) || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("error %q", err)
			}
			return
		}
		var object map[string]json.RawMessage // numbers may be larger than Go's
		if err := json.Unmarshal(got.Payload, &object); err != nil || object == nil {
			t.Errorf("the payload is not a JSON object: %v: %s", err, got.Payload)
		}
		for _, line := range []string{got.Reason, got.ErrorType} {
			if utf8.RuneCountInString(line) > deadletter.MaxReason ||
				strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("not one bounded printable line: %q", line)
			}
		}
		if got.Reason == "" || got.Kind == "" || got.Attempts < 0 {
			t.Errorf("incomplete: %+v", got)
		}
	})
}
