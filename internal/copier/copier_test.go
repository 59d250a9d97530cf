package copier

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/policy"
)

func TestCopyOnTheWire(t *testing.T) {
	s := serve(t, copied())
	got, err := New(s.client(1), target()).Copy(t.Context(), Request{Source: source()})
	if err != nil {
		t.Fatal(err)
	}
	want := Result{Outcome: Copied, Requests: Requests{Copy: 1}, Bytes: 42, VersionID: "replica-v1", ETag: "0123456789abcdef"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	r := s.seen[0]
	if r.Method != http.MethodPut || r.URL.EscapedPath() != "/dst/a%20b/%C3%BC%2B%25.txt" {
		t.Errorf("got %s %s", r.Method, r.URL.EscapedPath())
	}
	for header, want := range map[string]string{
		"If-None-Match":                     "*",
		"X-Amz-Copy-Source":                 "src/a%20b/%C3%BC%2B%25.txt?versionId=v%2F1%3F",
		"X-Amz-Metadata-Directive":          "COPY",
		"X-Amz-Tagging-Directive":           "COPY",
		"X-Amz-Object-Annotation-Directive": "EXCLUDE",
	} {
		if got := r.Header.Get(header); got != want {
			t.Errorf("header %s: got %q, want %q", header, got, want)
		}
	}
	for header := range r.Header {
		if h := strings.ToLower(header); strings.HasPrefix(h, "x-amz-copy-source-") || strings.HasPrefix(h, "x-amz-storage") ||
			strings.HasPrefix(h, "x-amz-server-side") || strings.HasPrefix(h, "x-amz-meta-") || strings.HasPrefix(h, "x-amz-checksum") {
			t.Errorf("header %s is set", header)
		}
	}
	if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "/eu-west-1/s3/") {
		t.Errorf("signed for %q, want the target's Region", auth)
	}
}

