package redrive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"s3fanout/internal/function/event"
	"s3fanout/internal/operator/redrive"
)

// TestContinuationBeginsANewChain shows that a copy that was handed over as
// often as one chain allows goes on from where it stopped, in the function
// that holds the upload, with its count at zero; and that a dead letter that fails
// again keeps its own payload.
func TestContinuationBeginsANewChain(t *testing.T) {
	want := event.Continuation{
		Source:   event.Record{Region: east, Bucket: "media-" + account + "-" + east, Key: "a+b ü", VersionID: "v1", ETag: "e", Size: 30},
		UploadID: "upload-1", PartSize: 8, Handovers: 12,
	}
	payload, err := event.EncodeContinuation(want)
	if err != nil {
		t.Fatal(err)
	}
	letter, err := json.Marshal(map[string]any{
		"version":         "1.0",
		"requestContext":  map[string]any{"functionArn": functionARN(west) + ":$LATEST", "condition": "RetriesExhausted"},
		"requestPayload":  json.RawMessage(payload),
		"responsePayload": map[string]any{"errorMessage": "handed over 12 times"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want.Handovers = 0
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprintf("fails %t", fails), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				if fails {
					w.functions[west].run = func(context.Context, string) error { return errThrown }
				}
				w.queues[west].put(string(letter))
				report := w.run(t, t.Context())
				outcome, left := redrive.Replayed, 0
				if fails {
					outcome, left = redrive.Failed, 1
				}
				if got := outcomes(report); got != west+" "+string(outcome) {
					t.Errorf("outcomes: got %s, want %s", got, outcome)
				}
				if got := w.functions[west].payloads; len(got) != 1 {
					t.Fatalf("invoked with %q, want one payload", got)
				}
				in, err := event.ParseInvocation([]byte(w.functions[west].payloads[0]))
				if err != nil || in.Continuation == nil || *in.Continuation != want {
					t.Errorf("invoked with %s (%v), want %+v", w.functions[west].payloads[0], err, want)
				}
				if objects := report.Regions[1].Results[0].Letter.Objects; len(objects) != 1 || objects[0].Key != want.Source.Key {
					t.Errorf("objects: got %+v", objects)
				}
				if w.queues[west].left() != left || fails && !strings.Contains(w.queues[west].messages[0].body, `"handovers":12`) {
					t.Errorf("%d letters left, want %d, unchanged", w.queues[west].left(), left)
				}
			})
		})
	}
}
