package replicator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event"
	"s3fanout/internal/function/event/eventtest"
	"s3fanout/internal/function/logline"
)

// fakeCopier has what no server can be made to have: an answer by key.
type fakeCopier struct {
	mu      sync.Mutex
	got     []copier.Request
	outcome map[string]copier.Outcome // by key; Copied unless given
	uploads map[string]copier.Upload  // by key; these end as Unfinished
	err     map[string]error          // by key
	running int
	open    chan struct{} // if not nil, no copy ends before it is closed
}

func (f *fakeCopier) Copy(_ context.Context, req copier.Request) (copier.Result, error) {
	f.mu.Lock()
	f.got = append(f.got, req)
	f.running++
	f.mu.Unlock()
	if f.open != nil {
		<-f.open
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	key := req.Source.Key
	if err := f.err[key]; err != nil {
		return copier.Result{}, err
	}
	if u, ok := f.uploads[key]; ok {
		return copier.Result{Outcome: copier.Unfinished, Upload: &u, PartsDone: 3, PartsTotal: 5}, nil
	}
	result := copier.Result{Outcome: copier.Copied, Bytes: req.Source.Size}
	if o := f.outcome[key]; o != "" {
		result = copier.Result{Outcome: o}
	}
	return result, nil
}

func (f *fakeCopier) keys() []string {
	var keys []string
	for _, r := range f.got {
		keys = append(keys, r.Source.Key)
	}
	slices.Sort(keys)
	return keys
}

func newTestHandler(f *fakeCopier) (*Handler, *bytes.Buffer) {
	var out bytes.Buffer
	clock := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	return &Handler{Config: eventtest.Config(), Copier: f, Log: logline.New(&out),
		Now: func() time.Time { return clock }}, &out
}

// lines are the log lines written.
func lines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

const testEvent = `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"media-us"}`

func TestEveryRecordOfEveryMessage(t *testing.T) {
	f := &fakeCopier{outcome: map[string]copier.Outcome{"b": copier.Diverged, "c d": copier.SourceGone}}
	h, out := newTestHandler(f)
	got, err := h.Invoke(t.Context(),
		eventtest.Payload(eventtest.Message(eventtest.Upload("a"), eventtest.Upload("b")), testEvent,
			eventtest.Message(eventtest.Upload("c+d"))))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"copied":1,"exists":0,"diverged":1,"sourceGone":1,"unfinished":0,"testEvents":1}`; string(got) != want {
		t.Errorf("answer: got %s, want %s", got, want)
	}
	if want := []string{"a", "b", "c d"}; !slices.Equal(f.keys(), want) {
		t.Errorf("copied keys: got %q, want %q", f.keys(), want)
	}
	want := copier.Object{Region: "us-east-1", Bucket: "media-us", Key: "a", VersionID: "v1", Size: 7, ETag: "e1"}
	if i := slices.IndexFunc(f.got, func(r copier.Request) bool { return r.Source == want }); i < 0 {
		t.Errorf("requests: got %+v, want one for %+v", f.got, want)
	}
	log := lines(t, out)
	if len(log) != 4 {
		t.Fatalf("got %d log lines, want one for each record and test event: %v", len(log), log)
	}
	for _, line := range log {
		if line["msg"] != "record" || line["key"] != "a" {
			continue
		}
		for key, want := range map[string]any{"SourceRegion": "us-east-1", "key": "a", "versionId": "v1",
			"outcome": "Copied", "bytes": 7.0, "durationMs": 0.0, "ReplicationLag": 1500.0} {
			if line[key] != want {
				t.Errorf("log %s: got %v, want %v", key, line[key], want)
			}
		}
	}
}

func TestOneErrorWithAllThatFailed(t *testing.T) {
	denied := &copier.Error{Op: "copy", Class: copier.Denied, Err: errors.New("no")}
	f := &fakeCopier{err: map[string]error{"bad": denied}}
	h, out := newTestHandler(f)
	_, err := h.Invoke(t.Context(), eventtest.Payload(
		eventtest.Message(eventtest.Upload("bad"), eventtest.Upload("good")), "not JSON",
		eventtest.Message(eventtest.Record("us-east-1", "stranger", "x", ""), `{}`, eventtest.Upload("also+good")),
	))
	var re *ReplicationError
	if !errors.As(err, &re) || len(re.Failures) != 4 || re.Parts != 6 {
		t.Fatalf("got %#v, want 4 of 6 failed", err)
	}
	for _, want := range []error{denied, event.ErrMalformed, errSource, event.ErrUnsupported} {
		if !errors.Is(err, want) {
			t.Errorf("%v is not in %v", want, err)
		}
	}
	if want := []string{"also good", "bad", "good"}; !slices.Equal(f.keys(), want) {
		t.Errorf("copied keys: got %q, want %q", f.keys(), want)
	}
	failed := map[string]any{}
	for _, line := range lines(t, out) {
		if line["outcome"] == "Failed" {
			failed[line["key"].(string)] = line["class"]
		}
	}
	if len(failed) != 2 || failed["bad"] != "denied" || failed["x"] != "permanent" {
		t.Errorf("logged failures: got %v", failed)
	}
}

func TestUnreadablePayloadIsAnError(t *testing.T) {
	h, _ := newTestHandler(&fakeCopier{})
	for _, p := range []string{"", "{}", `{"Records":[]}`, eventtest.Message(eventtest.Upload("k"))} {
		got, err := h.Invoke(t.Context(), []byte(p))
		var re *ReplicationError
		if !errors.As(err, &re) || got != nil {
			t.Errorf("payload %q: got %s, %v", p, got, err)
		}
	}
}

func TestSourcesAreChecked(t *testing.T) {
	for _, tt := range []struct {
		name, region, bucket string
		want                 string // in the error; empty for none
	}{
		{"member", "us-east-1", "media-us", ""},
		{"other member", "ap-south-1", "media-ap", ""},
		{"own bucket", "eu-west-1", "media-eu", "own bucket"},
		{"stranger", "us-east-1", "stranger", `"stranger"`},
		{"prefix of a member", "us-east-1", "media-u", `"media-u"`},
		{"member in another Region", "ap-south-1", "media-us", "us-east-1"},
		{"no Region", "", "media-us", "us-east-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fakeCopier{}
			h, _ := newTestHandler(f)
			_, err := h.Invoke(t.Context(), eventtest.Payload(eventtest.Message(eventtest.Record(tt.region, tt.bucket, "k", ""))))
			if (err == nil) != (tt.want == "") || len(f.got) != 0 && err != nil {
				t.Fatalf("got %v after %d copies", err, len(f.got))
			}
			if err != nil && (!errors.Is(err, errSource) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want errSource that says %s", err, tt.want)
			}
		})
	}
}

func TestProbableEcho(t *testing.T) {
	for principal, want := range map[string]bool{
		"AWS:AROAEXAMPLE:media-replicator":   true,
		"AWS:AROAEXAMPLE:media-replicator-2": false,
		// A backfill's.
		"AWS:AROAEXAMPLE:media-replicator-operator":  true,
		"AWS:AROAEXAMPLE:media-replicator-reconcile": true,
		"AWS:AROAEXAMPLE:media-reconcile":            false,
		"AWS:AROAEXAMPLE:media-operator":             false,
		"AWS:AROAEXAMPLE:media-replicator:x":         false,
		"AWS:AROAEXAMPLE:alice":                      false,
		"AWS:AIDAEXAMPLE":                            false,
		"AWS::media-replicator":                      false,
		"AROAEXAMPLE:media-replicator":               false,
		"media-replicator":                           false,
		"A3NL1KOZZKEXAMPLE":                          false,
		"":                                           false,
	} {
		f := &fakeCopier{}
		h, _ := newTestHandler(f)
		_, err := h.Invoke(t.Context(), eventtest.Payload(eventtest.Message(eventtest.Record("us-east-1", "media-us", "k", principal))))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.got[0].ProbableEcho; got != want {
			t.Errorf("principal %q: got echo %t, want %t", principal, got, want)
		}
	}
}

// What a copy wrote is looked for at the target before it is copied on; an
// upload is not.
func TestWhatACopyWroteIsLookedForFirst(t *testing.T) {
	for name, want := range map[string]bool{
		"ObjectCreated:Copy": true, "ObjectCreated:Put": false, "ObjectCreated:Post": false, "ObjectCreated:CompleteMultipartUpload": false,
	} {
		f := &fakeCopier{}
		h, _ := newTestHandler(f)
		record := strings.Replace(eventtest.Upload("k"), "ObjectCreated:Put", name, 1)
		if _, err := h.Invoke(t.Context(), eventtest.Payload(eventtest.Message(record))); err != nil {
			t.Fatal(err)
		}
		if got := f.got[0].Event.Copied(); got != want {
			t.Errorf("%s: looks first %t, want %t", name, got, want)
		}
	}
}

func TestParallelismIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeCopier{open: make(chan struct{})}
		h, _ := newTestHandler(f)
		var records []string
		for i := range 5 * Parallel {
			records = append(records, eventtest.Upload(fmt.Sprint("k", i)))
		}
		ended := make(chan error, 1)
		go func() {
			_, err := h.Invoke(t.Context(), eventtest.Payload(eventtest.Message(records...)))
			ended <- err
		}()
		synctest.Wait() // until all that can run has run
		if f.running != Parallel {
			t.Errorf("got %d copies at once, want %d", f.running, Parallel)
		}
		close(f.open)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(f.got) != len(records) {
			t.Errorf("got %d copies, want %d", len(f.got), len(records))
		}
	})
}

func TestErrorTextIsBoundedAndOneLine(t *testing.T) {
	e := &ReplicationError{Parts: 1000}
	for i := range 1000 {
		e.Failures = append(e.Failures, fmt.Errorf("failure %d of %s", i, strings.Repeat("ü", 5000)))
	}
	text := e.Error()
	if len(text) > 32<<10 || strings.ContainsAny(text, "\n\uFFFD") {
		t.Errorf("text has %d bytes, or a line break or a broken character", len(text))
	}
	for _, want := range []string{"1000 of 1000 failed", "failure 9 ", "990 more"} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %q", want)
		}
	}
	if got := len(e.Unwrap()); got != 1000 {
		t.Errorf("Unwrap: got %d errors, want all", got)
	}
	short := &ReplicationError{Parts: 2, Failures: []error{errors.New("a"), errors.New("b")}}
	if got, want := short.Error(), "2 of 2 failed: a; b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
