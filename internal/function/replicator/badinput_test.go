package replicator

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"s3fanout/internal/function/event"
	"s3fanout/internal/function/event/eventtest"
)

// zipped is a payload as nobody but a mistaken sender compresses it.
func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// object is a record of the source us-east-1 with these members of its object.
func object(members string) string {
	return `{"eventSource":"aws:s3","awsRegion":"us-east-1","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"media-us"},"object":{` +
		members + `}}}`
}

// TestBadInput has a row of cmd/s3fanout/testdata/bad-input.txt each: payloads that no sender of
// the function's should send. Each ends in an error, which reaches the
// dead-letter queue with the payload, or in copies; what is good beside it is
// copied. Nothing else is logged as copied, and the error is one bounded line.
func TestBadInput(t *testing.T) {
	one := eventtest.Message(eventtest.Upload("k"))
	whole := string(eventtest.Payload(one))
	continuation := func(replace ...string) string {
		return strings.NewReplacer(replace...).Replace(`{"s3fanout":{"version":1,"continue":{"source":{"region":"us-east-1",` +
			`"bucket":"media-us","key":"k","size":9},` +
			`"uploadId":"u","partSize":5,"handovers":0}}}`)
	}
	var many []string
	for i := range 1_001 {
		many = append(many, eventtest.Upload(fmt.Sprintf("k%d", i)))
	}
	wrap := func(body string) string { return string(eventtest.Payload(body)) }
	beside := func(bad string) string {
		return string(eventtest.Payload(eventtest.Message(bad, eventtest.Upload("good"))))
	}

	for _, tt := range []struct {
		id      string
		payload string
		class   error  // nil: no error
		says    string // in the error
		copies  int
	}{
		// The payload as a whole.
		{"fn-01", "", event.ErrMalformed, "unexpected end of JSON input", 0},
		{"fn-02", "hello", event.ErrMalformed, "invalid character 'h' looking for beginning of value", 0},
		{"fn-03", zipped(t, whole), event.ErrMalformed, `invalid character '\x1f' looking for beginning of value`, 0},
		{"fn-04", "\xef\xbb\xbf" + whole, event.ErrMalformed, "invalid character 'ï' looking for beginning of value", 0},
		{"fn-05", `{"Records":[]}`, event.ErrMalformed, "Records is missing or empty", 0},
		{"fn-06", `{"Records":` + strings.Repeat("[", 100_000), event.ErrMalformed, "exceeded max depth", 0},
		{"fn-07", whole + whole, event.ErrMalformed, "invalid character '{' after top-level value", 0},
		{"fn-08", one, event.ErrUnsupported, `EventSource is "aws:s3", want "aws:sns"`, 0},
		// Messages.
		{"fn-09", string(eventtest.Payload(strings.Repeat("\x00\xff", 512<<10), one)), event.ErrMalformed, `invalid character '\x00'`, 1},
		{"fn-10", wrap(eventtest.Message(many[:1_000]...)), nil, "", 1_000},
		{"fn-50", wrap(eventtest.Message(many...)), event.ErrMalformed, "more than 1000 records in one invocation", 0},
		{"fn-51", wrap(`{"Records":[` + strings.Repeat("{},", 999) + `{}]}`), event.ErrUnsupported, "1000 of 1000 failed", 0},
		{"fn-11", wrap(`{"Records":` + strings.Repeat(`{"Records":`, 20_000)), event.ErrMalformed, "exceeded max depth", 0},
		{"fn-12", wrap(`{"Records":[` + eventtest.Upload("first") + `],"Records":[` + eventtest.Upload("last") + `]}`), event.ErrMalformed,
			"it has Records twice", 0},
		{"fn-13", wrap(eventtest.Message(eventtest.Upload("k"), eventtest.Upload("k"))), nil, "", 2},
		{"fn-43", beside(object(`"key":"first","key":"last"`)), nil, "", 2},
		// Keys and versions.
		{"fn-14", beside(object(`"key":""`)), event.ErrMalformed, "s3.object.key is missing", 1},
		{"fn-15", beside(object(`"key":"` + strings.Repeat("k", 1025) + `"`)), event.ErrMalformed, "1025 bytes", 1},
		{"fn-16", beside(object(`"key":"%ff%fe"`)), event.ErrMalformed, "does not decode to UTF-8", 1},
		{"fn-17", beside(object(`"key":"100%"`)), event.ErrMalformed, "not URL-encoded", 1},
		{"fn-18", beside(object(`"key":"a%0d%0aX-Amz-Acl:public-read%00"`)), nil, "", 2},
		{"fn-19", beside(object(`"key":"k","versionId":"v\r\nX-Amz-Acl: public-read"`)), nil, "", 2},
		// Sizes.
		{"fn-20", beside(object(`"key":"k","size":-1`)), event.ErrMalformed, "size is -1", 1},
		{"fn-21", beside(object(`"key":"k","size":9223372036854775808`)), event.ErrMalformed,
			"cannot unmarshal number 9223372036854775808", 1},
		{"fn-22", wrap(eventtest.Message(object(`"key":"k","size":NaN`), eventtest.Upload("good"))), event.ErrMalformed,
			"invalid character 'N' looking for beginning of value", 0},
		// Sources and senders.
		{"fn-23", beside(eventtest.Record("eu-west-1", "media-eu", "k", "")), errSource, "it is the function's own bucket", 1},
		{"fn-24", beside(eventtest.Record("us-east-1", "stranger", "k", "")), errSource, "replica set media has no such bucket", 1},
		{"fn-25", beside(eventtest.Record("ap-south-1", "media-us", "k", "")), errSource,
			`the replica set has the bucket in us-east-1, the event says "ap-south-1"`, 1},
		{"fn-26", beside(strings.Replace(eventtest.Upload("k"), "aws:s3", "aws:sqs", 1)), event.ErrUnsupported, `"aws:sqs"`, 1},
		{"fn-27", beside(strings.Replace(eventtest.Upload("k"), "ObjectCreated:Put", "ObjectRemoved:Delete", 1)), event.ErrUnsupported,
			"ObjectRemoved:Delete", 1},
		{"fn-28", beside(strings.Replace(eventtest.Upload("k"), "2026-11-20T", "2126-11-20T", 1)), nil, "", 2},
		{"fn-29", beside(strings.Replace(eventtest.Upload("k"), "2026-11-20T", "1970-01-01T", 1)), nil, "", 2},
		{"fn-30", beside(strings.Replace(eventtest.Upload("k"), "2026-11-20T", "yesterday", 1)), nil, "", 2},
		// Continuations.
		{"fn-31", continuation(`"version":1`, `"version":2`), event.ErrUnsupported,
			"version 2, this function knows 1; deploy the same version in all Regions", 0},
		{"fn-32", continuation(`{"s3fanout"`, `{"Records":[],"s3fanout"`), event.ErrMalformed, "other members", 0},
		{"fn-33", continuation(`"size":9`, `"size":50001`), event.ErrMalformed, "50001 bytes in parts of 5 are more than 10000 parts", 0},
		{"fn-34", continuation(`"media-us"`, `"stranger"`), errSource, "replica set media has no such bucket", 0},
		// Batches without an answer.
		{"fn-35", `{"invocationSchemaVersion":"2.0","invocationId":"i","tasks":[]}`, event.ErrMalformed,
			"invocationId or tasks is missing or empty", 0},
		{"fn-36", `{"invocationSchemaVersion":"2.0","invocationId":"i","tasks":[{"s3Key":"k","s3Bucket":"media-us"}]}`, event.ErrMalformed,
			"tasks[0].taskId is missing", 0},
	} {
		t.Run(tt.id, func(t *testing.T) {
			copies := &fakeCopier{}
			h, out := newTestHandler(copies)
			answer, err := h.Invoke(t.Context(), []byte(tt.payload))
			if len(copies.got) != tt.copies {
				t.Errorf("%d copies, want %d", len(copies.got), tt.copies)
			}
			if n := strings.Count(out.String(), "not understood"); n > 11 {
				t.Errorf("%d lines say what was not understood, want ten and a count", n)
			}
			for _, line := range lines(t, out) {
				if ms, ok := line["lagMs"].(float64); ok && ms < 0 {
					t.Errorf("a lag of %v ms", ms)
				}
			}
			if tt.class == nil {
				var sum summary
				if err != nil || json.Unmarshal(answer, &sum) != nil || sum.Copied != tt.copies {
					t.Errorf("got %s and %v, want %d copied", answer, err, tt.copies)
				}
				return
			}
			var re *ReplicationError
			if answer != nil || !errors.As(err, &re) || !errors.Is(err, tt.class) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %s and %v, want an error with %q", answer, err, tt.says)
			}
			if text := err.Error(); len(text) > 2000 || strings.ContainsAny(text, "\n\r\x00") {
				t.Errorf("%d bytes, or more than a line: %q", len(text), text)
			}
		})
	}
}