func TestOutcomes(t *testing.T) {
	conflict := refused(409, "ConditionalRequestConflict", "Try again")
	notImplemented := refused(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
	exists := refused(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	noReplica := reply{status: 404}
	deleted := reply{status: 404, header: map[string]string{"x-amz-delete-marker": "true"}}
	at := func(etag string, size int, headers ...string) reply {
		h := map[string]string{"ETag": `"` + etag + `"`, "Content-Length": strconv.Itoa(size)}
		for i := 0; i < len(headers); i += 2 {
			h[headers[i]] = headers[i+1]
		}
		return reply{status: 200, header: h}
	}
	const crc = "X-Amz-Checksum-Crc64nvme"
	present, longer, alike := at("e", 42), at("x", 43), at("x", 42)
	for _, tt := range []struct {
		name    string
		echo    bool
		look    bool
		keep    bool
		script  []reply
		want    Outcome // or, if empty,
		class   Class
		methods string
	}{
		{name: "copied", script: []reply{copied()}, want: Copied, methods: "PUT"},
		{name: "exists", script: []reply{exists, present}, want: Exists, methods: "PUT HEAD"},
		{name: "exists, without a body", script: []reply{{status: 412}, present}, want: Exists, methods: "PUT HEAD"},
		{name: "exists, inside a 200", script: []reply{refused(200, "PreconditionFailed", "x"), present}, want: Exists,
			methods: "PUT HEAD"},
		{name: "another size is there", script: []reply{exists, longer}, want: Diverged, methods: "PUT HEAD"},
		{name: "other bytes are there", script: []reply{exists, alike, present}, want: Diverged, methods: "PUT HEAD HEAD"},
		{name: "other checksum", script: []reply{exists, at("x-3", 42, crc, "AAAAAAAAAAA="), at("e-5", 42, crc, "AAAAAAAAAAE=")},
			want: Diverged, methods: "PUT HEAD HEAD"},
		{
			name:   "other parts, the same checksum",
			script: []reply{exists, at("x-3", 42, crc, "AAAAAAAAAAA="), at("e", 42, crc, "AAAAAAAAAAA=")}, want: Exists,
			methods: "PUT HEAD HEAD",
		},
		{name: "other parts, no checksum", script: []reply{exists, at("x-3", 42), present}, want: Exists, methods: "PUT HEAD HEAD"},
		{name: "another key of KMS", script: []reply{exists, alike, at("e", 42, "X-Amz-Server-Side-Encryption", "aws:kms")}, want: Exists,
			methods: "PUT HEAD HEAD"},
		{name: "checksums denied", script: []reply{exists, {status: 403}, present}, want: Exists, methods: "PUT HEAD HEAD"},
		{name: "the source's checksums denied", script: []reply{exists, alike, {status: 403}, present}, want: Diverged,
			methods: "PUT HEAD HEAD HEAD"},
		{name: "what is there cannot be seen", script: []reply{exists, {status: 400}}, want: Exists, methods: "PUT HEAD"},
		{name: "what is there must not be seen", script: []reply{exists, {status: 403}}, class: Denied, methods: "PUT HEAD HEAD"},
		{name: "what is there cannot be seen now", script: []reply{exists, {status: 503}}, class: Retryable, methods: "PUT HEAD"},
		{name: "what was there is gone", script: []reply{exists, noReplica, copied()}, want: Copied, methods: "PUT HEAD PUT"},
		{name: "what was there is gone, again and again", script: slices.Repeat([]reply{exists, noReplica}, 8), class: Retryable,
			methods: strings.TrimSuffix(strings.Repeat("PUT HEAD ", 8), " ")},
		{name: "the source is gone, so nothing differs", script: []reply{exists, alike, noReplica}, want: Exists, methods: "PUT HEAD HEAD"},
		{name: "key gone", script: []reply{refused(404, "NoSuchKey", "x")}, want: SourceGone, methods: "PUT"},
		{name: "version gone", script: []reply{refused(404, "NoSuchVersion", "x")}, want: SourceGone, methods: "PUT"},
		{name: "version is a delete marker", script: []reply{refused(400, "InvalidRequest",
			"The source of a copy request may not specifically refer to a delete marker by version id.")}, want: SourceGone,
			methods: "PUT"},
		{name: "version is a delete marker, 405", script: []reply{{status: 405, header: map[string]string{"x-amz-delete-marker": "true"},
			body: refused(405, "MethodNotAllowed", "x").body}}, want: SourceGone, methods: "PUT"},
		{name: "conflict, then copied", script: []reply{conflict, copied()}, want: Copied, methods: "PUT PUT"},
		{name: "conflict, then exists", script: []reply{conflict, conflict, exists, present}, want: Exists, methods: "PUT PUT PUT HEAD"},
		{name: "operation aborted, then copied", script: []reply{refused(409, "OperationAborted", "x"), copied()}, want: Copied,
			methods: "PUT PUT"},
		{name: "conflict for ever", script: []reply{conflict}, class: Retryable, methods: "PUT PUT PUT PUT PUT PUT PUT PUT"},

		{name: "echo that exists", echo: true, script: []reply{present}, want: Exists, methods: "HEAD"},
		{name: "echo, other bytes, for all that is known", echo: true, script: []reply{alike}, want: Exists, methods: "HEAD"},
		{name: "echo, another size", echo: true, script: []reply{longer}, want: Diverged, methods: "HEAD"},
		{name: "echo that does not", echo: true, script: []reply{noReplica, copied()}, want: Copied, methods: "HEAD PUT"},
		{name: "echo, written meanwhile", echo: true, script: []reply{noReplica, exists, present}, want: Exists, methods: "HEAD PUT HEAD"},
		{name: "echo, source gone", echo: true, script: []reply{noReplica, refused(404, "NoSuchKey", "x")}, want: SourceGone,
			methods: "HEAD PUT"},
		{name: "echo, no bucket", echo: true, script: []reply{noReplica, refused(404, "NoSuchBucket", "x")}, class: Permanent,
			methods: "HEAD PUT"},
		{name: "echo, HEAD denied", echo: true, script: []reply{{status: 403}}, class: Denied, methods: "HEAD"},
		{name: "echo, HEAD with 412", echo: true, script: []reply{{status: 412}}, class: Permanent, methods: "HEAD"},

		{name: "deleted at the target", echo: true, keep: true, script: []reply{deleted}, want: LeftDeleted, methods: "HEAD"},
		{name: "deleted at the target, look", look: true, keep: true, script: []reply{deleted}, want: LeftDeleted, methods: "HEAD"},
		{name: "deleted at the target, to be restored", echo: true, script: []reply{deleted, copied()}, want: Copied, methods: "HEAD PUT"},
		{name: "never at the target", echo: true, keep: true, script: []reply{noReplica, copied()}, want: Copied, methods: "HEAD PUT"},
		{name: "deleted at the target, no look", keep: true, script: []reply{copied()}, want: Copied, methods: "PUT"},

		{name: "look that finds it", look: true, script: []reply{present}, want: Exists, methods: "HEAD"},
		{name: "look that finds another", look: true, script: []reply{alike, present}, want: Diverged, methods: "HEAD HEAD"},
		{name: "look that finds nothing", look: true, script: []reply{noReplica, copied()}, want: Copied, methods: "HEAD PUT"},

		{name: "no condition known, absent", script: []reply{notImplemented, noReplica, copied()}, want: Copied, methods: "PUT HEAD PUT!"},
		{name: "no condition known, exists", script: []reply{notImplemented, present}, want: Exists, methods: "PUT HEAD"},
		{name: "no condition known, diverged", script: []reply{notImplemented, longer}, want: Diverged, methods: "PUT HEAD"},
		{name: "no condition known, echo", echo: true, script: []reply{noReplica, notImplemented, copied()}, want: Copied,
			methods: "HEAD PUT PUT!"},
		{name: "no condition known, conflict", script: []reply{notImplemented, noReplica, conflict, present}, want: Exists,
			methods: "PUT HEAD PUT! HEAD"},
		{name: "copy not implemented", script: []reply{notImplemented, noReplica, notImplemented}, class: Permanent,
			methods: "PUT HEAD PUT!"},
		{name: "412 without a condition", script: []reply{notImplemented, noReplica, exists}, class: Permanent, methods: "PUT HEAD PUT!"},

		{name: "bucket gone", script: []reply{refused(404, "NoSuchBucket", "x")}, class: Permanent, methods: "PUT"},
		{name: "404 that says nothing", script: []reply{{status: 404}}, class: Permanent, methods: "PUT"},
		{name: "other invalid request", script: []reply{refused(400, "InvalidRequest", "x")}, class: Permanent, methods: "PUT"},
		{name: "405 that is no delete marker", script: []reply{refused(405, "MethodNotAllowed", "x")}, class: Permanent, methods: "PUT"},
		{name: "archived", script: []reply{refused(403, "InvalidObjectState", "x")}, class: Permanent, methods: "PUT"},
		{name: "key too long", script: []reply{refused(400, "KeyTooLongError", "x")}, class: Permanent, methods: "PUT"},
		{name: "denied", script: []reply{refused(403, "AccessDenied", "x")}, class: Denied, methods: "PUT"},
		{name: "denied inside a 200", script: []reply{refused(200, "AccessDenied", "x")}, class: Denied, methods: "PUT"},
		{name: "unknown 403", script: []reply{refused(403, "NewReason", "x")}, class: Denied, methods: "PUT"},
		{name: "unknown 400", script: []reply{refused(400, "NewReason", "x")}, class: Permanent, methods: "PUT"},
		{name: "redirect", script: []reply{refused(301, "PermanentRedirect", "x")}, class: Permanent, methods: "PUT"},
		{name: "slow down", script: []reply{refused(503, "SlowDown", "x")}, class: Retryable, methods: "PUT"},
		{name: "slow down inside a 200", script: []reply{refused(200, "SlowDown", "x")}, class: Retryable, methods: "PUT"},
		{name: "internal error inside a 200", script: []reply{refused(200, "InternalError", "x")}, class: Retryable, methods: "PUT"},
		{name: "clock skewed", script: []reply{refused(403, "RequestTimeTooSkewed", "x")}, class: Retryable, methods: "PUT"},
		{name: "request timeout", script: []reply{refused(400, "RequestTimeout", "x")}, class: Retryable, methods: "PUT"},
		{name: "too many requests", script: []reply{{status: 429}}, class: Retryable, methods: "PUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.script...)
			var n naps
			c := New(s.client(1), target(), WithSleep(n.sleep), WithLogger(slog.New(slog.DiscardHandler)))
			var event policy.Event
			if tt.look {
				event.Name = "ObjectCreated:Copy"
			}
			got, err := c.Copy(t.Context(), Request{Source: source(), ProbableEcho: tt.echo, Event: event, KeepDeleted: tt.keep})
			if m := strings.Join(s.methods(), " "); m != tt.methods {
				t.Errorf("requests: got %s, want %s", m, tt.methods)
			}
			if sum := got.Requests.Copy + got.Requests.Head; sum != len(s.methods()) {
				t.Errorf("counted %+v for %d requests", got.Requests, len(s.methods()))
			}
			if got.Outcome != tt.want {
				t.Errorf("outcome: got %q (%v), want %q", got.Outcome, err, tt.want)
			}
			if (got.Bytes != 0) != (tt.want == Copied) {
				t.Errorf("bytes: got %d with %s", got.Bytes, got.Outcome)
			}
			if tt.class == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Class != tt.class || e.Source != source() || e.Target != target() {
				t.Fatalf("got error %#v, want class %s and the identities", err, tt.class)
			}
			var api smithy.APIError
			if !errors.As(err, &api) {
				t.Errorf("the SDK's error is not in %v", err)
			}
			for _, part := range []string{"copy", "s3://src/a b/ü+%.txt?versionId=v/1?", "s3://dst", "eu-west-1"} {
				if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error is not one line with %q: %s", part, err)
				}
			}
		})
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for code, want := range map[string]string{
		"InvalidObjectState":         "restore it first",
		"ObjectNotInActiveTierError": "restore it first",
		"AccessDenied":               "s3:ListBucket",
		"NoSuchBucket":               "bucket does not exist",
	} {
		s := serve(t, refused(403, code, "x"))
		_, err := New(s.client(1), target()).Copy(t.Context(), Request{Source: source()})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", code, err, want)
		}
	}
}

