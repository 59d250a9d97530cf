package replicator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event"
	"s3fanout/internal/function/event/eventtest"
)

// fakeSelf remembers the continuations that it is given, and the uploads that
// are aborted.
type fakeSelf struct {
	err, abortErr error

	mu       sync.Mutex
	payloads [][]byte
	deadline time.Time
	aborted  []string
}

func (f *fakeSelf) Invoke(ctx context.Context, payload []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deadline, _ = ctx.Deadline()
	if f.err != nil {
		return f.err
	}
	f.payloads = append(f.payloads, payload)
	return ctx.Err()
}

func (f *fakeSelf) abort(ctx context.Context, u copier.Upload) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.aborted = append(f.aborted, u.UploadID)
	return f.abortErr
}

func (h *Handler) with(f *fakeSelf) *Handler {
	h.Self, h.Abort = f, f.abort
	return h
}

func openUpload(id string) copier.Upload {
	return copier.Upload{Source: copier.Object{
		Region: "us-east-1", Bucket: "media-us", Key: "a b", VersionID: "v1", Size: 30, ETag: "head-etag",
	}, UploadID: id, PartSize: 8}
}

// continuing is the payload of an invocation that goes on with upload-1.
func continuing(t *testing.T, handovers int) []byte {
	t.Helper()
	b, err := event.EncodeContinuation(event.Continuation{
		Source: event.Record{Region: "us-east-1", Bucket: "media-us", Key: "a b", VersionID: "v1", Size: 30, ETag: "head-etag",
			EventTime: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)},
		UploadID: "upload-1", PartSize: 8, Handovers: handovers,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUnfinishedCopyIsHandedOver(t *testing.T) {
	f := &fakeCopier{uploads: map[string]copier.Upload{"a b": openUpload("upload-1")}}
	self := &fakeSelf{}
	h, out := newTestHandler(f)
	h.with(self)
	got, err := h.Invoke(t.Context(), eventtest.Payload(eventtest.Message(eventtest.Upload("a+b"), eventtest.Upload("small"))))
	if want := `{"copied":1,"exists":0,"diverged":0,"sourceGone":0,"unfinished":1,"testEvents":0}`; err != nil || string(got) != want {
		t.Fatalf("got %s, %v, want %s", got, err, want)
	}
	if len(self.payloads) != 1 || len(self.aborted) != 0 {
		t.Fatalf("handed over %q, aborted %q, want one hand-over", self.payloads, self.aborted)
	}
	in, err := event.ParseInvocation(self.payloads[0])
	want := event.Continuation{
		Source: event.Record{Region: "us-east-1", Bucket: "media-us", Key: "a b", VersionID: "v1", Size: 30, ETag: "head-etag",
			EventTime: time.Date(2026, 11, 20, 9, 59, 58, 500e6, time.UTC)},
		UploadID: "upload-1", PartSize: 8, Handovers: 1,
	}
	if err != nil || in.Continuation == nil || *in.Continuation != want {
		t.Errorf("handed over %s, want %+v", self.payloads[0], want)
	}
	log := lines(t, out)
	i := slices.IndexFunc(log, func(line map[string]any) bool { return line["outcome"] == "Unfinished" })
	if len(log) != 2 || i < 0 {
		t.Fatalf("log: got %v", log)
	}
	for key, want := range map[string]any{"msg": "record", "key": "a b", "versionId": "v1", "bytes": 0.0, "lagMs": 1500.0,
		"partsDone": 3.0, "partsTotal": 5.0, "uploadId": "upload-1", "handovers": 0.0} {
		if log[i][key] != want {
			t.Errorf("log %s: got %v, want %v", key, log[i][key], want)
		}
	}
}

func TestContinuationIsResumed(t *testing.T) {
	f := &fakeCopier{}
	h, out := newTestHandler(f)
	got, err := h.with(&fakeSelf{}).Invoke(t.Context(), continuing(t, 7))
	if want := `{"copied":1,"exists":0,"diverged":0,"sourceGone":0,"unfinished":0,"testEvents":0}`; err != nil || string(got) != want {
		t.Fatalf("got %s, %v, want %s", got, err, want)
	}
	want := openUpload("upload-1")
	want.Handovers = 7
	if len(f.got) != 1 || f.got[0].Resume == nil || *f.got[0].Resume != want || f.got[0].Source != want.Source || f.got[0].ProbableEcho {
		t.Errorf("got requests %+v, want one that resumes %+v", f.got, want)
	}
	line := lines(t, out)[0]
	for key, want := range map[string]any{
		"key": "a b", "outcome": "Copied", "ReplicationLag": 3600000.0, "uploadId": "upload-1", "handovers": 7.0,
	} {
		if line[key] != want {
			t.Errorf("log %s: got %v, want %v", key, line[key], want)
		}
	}
}

// TestFailedHandover is about what is left behind where a copy can neither be
// finished nor handed over: an upload that this invocation's payload finds
// again, or that an invocation may be working on of which nobody has heard.
func TestFailedHandover(t *testing.T) {
	denied := &InvokeError{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: "no"}
	busy := &InvokeError{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "slow"}
	event0 := eventtest.Payload(eventtest.Message(eventtest.Upload("a+b")))
	for _, tt := range []struct {
		name     string
		payload  []byte
		uploadID string // that the copier leaves unfinished
		err      error  // of invoking
		class    copier.Class
		aborted  []string
		says     string
	}{
		{"event, denied", event0, "upload-1", denied, copier.Denied, []string{"upload-1"}, "AccessDeniedException: no (status 403)"},
		{"event, busy", event0, "upload-1", busy, copier.Retryable, []string{"upload-1"}, "TooManyRequestsException"},
		{"event, network", event0, "upload-1", errors.New("no answer"), copier.Retryable, nil, "no answer"},
		{"continuation", continuing(t, 3), "upload-1", denied, copier.Denied, nil, "invoke media-replicator for upload upload-1"},
		{"continuation, upload replaced", continuing(t, 3), "upload-2", denied, copier.Denied, []string{"upload-2"}, "upload-2"},
		{"as often as may be", continuing(t, maxHandovers), "upload-1", nil, copier.Retryable, nil,
			"after 12 hand-overs Lambda could mistake it for an endless loop: upload upload-1; run s3fanout redrive, which continues it"},
		{"more often than may be", continuing(t, maxHandovers+1), "upload-1", nil, copier.Retryable, nil, "upload-1"},
		{"as often as may be, upload replaced", continuing(t, maxHandovers), "upload-2", nil, copier.Retryable, []string{"upload-2"},
			"upload upload-2; run s3fanout redrive, which starts it again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fakeCopier{uploads: map[string]copier.Upload{"a b": openUpload(tt.uploadID)}}
			self := &fakeSelf{err: tt.err}
			h, out := newTestHandler(f)
			_, err := h.with(self).Invoke(t.Context(), tt.payload)
			var re *ReplicationError
			if !errors.As(err, &re) || !errors.Is(err, errHandover) || tt.err != nil && !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want a ReplicationError with errHandover", err)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "s3://media-us/a b?versionId=v1") {
				t.Errorf("got %q, want it to say %q", err, tt.says)
			}
			if len(self.payloads) != 0 || !slices.Equal(self.aborted, tt.aborted) {
				t.Errorf("handed over %q, aborted %q, want %q", self.payloads, self.aborted, tt.aborted)
			}
			line := lines(t, out)[0]
			if line["outcome"] != "Failed" || line["class"] != string(tt.class) || line["uploadId"] != tt.uploadID {
				t.Errorf("log: got %v, want class %s", line, tt.class)
			}
		})
	}

	self := &fakeSelf{err: denied, abortErr: errors.New("abort denied")}
	h, _ := newTestHandler(&fakeCopier{uploads: map[string]copier.Upload{"a b": openUpload("upload-1")}})
	if _, err := h.with(self).Invoke(t.Context(), event0); !errors.Is(err, self.abortErr) || !errors.Is(err, denied) {
		t.Errorf("got %v, want both failures", err)
	}
}

