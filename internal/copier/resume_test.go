package copier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	smithytime "github.com/aws/smithy-go/time"
)

// TestUnfinishedCopiesGoOn gives every call too little time.
func TestUnfinishedCopiesGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, req := world(395)
		m.before = func(r *http.Request, op string, _ int) (*reply, error) {
			if op == "Part" {
				return nil, smithytime.SleepWithContext(r.Context(), time.Second)
			}
			return nil, nil
		}
		c := inParts(m, 1)
		calls, done := 0, 0
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			got, err := c.Copy(ctx, req)
			over := ctx.Err()
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			if calls++; calls > 20 {
				t.Fatal("no end")
			}
			if got.Outcome == Copied {
				break
			}
			if got.Outcome != Unfinished || got.Upload == nil || got.Upload.Handovers != calls-1 || over != nil {
				t.Fatalf("call %d: got %+v, context %v", calls, got, over)
			}
			if got.PartsTotal != 40 || got.PartsDone <= done || m.objects[replicaPath] != nil {
				t.Errorf("call %d: %d of %d parts after %d", calls, got.PartsDone, got.PartsTotal, done)
			}
			done = got.PartsDone
			next := *got.Upload
			next.Handovers++
			req = Request{Resume: &next}
		}
		if calls < 3 {
			t.Errorf("only %d calls", calls)
		}
		checkReplica(t, m)
		if m.made != 1 || len(m.copied) != 40 {
			t.Errorf("made %d uploads and %d parts", m.made, len(m.copied))
		}
		for part, n := range m.copied {
			if n != 1 {
				t.Errorf("%s was copied %d times", part, n)
			}
		}
	})
}

// TestDeadlineInTheMiddleOfAPart cuts parts that are slower than the whole
// time, once others are done.
func TestDeadlineInTheMiddleOfAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, req := world(95)
		var parts atomic.Int32
		m.before = func(r *http.Request, op string, _ int) (*reply, error) {
			if op == "Part" && parts.Add(1) > 2 {
				return nil, smithytime.SleepWithContext(r.Context(), time.Minute)
			}
			return nil, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got, err := inParts(m, 1).Copy(ctx, req)
		if err != nil || got.Outcome != Unfinished || got.PartsDone == 0 || len(m.uploads) != 1 {
			t.Errorf("got %+v, %v with %d uploads", got, err, len(m.uploads))
		}
	})
}