func TestDeleteMarkerNeedsAVersionNamed(t *testing.T) {
	for _, answer := range []reply{
		refused(400, "InvalidRequest", "delete marker"),
		{status: 405, header: map[string]string{"x-amz-delete-marker": "true"}},
	} {
		s := serve(t, answer)
		current := source()
		current.VersionID = ""
		got, err := New(s.client(1), target()).Copy(t.Context(), Request{Source: current})
		if err == nil {
			t.Errorf("status %d: got %s, want an error", answer.status, got.Outcome)
		}
	}
}

// Without a version the event's size may be of a version that was overwritten
// since: it proves no difference, and the source is asked.
func TestSizeOfNoVersionProvesNothing(t *testing.T) {
	now := reply{status: 200, header: map[string]string{"ETag": `"e2"`, "Content-Length": "43"}}
	s := serve(t, refused(412, "PreconditionFailed", "x"), now, now)
	current := source()
	current.VersionID = ""
	got, err := New(s.client(1), target()).Copy(t.Context(), Request{Source: current})
	if err != nil || got.Outcome != Exists || got.Requests.Head != 2 {
		t.Errorf("got %+v, %v; want Exists after two HEADs", got, err)
	}
}

func TestSDKRetriesServerErrors(t *testing.T) {
	s := serve(t, refused(200, "InternalError", "x"), refused(503, "SlowDown", "x"), copied())
	got, err := New(s.client(3), target()).Copy(t.Context(), Request{Source: source()})
	if err != nil || got.Outcome != Copied || got.Requests.Copy != 1 || len(s.methods()) != 3 {
		t.Errorf("got %+v, %v after %v", got, err, s.methods())
	}
}

