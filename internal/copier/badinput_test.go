package copier

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// TestBadAnswers has a row of cmd/s3fanout/testdata/bad-input.txt each: what S3 does not answer,
// and something that stands before it might.
func TestBadAnswers(t *testing.T) {
	raw := func(status int, body string) []reply { return []reply{{status: status, body: body}} }
	for _, tt := range []struct {
		id     string
		script []reply
		size   int64
		want   Outcome // or, if empty,
		class  Class
		says   string
	}{
		{"cp-01", raw(200, ""), 42, "", Retryable, "the answer to the copy has no ETag"},
		{"cp-02", raw(200, "<html><body>Welcome to the hotel</body></html>"), 42, "", Retryable, "the answer to the copy has no ETag"},
		{"cp-03", raw(200, `<CopyObjectResult><ETag>"0123`), 42, "", Retryable, "unexpected EOF"},
		{"cp-04", []reply{refused(200, "InternalError", "We encountered an internal error")}, 42, "", Retryable, "InternalError"},
		{"cp-05", raw(404, ""), 42, "", Permanent, "404"},
		{"cp-06", raw(502, "<html>Bad Gateway</html>"), 42, "", Retryable, "502"},
		{"cp-07", []reply{{status: 302, header: map[string]string{"Location": "http://127.0.0.1:1/elsewhere"}}}, 42, "", Permanent, "302"},
		{"cp-08",
			[]reply{refused(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")}, 42,
			"", Retryable, "RequestTimeTooSkewed"},
		{"cp-09", raw(200, ""), 6 << 30, Exists, "", ""}, // the target's HEAD has nothing but a status
		{"cp-10", []reply{refused(400, "Weird\r\nCode", strings.Repeat("\x1b[2Jlong ", 10_000))}, 42, "", Permanent, "permanent: "},
	} {
		t.Run(tt.id, func(t *testing.T) {
			s := serve(t, tt.script...)
			var n naps
			req := Request{Source: source()}
			req.Source.Size = tt.size
			got, err := New(s.client(1), target(), WithSleep(n.sleep), WithLogger(slog.New(slog.DiscardHandler))).Copy(t.Context(), req)
			if got.Outcome != tt.want {
				t.Errorf("outcome %q, want %q", got.Outcome, tt.want)
			}
			var e *Error
			if tt.class != "" && (!errors.As(err, &e) || e.Class != tt.class || !strings.Contains(err.Error(), tt.says)) {
				t.Fatalf("got %v, want %s with %q", err, tt.class, tt.says)
			}
			if err == nil {
				return
			}
			if text := err.Error(); strings.ContainsAny(text, "\n\r\x1b") || len(text) > 4000 {
				t.Errorf("%d bytes, or more than a line: %.200q", len(text), text)
			}
		})
	}
}

// What a version or a key has of line breaks does not end its header.
func TestNoHeaderIsSmuggled(t *testing.T) {
	s := serve(t, copied())
	req := Request{Source: source()}
	req.Source.Key, req.Source.VersionID = "k\r\nX-Amz-Acl: public-read", "v\r\nX-Amz-Grant-Read: all" // bad input: cp-11
	if _, err := New(s.client(1), target()).Copy(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	r := s.seen[0]
	got, want := r.Header.Get("X-Amz-Copy-Source"), "src/k%0D%0AX-Amz-Acl%3A%20public-read?versionId=v%0D%0AX-Amz-Grant-Read%3A%20all"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if r.Header.Get("X-Amz-Acl") != "" || r.Header.Get("X-Amz-Grant-Read") != "" {
		t.Errorf("got headers %v", r.Header)
	}
}