// TestDeadlineWithoutProgressIsAnError gets no part done, because parts are too
// slow or S3 refuses: handing over would use up hand-overs and get no further.
func TestDeadlineWithoutProgressIsAnError(t *testing.T) {
	for _, op := range []string{"Part", "List"} {
		t.Run(op, func(t *testing.T) {
			m, upload := stoppedUpload(t)
			synctest.Test(t, func(t *testing.T) {
				m.before = func(r *http.Request, did string, _ int) (*reply, error) {
					if did == op {
						return nil, smithytime.SleepWithContext(r.Context(), time.Minute)
					}
					return nil, nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := inParts(m, 1).Copy(ctx, Request{Resume: &upload})
				var e *Error
				if !errors.As(err, &e) || e.Class != Retryable || e.Upload == nil || e.Upload.UploadID != upload.UploadID {
					t.Errorf("got %v, want a retryable error with the upload that stays open", err)
				}
				if len(m.uploads) != 1 {
					t.Errorf("%d uploads are open, want the one to go on with", len(m.uploads))
				}
			})
		})
	}
}

// stopped is an upload with the first four of ten parts done.
func stoppedUpload(t *testing.T) (*memory, Upload) {
	t.Helper()
	m, req := world(95)
	ctx, cancel := context.WithCancel(t.Context())
	parts := 0
	m.before = func(_ *http.Request, op string, _ int) (*reply, error) {
		if op == "Abort" {
			return nil, errors.New("the process is gone")
		}
		if op == "Part" {
			if parts++; parts > 4 {
				cancel()
				return nil, context.Canceled
			}
		}
		return nil, nil
	}
	if _, err := inParts(m, 1, WithMultipart(10, 1)).Copy(ctx, req); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	m.before = nil
	m.ops = nil
	req.Source.ETag = unquote(ptr(etagOf(m.objects[sourcePath].body)))
	return m, Upload{Source: req.Source, UploadID: "upload-1", PartSize: 10, Handovers: 3}
}

func TestResume(t *testing.T) {
	other := &stored{body: []byte("other"), version: "o"}
	for _, tt := range []struct {
		name   string
		change func(*memory, *Upload)
		want   Outcome
		class  Class
		kept   bool // the upload, in the error
		parts  int  // copied by the call
	}{
		{name: "as it was", want: Copied, parts: 6},
		{name: "nothing left to copy", want: Copied, change: func(m *memory, _ *Upload) {
			for i := range 10 {
				m.uploads["upload-1"].parts[i+1] = m.objects[sourcePath].body[i*10 : min(95, i*10+10)]
			}
		}},
		{name: "a part of another size", want: Copied, parts: 7, change: func(m *memory, _ *Upload) {
			m.uploads["upload-1"].parts[2] = []byte("short")
		}},
		{name: "aborted meanwhile", want: Copied, parts: 10, change: func(m *memory, _ *Upload) { clear(m.uploads) }},
		{name: "completed meanwhile", want: Exists, change: func(m *memory, _ *Upload) {
			clear(m.uploads)
			m.objects[replicaPath] = m.objects[sourcePath]
		}},
		{name: "another object came meanwhile", want: Diverged, change: func(m *memory, _ *Upload) { m.objects[replicaPath] = other }},
		{name: "the object came meanwhile", want: Exists,
			change: func(m *memory, _ *Upload) { m.objects[replicaPath] = m.objects[sourcePath] }},
		{name: "another object comes while it is copied", want: Diverged, parts: 6, change: func(m *memory, _ *Upload) {
			m.before = func(_ *http.Request, op string, _ int) (*reply, error) {
				if op == "Complete" {
					m.objects[replicaPath] = other
				}
				return nil, nil
			}
		}},
		{name: "source gone", want: SourceGone, change: func(m *memory, _ *Upload) { delete(m.objects, sourcePath) }},
		{name: "source changed", want: Copied, parts: 10, change: func(_ *memory, u *Upload) { u.Source.ETag = "other" }},
		{name: "part denied", class: Denied, kept: true, parts: 6,
			change: func(m *memory, _ *Upload) { failOn(m, "Part", 403, "AccessDenied") }},
		{name: "list denied", class: Denied, kept: true, change: func(m *memory, _ *Upload) { failOn(m, "List", 403, "AccessDenied") }},
		{name: "source bucket denied", class: Denied, kept: true,
			change: func(m *memory, _ *Upload) { failOn(m, "Head", 403, "AccessDenied") }},
		{name: "bad digest", class: Retryable, parts: 6, change: func(m *memory, _ *Upload) { failOn(m, "Complete", 400, "BadDigest") }},
		{name: "a twin completes it", want: Exists, parts: 6, change: func(m *memory, _ *Upload) {
			once(m, "Complete", func() reply {
				clear(m.uploads)
				m.objects[replicaPath] = m.objects[sourcePath]
				return refused(409, "ConditionalRequestConflict", "x")
			})
		}},
		{name: "a twin began to complete it and died", want: Copied, parts: 6, change: func(m *memory, _ *Upload) {
			once(m, "Complete", func() reply { return refused(409, "ConditionalRequestConflict", "x") })
		}},
		{name: "a twin copied a part over", want: Copied, parts: 6, change: func(m *memory, _ *Upload) {
			once(m, "Complete", func() reply { return refused(400, "InvalidPart", "x") })
		}},
		{name: "S3 will not complete it any more", want: Copied, parts: 16, change: func(m *memory, _ *Upload) {
			refusals := 0
			m.before = func(_ *http.Request, op string, _ int) (*reply, error) {
				if op == "Complete" && refusals < 2 {
					refusals++
					return ptr(refused(409, "ConditionalRequestConflict", "x")), nil
				}
				return nil, nil
			}
		}},
		{name: "no ID", class: Permanent, kept: false, change: func(_ *memory, u *Upload) { u.UploadID = "" }},
		{name: "parts too many", class: Permanent, change: func(_ *memory, u *Upload) { u.Source.Size = 1 << 40 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, upload := stoppedUpload(t)
			if tt.change != nil {
				tt.change(m, &upload)
			}
			got, err := inParts(m, 1).Copy(t.Context(), Request{Resume: &upload})
			if got.Outcome != tt.want {
				t.Fatalf("got %+v, %v, want %s", got, err, tt.want)
			}
			if tt.class == "" {
				if err != nil || len(m.uploads) != 0 {
					t.Errorf("got %v, %d uploads stay open", err, len(m.uploads))
				}
			} else {
				var e *Error
				if !errors.As(err, &e) || e.Class != tt.class || (e.Upload != nil) != tt.kept {
					t.Errorf("got %v, want a %s error that keeps the upload: %t", err, tt.class, tt.kept)
				} else if tt.kept && (*e.Upload != upload || !strings.Contains(err.Error(), "upload-1")) {
					t.Errorf("kept %+v: %v", *e.Upload, err)
				}
				if tt.kept && len(m.uploads) != 1 {
					t.Error("the upload was not kept")
				}
			}
			if tt.class != Denied && got.Requests.Part != tt.parts {
				t.Errorf("copied %d parts, want %d", got.Requests.Part, tt.parts)
			}
			if tt.want == Copied {
				checkReplica(t, m)
			}
			m.check(t)
			checkCounts(t, m, got.Requests)
		})
	}
}

// TestANewUploadKeepsTheCount resumes what is gone, with too little time again.
func TestANewUploadKeepsTheCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, upload := stoppedUpload(t)
		clear(m.uploads)
		m.before = func(r *http.Request, op string, _ int) (*reply, error) {
			if op == "Part" {
				return nil, smithytime.SleepWithContext(r.Context(), time.Second)
			}
			return nil, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		got, err := inParts(m, 1).Copy(ctx, Request{Resume: &upload})
		want := upload
		want.UploadID = "upload-2"
		if err != nil || got.Upload == nil || *got.Upload != want {
			t.Errorf("got %+v, %v, want upload %+v", got, err, want)
		}
	})
}