// Tasks of a batch that cannot be done have a result each, the others are done
// (rows of cmd/s3fanout/testdata/bad-input.txt).
func TestBadTasks(t *testing.T) {
	good := task("good", "media-us", "k")
	for _, tt := range []struct{ id, arguments, task, code, says, others string }{
		{"fn-37", "", `{"taskId":"t","s3Key":"%zz","s3Bucket":"media-us"}`, permanentFailure, "not URL-encoded", succeeded},
		{"fn-38", "", task("t", "stranger", "k"), permanentFailure, "replica set media has no such bucket", succeeded},
		{"fn-39", "", task("t", "media-eu", "k"), permanentFailure, "name another Region in the job's argument targetRegion", succeeded},
		{"fn-40", `"targetRegion":"mars-1"`, task("t", "media-us", "k"), permanentFailure, `replica set media has no Region "mars-1"`,
			permanentFailure},
		{"fn-41", `"targetRegion":"us-east-1\r\nx"`, task("t", "media-us", "k"), permanentFailure, `has no Region "us-east-1\r\nx"`,
			permanentFailure},
		{"fn-42", "", task("good", "media-us", "other"), succeeded, "Copied", succeeded}, // the same ID twice
	} {
		t.Run(tt.id, func(t *testing.T) {
			h, _ := newTestHandler(&fakeCopier{})
			a := answerOf(t, h, batchOf(tt.arguments, tt.task, good))
			if len(a.Results) != 2 || a.Results[0].Code != tt.code || !strings.Contains(a.Results[0].Text, tt.says) ||
				a.Results[1].Code != tt.others {
				t.Errorf("got %+v, want %s with %q and %s", a.Results, tt.code, tt.says, tt.others)
			}
		})
	}
}