func TestTooLargeIsRefusedUnasked(t *testing.T) {
	s := serve(t, copied())
	c := New(s.client(1), target())
	big := source()
	big.Size = MaxObject + 1
	_, err := c.Copy(t.Context(), Request{Source: big})
	var e *Error
	if !errors.As(err, &e) || e.Class != Permanent || !strings.Contains(err.Error(), "53687091200000") {
		t.Errorf("got %v, want a permanent error that names the limit", err)
	}
	if len(s.methods()) != 0 {
		t.Errorf("requests were sent: %v", s.methods())
	}
}

func TestDefaultThreshold(t *testing.T) {
	for _, tt := range []struct {
		options []Option
		size    int64
		first   string
	}{
		{nil, 256 << 20, "PUT"},
		{nil, 256<<20 + 1, "HEAD"},
		{[]Option{WithMultipart(10<<30, 1)}, 5 << 30, "PUT"},
		{[]Option{WithMultipart(10<<30, 1)}, 5<<30 + 1, "HEAD"},
		{[]Option{WithMultipart(-1, 0)}, 256 << 20, "PUT"},
		{[]Option{WithMultipart(-1, 0)}, 256<<20 + 1, "HEAD"},
	} {
		s := serve(t, copied())
		o := source()
		o.Size = tt.size
		if _, err := New(s.client(1), target(), tt.options...).Copy(t.Context(), Request{Source: o}); err != nil {
			t.Fatal(err)
		}
		if got := s.methods()[0]; got != tt.first {
			t.Errorf("%d bytes with %d options: began with %s, want %s", tt.size, len(tt.options), got, tt.first)
		}
	}
}