// once answers the first request of an operation with what instead returns,
// which may change the memory.
func once(m *memory, op string, instead func() reply) {
	answered := false
	m.before = func(_ *http.Request, arrived string, _ int) (*reply, error) {
		if arrived != op || answered {
			return nil, nil
		}
		answered = true
		m.mu.Lock()
		defer m.mu.Unlock()
		return ptr(instead()), nil
	}
}

// failOn answers every request of an operation with an error.
func failOn(m *memory, op string, status int, code string) {
	m.before = func(_ *http.Request, arrived string, _ int) (*reply, error) {
		if arrived == op {
			return ptr(refused(status, code, code)), nil
		}
		return nil, nil
	}
}

// TestEveryRequestCanFail lets each request of a copy fail, once or always, in
// several ways, and sees that another call puts it right.
func TestEveryRequestCanFail(t *testing.T) {
	cut := errors.New("connection cut")
	for _, kind := range []string{"500", "503", "cut", "answer lost"} {
		for _, always := range []bool{false, true} {
			for n := 1; n <= 15; n++ {
				t.Run(fmt.Sprintf("%s always=%t from %d", kind, always, n), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { failFrom(t, n, kind, always, cut) })
				})
			}
		}
	}
}

func failFrom(t *testing.T, n int, kind string, always bool, cut error) {
	m, req := world(95)
	failing := func(_ *http.Request, _ string, i int) (*reply, error) {
		if i != n && (!always || i < n) {
			return nil, nil
		}
		switch kind {
		case "500":
			return ptr(refused(500, "InternalError", "x")), nil
		case "503":
			return ptr(refused(503, "SlowDown", "x")), nil
		}
		return nil, cut
	}
	if kind == "answer lost" {
		m.after = failing
	} else {
		m.before = failing
	}
	got, err := inParts(m, 1, WithMultipart(10, 1)).Copy(t.Context(), req)
	// Parts are tried again by the copier itself, and nothing else is here.
	isPart := n >= 5 && n <= 14
	if (err == nil) != (isPart && !always) {
		t.Errorf("got %+v, %v", got, err)
	}
	// The upload is aborted unless its ID never arrived or nothing does.
	if lostID := n == 4 && kind == "answer lost"; !always && !lostID && len(m.uploads) != 0 {
		t.Errorf("%d uploads stay open", len(m.uploads))
	}
	if visible := m.objects[replicaPath] != nil; err != nil && visible && kind != "answer lost" {
		t.Error("a replica is visible after an error")
	}
	m.before, m.after = nil, nil
	if got, err = inParts(m, 1).Copy(t.Context(), req); err != nil || got.Outcome != Copied && got.Outcome != Exists {
		t.Errorf("again: got %+v, %v", got, err)
	}
	clear(m.uploads) // those of lost aborts
	checkReplica(t, m)
}

// TestResumeAfterAStopAtEveryRequest lets the process that resumes die at each
// of its requests, before or after it takes effect, and resumes again.
func TestResumeAfterAStopAtEveryRequest(t *testing.T) {
	gone := errors.New("the process is gone")
	for _, before := range []bool{true, false} {
		for n := 1; n <= 12; n++ {
			t.Run(fmt.Sprintf("before=%t %d", before, n), func(t *testing.T) {
				m, upload := stoppedUpload(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				die := func(_ *http.Request, _ string, i int) (*reply, error) {
					if i >= n {
						cancel()
						return nil, gone
					}
					return nil, nil
				}
				if before {
					m.before = die
				} else {
					m.after = die
				}
				_, err := inParts(m, 1, WithMultipart(10, 1)).Copy(ctx, Request{Resume: &upload})
				if finished := n > 11; (err == nil) != finished {
					t.Fatalf("died at %d of %v: %v", n, m.ops, err)
				}
				m.before, m.after = nil, nil
				if _, err := inParts(m, 1).Copy(t.Context(), Request{Resume: &upload}); err != nil {
					t.Fatal(err)
				}
				checkReplica(t, m)
				for part, n := range m.copied {
					if n != 1 || !strings.HasPrefix(part, "upload-1/") {
						t.Errorf("%s was copied %d times", part, n)
					}
				}
			})
		}
	}
}
