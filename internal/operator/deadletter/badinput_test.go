package deadletter_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"s3fanout/internal/operator/deadletter"
)

func toJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestBadLetters has a row of cmd/s3fanout/testdata/bad-input.txt each: messages that anybody who
// may write to the queue can put there. Each is refused in one bounded line,
// or read with what is harmful left out.
func TestBadLetters(t *testing.T) {
	envelope := func(change string, value any) string {
		return edit(t, "on-failure.json", map[string]any{change: value})
	}
	batch := map[string]any{
		"invocationSchemaVersion": "2.0", "invocationId": "i",
		"job":   map[string]any{"id": "j", "userArguments": map[string]any{"targetRegion": "eu-west-1"}},
		"tasks": []any{map[string]any{"taskId": "t", "s3Key": "k", "s3Bucket": "media-111122223333-us-east-1"}},
	}
	for _, tt := range []struct {
		id, body string
		refused  string // in the error; empty for none
		reason   string // in the dead letter's
	}{
		{"dl-01", "", "not a JSON object", ""},
		{"dl-02", strings.Repeat("\x00garbage\x1b[2J", 256<<10/12), "not a JSON object", ""},
		{"dl-03", "{\"Type\":\"\xff\"}", "not UTF-8", ""},
		{"dl-04", strings.Repeat("[", 100_000), "not a JSON object", ""},
		{"dl-05", `{"a":` + strings.Repeat(`{"a":`, 20_000), "not a JSON object", ""},
		{"dl-06", edit(t, "on-failure.json", map[string]any{"Type": "Notification", "TopicArn": topic}), "ambiguous", ""},
		{"dl-07", envelope("version", "2.0"), "2.0", ""},
		{"dl-08", envelope("requestContext", map[string]any{"functionArn": "f", "condition": "Success"}), "success", ""},
		{"dl-09", envelope("requestPayload", "x"), "requestPayload", ""},
		{"dl-10", envelope("responsePayload", map[string]any{"errorMessage": "no\x1b[2J\r\nentry\u202e", "errorType": "E"}), "",
			"no[2J entry"},
		{"dl-11", envelope("responsePayload", map[string]any{"errorMessage": strings.Repeat("ü", 100_000), "errorType": "E"}), "", "ü…"},
		{"dl-12",
			envelope("requestContext", map[string]any{"functionArn": "f", "condition": "RetriesExhausted", "approximateInvokeCount": -1}),
			"", "denied"},
		{"dl-13",
			envelope("requestContext", map[string]any{"functionArn": "f", "condition": "RetriesExhausted", "approximateInvokeCount": 1e99}),
			"", "denied"},
		{"dl-14", envelope("requestPayload", batch), "a request of S3 Batch Operations", ""},
		{"dl-15", toJSON(t, batch), "a request of S3 Batch Operations", ""},
	} {
		t.Run(tt.id, func(t *testing.T) {
			got, err := deadletter.Decode(tt.body, map[string]string{"RequestID": "r"})
			if tt.refused != "" {
				if !errors.Is(err, deadletter.ErrUnknown) || !strings.Contains(err.Error(), tt.refused) ||
					strings.ContainsAny(err.Error(), "\n\r\x1b\x00") || len(err.Error()) > 1000 {
					t.Errorf("got %+v, %.300q, want a line with %q", got, err, tt.refused)
				}
				return
			}
			if err != nil || !strings.Contains(got.Reason, tt.reason) || got.Attempts < 0 {
				t.Fatalf("got %+v, %v, want reason %q", got, err, tt.reason)
			}
			if utf8.RuneCountInString(got.Reason) > deadletter.MaxReason || strings.ContainsAny(got.Reason, "\n\r\x1b\u202e") {
				t.Errorf("reason %.200q", got.Reason)
			}
		})
	}
}
