package replicator

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"s3fanout/internal/function/event"
	"s3fanout/internal/function/event/eventtest"
)

// FuzzInvoke checks what the function promises of every payload: an answer or
// an error and not both, an error that is one bounded line, log lines that are
// JSON, and no request for a bucket that is not of the replica set.
func FuzzInvoke(f *testing.F) {
	sns := func(message string) []byte {
		quoted, _ := json.Marshal(message)
		return []byte(`{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"m","Message":` + string(quoted) + `}}]}`)
	}
	f.Add(sns(eventtest.Message(eventtest.Upload("a+b%2Fc"))))
	f.Add(sns(eventtest.Message(eventtest.Record("eu-west-1", "media-eu", "k", "AWS:AROAEXAMPLE:media-replicator"))))
	f.Add(sns(testEvent))
	f.Add(batchOf(`"targetRegion":"us-east-1"`, task("t", "media-eu", "k")))
	f.Add(batchOf(`"version":"current"`, task("t", "media-us", "k"), `{"taskId":"u","s3Key":"%zz"}`))
	c, err := event.EncodeContinuation(event.Continuation{
		Source: event.Record{Region: "us-east-1", Bucket: "media-us", Key: "k", VersionID: "v", Size: 9}, UploadID: "u", PartSize: 5,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c)
	f.Fuzz(func(t *testing.T, payload []byte) {
		copies := &fakeCopier{}
		h, out := newTestHandler(copies)
		twin := &fakeTwin{answer: "{}"}
		h.Twin = twin.in
		answer, err := h.Invoke(t.Context(), payload)
		if (answer == nil) == (err == nil) {
			t.Fatalf("answer %s and error %v", answer, err)
		}
		if err != nil {
			var re *ReplicationError
			if !errors.As(err, &re) || len(re.Failures) == 0 || len(re.Failures) > re.Parts {
				t.Errorf("%T of %v", err, err)
			}
			if text := err.Error(); len(text) > 64<<10 || strings.ContainsAny(text, "\n\r\x00") {
				t.Errorf("%d bytes, or more than one line: %q", len(text), text)
			}
		} else if !json.Valid(answer) {
			t.Errorf("answer %s", answer)
		}
		lines(t, out)
		for _, r := range copies.got {
			source, member := h.Config.Sources.WithBucket(r.Source.Bucket)
			if !member || source.Region != r.Source.Region || r.Source.Region == "" || r.Source.Key == "" {
				t.Errorf("asked to copy %+v", r.Source)
			}
		}
	})
}