// TestChainOfHandoversEnds runs a copy that never ends, the way Lambda would.
func TestChainOfHandoversEnds(t *testing.T) {
	f := &fakeCopier{uploads: map[string]copier.Upload{"a b": openUpload("upload-1")}}
	self := &fakeSelf{}
	h, _ := newTestHandler(f)
	h.with(self)
	// Lambda stops a chain at about 16.
	const stops = 16
	chain := func(first []byte) (last []byte, invocations int) {
		next := first
		for invocations < stops {
			invocations++
			self.payloads = nil
			if _, err := h.Invoke(t.Context(), next); err != nil {
				return next, invocations
			}
			next = self.payloads[0]
		}
		return next, invocations
	}
	last, invocations := chain(eventtest.Payload(eventtest.Message(eventtest.Upload("a+b"))))
	if invocations != maxHandovers+1 {
		t.Fatalf("%d invocations, want %d, and never %d", invocations, maxHandovers+1, stops)
	}
	// The payload of the last one is what a redrive begins a new chain with.
	if _, again := chain(event.Restart(last)); again != maxHandovers+1 {
		t.Errorf("%d invocations after a redrive, want %d", again, maxHandovers+1)
	}
	for i, request := range f.got[1:] {
		if request.Resume == nil || request.Resume.UploadID != "upload-1" {
			t.Errorf("invocation %d began anew: %+v", i+2, request)
		}
	}
	if len(self.aborted) != 0 {
		t.Errorf("aborted %q", self.aborted)
	}
}

