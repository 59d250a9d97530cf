package event

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func unfinished() Continuation {
	return Continuation{
		Source: Record{
			Region: "us-west-2", Bucket: "media-us", Key: "a b+c%2B/ü 🐘\n\uFFFD<&>.bin", VersionID: "v1", ETag: "e1-2", Size: 20 << 20,
			EventTime: time.Date(2026, 11, 20, 10, 15, 30, 500e6, time.UTC),
		},
		UploadID: "upload/1+=", PartSize: 8 << 20, Handovers: 3,
	}
}

const continuationText = `{"s3fanout":{"version":1,"continue":{"source":{"region":"us-west-2","bucket":"media-us","key":"k+%2B",` +
	`"versionId":"v1","size":3,"eTag":"e"},"uploadId":"u","partSize":2,"handovers":1}}}`

func TestContinuationReadsItsDocumentedForm(t *testing.T) {
	got, err := ParseInvocation([]byte(continuationText))
	want := Invocation{Continuation: &Continuation{
		Source:   Record{Region: "us-west-2", Bucket: "media-us", Key: "k+%2B", VersionID: "v1", ETag: "e", Size: 3},
		UploadID: "u", PartSize: 2, Handovers: 1,
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	again, err := EncodeContinuation(*got.Continuation)
	if err != nil || string(again) != continuationText {
		t.Errorf("got  %s, %v\nwant %s", again, err, continuationText)
	}
}

func TestContinuationKeepsEveryField(t *testing.T) {
	unversioned := unfinished()
	unversioned.Source.VersionID, unversioned.Source.ETag, unversioned.Source.EventTime = "", "", time.Time{}
	most := unfinished()
	most.Source.Size, most.PartSize, most.Source.Key = maxParts*maxPartSize, maxPartSize, strings.Repeat("k", maxKeyBytes)
	over, overNothing := unfinished(), unfinished()
	over.IfMatch, overNothing.IfNoneMatch = "e/\"2-3", "*"
	for _, want := range []Continuation{unfinished(), unversioned, most, over, overNothing} {
		payload, err := EncodeContinuation(want)
		if err != nil {
			t.Fatal(err)
		}
		// Lambda takes 1 MiB; a key of control characters grows sixfold.
		if len(payload) > 16<<10 {
			t.Errorf("%d bytes", len(payload))
		}
		got, err := ParseInvocation(payload)
		if err != nil || got.Continuation == nil || *got.Continuation != want || got.Messages != nil {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
		}
	}
}

func TestContinuationRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, old, new string
		err            error
	}{
		{"other version", `"version":1`, `"version":2,"new":true`, ErrUnsupported},
		{"no version", `"version":1,`, ``, ErrUnsupported},
		{"unknown field", `"version":1`, `"version":1,"x":1`, ErrMalformed},
		{"unknown field of the source", `"region"`, `"owner":"x","region"`, ErrMalformed},
		{"beside records", `{"s3fanout"`, `{"Records":[],"s3fanout"`, ErrMalformed},
		{"not an object", `"version":1`, `"version":[]`, ErrMalformed},
		{"no region", `"us-west-2"`, `""`, ErrMalformed},
		{"no bucket", `"media-us"`, `""`, ErrMalformed},
		{"no key", `"k+%2B"`, `""`, ErrMalformed},
		{"key too long", `"k+%2B"`, `"` + strings.Repeat("k", maxKeyBytes+1) + `"`, ErrMalformed},
		{"not UTF-8", `"k+%2B"`, "\"\xff\"", ErrMalformed},
		{"empty object", `"size":3`, `"size":0`, ErrMalformed},
		{"negative size", `"size":3`, `"size":-3`, ErrMalformed},
		{"size as text", `"size":3`, `"size":"3"`, ErrMalformed},
		{"no upload", `"uploadId":"u"`, `"uploadId":""`, ErrMalformed},
		{"no part size", `"partSize":2`, `"partSize":0`, ErrMalformed},
		{"part too large", `"partSize":2`, `"partSize":5368709121`, ErrMalformed},
		{"too many parts", `"size":3`, `"size":20001`, ErrMalformed},
		{"another condition", `"handovers":1`, `"handovers":1,"ifNoneMatch":"e"`, ErrMalformed},
		{"two conditions", `"handovers":1`, `"handovers":1,"ifNoneMatch":"*","ifMatch":"e"`, ErrMalformed},
		{"negative count", `"handovers":1`, `"handovers":-1`, ErrMalformed},
		{"count overflow", `"handovers":1`, `"handovers":1e30`, ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			payload := strings.Replace(continuationText, tt.old, tt.new, 1)
			if payload == continuationText {
				t.Fatal("nothing changed")
			}
			got, err := ParseInvocation([]byte(payload))
			if !errors.Is(err, tt.err) || got.Continuation != nil || got.Messages != nil {
				t.Fatalf("got %+v, %v, want %v", got, err, tt.err)
			}
			if text := err.Error(); strings.Contains(text, "\n") || len(text) > 1000 {
				t.Errorf("error is not one bounded line: %q", text)
			}
		})
	}
	if most := strings.Replace(continuationText, `"size":3`, `"size":20000`, 1); most != continuationText {
		if _, err := ParseInvocation([]byte(most)); err != nil {
			t.Errorf("10,000 parts: %v", err)
		}
	}
	if got, err := EncodeContinuation(Continuation{}); !errors.Is(err, ErrMalformed) || got != nil {
		t.Errorf("encoding nothing: got %s, %v", got, err)
	}
}

func TestRestartCountsFromZero(t *testing.T) {
	c := unfinished()
	payload, err := EncodeContinuation(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Handovers = 0
	got, err := ParseInvocation(Restart(payload))
	if err != nil || got.Continuation == nil || *got.Continuation != c {
		t.Errorf("got %+v, %v, want %+v", got, err, c)
	}
	for _, other := range []string{string(invocation(t, fixture(t, "put.json"))), "", "{", `{"s3fanout":{"version":2}}`} {
		if got := Restart([]byte(other)); !bytes.Equal(got, []byte(other)) {
			t.Errorf("%s became %s", other, got)
		}
	}
}

// checkContinuation asserts that what was read can be written and read again.
func checkContinuation(t *testing.T, c Continuation) {
	t.Helper()
	payload, err := EncodeContinuation(c)
	if err != nil {
		t.Fatalf("%+v cannot be encoded: %v", c, err)
	}
	got, err := ParseInvocation(payload)
	if err != nil || got.Continuation == nil || fmt.Sprint(*got.Continuation) != fmt.Sprint(c) {
		t.Errorf("got %+v, %v, want %+v", got.Continuation, err, c)
	}
}