func TestIncompleteRequestIsPermanent(t *testing.T) {
	s := serve(t, copied())
	for _, o := range []Object{{Key: "k"}, {Bucket: "b"}} {
		_, err := New(s.client(1), target()).Copy(t.Context(), Request{Source: o})
		var e *Error
		if !errors.As(err, &e) || e.Class != Permanent || len(s.methods()) != 0 {
			t.Errorf("%+v: got %v after %v", o, err, s.methods())
		}
	}
}

func TestBackoffGrowsIsJitteredAndBounded(t *testing.T) {
	s := serve(t, refused(409, "ConditionalRequestConflict", "x"))
	var n naps
	c := New(s.client(1), target(), WithSleep(n.sleep), WithRandom(func() float64 { return 0 }))
	if _, err := c.Copy(t.Context(), Request{Source: source()}); err == nil {
		t.Fatal("want an error")
	}
	ms := time.Millisecond
	want := []time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 2500 * ms}
	if !slices.Equal(n.took, want) {
		t.Errorf("waits: got %v, want %v", n.took, want)
	}
	for i := 1; i < 100; i++ {
		low, high := backoff(i, 0), backoff(i, 0.999999)
		if low <= 0 || high < low || high > 2*low || high > backoffMost {
			t.Errorf("backoff %d ranges from %v to %v", i, low, high)
		}
	}
}

func TestUnconditionalCopyIsSaidOnce(t *testing.T) {
	notImplemented := refused(501, "NotImplemented", "x")
	s := serve(t, notImplemented, reply{status: 404}, copied(), notImplemented, reply{status: 200}, reply{status: 404})
	var out bytes.Buffer
	c := New(s.client(1), target(), WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
	for range 2 {
		if _, err := c.Copy(t.Context(), Request{Source: source()}); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(out.String(), "level=WARN"); got != 1 {
		t.Errorf("got %d warnings, want 1:\n%s", got, out.String())
	}
}

func TestCancellationWhileAsking(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, refused(503, "SlowDown", "x"))
	s.onStart = cancel
	_, err := New(s.client(3), target()).Copy(ctx, Request{Source: source()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled in it", err)
	}
	if got := len(s.methods()); got != 1 {
		t.Errorf("got %d requests, want 1", got)
	}
}

func TestCancellationWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, refused(409, "ConditionalRequestConflict", "x"))
	// The real wait, ended by the cancellation long before its time.
	c := New(s.client(1), target(), WithSleep(func(ctx context.Context, _ time.Duration) error {
		cancel()
		return smithytime.SleepWithContext(ctx, time.Hour)
	}))
	_, err := c.Copy(ctx, Request{Source: source()})
	var api smithy.APIError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &api) || api.ErrorCode() != "ConditionalRequestConflict" {
		t.Errorf("got %v, want context.Canceled and the conflict in it", err)
	}
	if got := len(s.methods()); got != 1 {
		t.Errorf("got %d requests, want 1", got)
	}
}

func TestNoConnectionIsRetryable(t *testing.T) {
	s := serve(t, copied())
	client := s.client(1)
	s.Close()
	_, err := New(client, target()).Copy(t.Context(), Request{Source: source()})
	var e *Error
	if !errors.As(err, &e) || e.Class != Retryable {
		t.Errorf("got %v, want a retryable error", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	s := serve(t, refused(501, "NotImplemented", "x"))
	c := New(s.client(1), target(), WithLogger(slog.New(slog.DiscardHandler)))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := c.Copy(t.Context(), Request{Source: source()}); err == nil {
				t.Error("want an error")
			}
		})
	}
	wg.Wait()
}