func TestContinuationOfAForeignSourceIsRefused(t *testing.T) {
	for _, change := range []struct{ old, new string }{{"media-us", "stranger"}, {"us-east-1", "ap-south-1"}, {"media-us", "media-eu"}} {
		f := &fakeCopier{}
		h, _ := newTestHandler(f)
		_, err := h.Invoke(t.Context(), []byte(strings.Replace(string(continuing(t, 0)), change.old, change.new, 1)))
		if !errors.Is(err, errSource) || len(f.got) != 0 {
			t.Errorf("%s for %s: got %v after %d copies, want errSource", change.new, change.old, err, len(f.got))
		}
	}
}

// deadlineCopier ends when its time has passed, as late as it may.
type deadlineCopier struct{ deadline time.Time }

func (d *deadlineCopier) Copy(ctx context.Context, _ copier.Request) (copier.Result, error) {
	d.deadline, _ = ctx.Deadline()
	u := openUpload("upload-1")
	return copier.Result{Outcome: copier.Unfinished, Upload: &u}, nil
}

func TestHandoverHasTimeLeft(t *testing.T) {
	h, _ := newTestHandler(nil)
	d, self := &deadlineCopier{}, &fakeSelf{}
	h.Copier = d
	end := time.Now().Add(24 * time.Hour) // as a context has it
	h.Now = func() time.Time { return end.Add(-time.Hour) }
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	if _, err := h.with(self).Invoke(ctx, continuing(t, 1)); err != nil {
		t.Fatal(err)
	}
	if got := end.Sub(d.deadline); got != maxSpare {
		t.Errorf("the copy has to end %s before the invocation, want %s", got, maxSpare)
	}
	if !self.deadline.After(d.deadline) || !self.deadline.Before(end) {
		t.Errorf("the hand-over ends at %s, want it between the copy's end %s and the invocation's %s", self.deadline, d.deadline, end)
	}
}

func TestFailedContinuationKeepsItsUploadInTheLog(t *testing.T) {
	u := openUpload("upload-1")
	f := &fakeCopier{
		err: map[string]error{"a b": &copier.Error{Op: "copy part of", Class: copier.Retryable, Err: errors.New("busy"), Upload: &u}},
	}
	self := &fakeSelf{}
	h, out := newTestHandler(f)
	if _, err := h.with(self).Invoke(t.Context(), continuing(t, 2)); err == nil {
		t.Fatal("no error")
	}
	if line := lines(t, out)[0]; line["uploadId"] != "upload-1" || fmt.Sprint(line["handovers"]) != "2" || line["class"] != "retryable" {
		t.Errorf("log: got %v", line)
	}
	if len(self.aborted) != 0 || len(self.payloads) != 0 {
		t.Errorf("aborted %q, handed over %q, want neither", self.aborted, self.payloads)
	}
}

func TestUploadIsGivenUpAlthoughTheTimeIsOver(t *testing.T) {
	h, _ := newTestHandler(&fakeCopier{})
	self := &fakeSelf{}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err := h.with(self).giveUp(ended, budget{}, openUpload("upload-1"))
	if err != nil || !slices.Equal(self.aborted, []string{"upload-1"}) {
		t.Errorf("aborted %v, %v", self.aborted, err)
	}
}
