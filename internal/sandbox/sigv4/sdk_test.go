package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"pgregory.net/rapid"

	"s3fanout/internal/sandbox/iam"
)

var signedAt = time.Date(2026, 11, 20, 23, 59, 30, 0, time.UTC)

// fixture is a store with a role session, and a server that authenticates
// what it gets and then reads the body.
type fixture struct {
	store    *iam.Store
	admin    iam.Credentials
	session  iam.Credentials
	caller   iam.Caller // of the session
	now      time.Time
	server   *httptest.Server
	identity Identity
	err      *Error
	body     string
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{store: iam.NewStore("aws", "123456789012"), now: signedAt}
	f.admin = f.store.Admin()
	trust, err := iam.ParseDocument(
		[]byte(`{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	role, err := f.store.CreateRole(iam.RoleConfig{Name: "r", Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	if f.session, f.caller, err = f.store.AssumeRoleForService(role.ARN, "fn", "lambda.amazonaws.com", ""); err != nil {
		t.Fatal(err)
	}
	f.server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		f.identity, f.err = Authenticate(r, f.store, f.now)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			f.err = &Error{Code: "BodyNotRestored", Message: err.Error()}
		}
		f.body = string(body)
	}))
	t.Cleanup(f.server.Close)
	return f
}

// send sends a signed request over the wire and returns the refusal's code, or "".
func (f *fixture) send(t testing.TB, r *http.Request) string {
	t.Helper()
	f.identity, f.err, f.body = Identity{}, nil, ""
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if f.err != nil {
		return f.err.Code
	}
	return ""
}

// call is a request to make. The zero value of a field takes a default.
type call struct {
	service     string
	method      string
	path        string // encoded
	query       string
	header      http.Header
	body        string
	payloadHash string
	credentials iam.Credentials
	time        time.Time
}

func (f *fixture) request(t testing.TB, c call) *http.Request {
	t.Helper()
	r, err := http.NewRequest(c.method, f.server.URL+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.RawQuery = c.query
	for k, v := range c.header {
		r.Header[k] = v
	}
	return r
}

func forService(service string) func(*v4.SignerOptions) {
	return func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" }
}

func (f *fixture) defaults(c call) call {
	if c.service == "" {
		c.service = "s3"
	}
	if c.method == "" {
		c.method = http.MethodGet
	}
	if c.path == "" {
		c.path = "/"
	}
	if c.payloadHash == "" {
		hash := sha256.Sum256([]byte(c.body))
		c.payloadHash = hex.EncodeToString(hash[:])
	}
	if c.credentials.AccessKeyID == "" {
		c.credentials = f.session
	}
	if c.time.IsZero() {
		c.time = signedAt
	}
	return c
}

func sdk(c iam.Credentials) aws.Credentials {
	return aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
}

// sign returns a request that the SDK has signed in the header.
func (f *fixture) sign(t testing.TB, c call) *http.Request {
	t.Helper()
	c = f.defaults(c)
	r := f.request(t, c)
	if c.service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", c.payloadHash)
	}
	err := v4.NewSigner().SignHTTP(t.Context(), sdk(c.credentials), r, c.payloadHash, c.service, "eu-west-1", c.time, forService(c.service))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// presign returns a request whose URL the SDK has signed.
func (f *fixture) presign(t testing.TB, c call, expires string) *http.Request {
	t.Helper()
	c = f.defaults(c)
	r := f.request(t, c)
	if expires != "" {
		q := r.URL.Query()
		q.Set("X-Amz-Expires", expires)
		r.URL.RawQuery = q.Encode()
	}
	payload := c.payloadHash
	if c.service == "s3" {
		payload = unsignedPayload
	}
	signed, header, err := v4.NewSigner().PresignHTTP(t.Context(), sdk(c.credentials), r, payload, c.service, "eu-west-1", c.time,
		forService(c.service))
	if err != nil {
		t.Fatal(err)
	}
	if r.URL, err = url.Parse(signed); err != nil {
		t.Fatal(err)
	}
	r.Header = header.Clone()
	r.Header.Del("Host")
	return r
}

// hardKeys are object keys that encoders disagree about.
func hardKeys() []string {
	return []string{
		"plain", "a b", "a+b", "a%b", "a%20b", "a%2Fb", "ä/日本語/🎉", "a//b", "/leading", "trailing/", "a/./b", "a/../b",
		"!*'()", "~-._", "a=b&c=d", "q?x#y", "semi;colon", "at@:,$", `"<>\^{}|` + "`", "tab\tnew\nline", "\xff\xfe",
	}
}

func TestS3Keys(t *testing.T) {
	f := newFixture(t)
	for _, key := range hardKeys() {
		path := "/bucket/" + httpbinding.EscapePath(key, false)
		if got := f.send(t, f.sign(t, call{method: http.MethodPut, path: path, body: "data"})); got != "" {
			t.Errorf("key %q: %v", key, f.err)
		}
		if got := f.send(t, f.presign(t, call{path: path}, "60")); got != "" {
			t.Errorf("key %q, presigned: %v", key, f.err)
		}
	}
}

func TestAnyS3Key(t *testing.T) {
	f := newFixture(t)
	rapid.Check(t, func(rt *rapid.T) {
		key := rapid.String().Draw(rt, "key")
		value := rapid.String().Draw(rt, "value")
		query := url.Values{"prefix": {key, value}, value: {key}}.Encode()
		r := f.sign(t, call{path: "/b/" + httpbinding.EscapePath(key, false), query: strings.ReplaceAll(query, "+", "%20")})
		if f.send(t, r) != "" {
			rt.Errorf("%v", f.err)
		}
	})
}

func TestOtherServices(t *testing.T) {
	f := newFixture(t)
	for _, c := range []call{
		{service: "sqs", method: http.MethodPost, path: "/", body: `{"QueueUrl":"x"}`,
			header: http.Header{"X-Amz-Target": {"AmazonSQS.SendMessage"}, "Content-Type": {"application/x-amz-json-1.0"}}},
		{service: "sns", method: http.MethodPost, path: "/", body: "Action=Publish&Message=a+b%25"},
		{service: "lambda", method: http.MethodPost,
			path: "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/invocations", body: "{}"},
		{service: "lambda", path: "/2015-03-31/functions/f", query: "Qualifier=%24LATEST"},
		{service: "lambda", path: "/a%20b/c%2Fd/%E2%82%AC"},
		{service: "sts", method: http.MethodPost, body: "Action=GetCallerIdentity"},
	} {
		r := f.sign(t, c)
		if got := f.send(t, r); got != "" {
			t.Errorf("%s %s: %v", c.service, c.path, f.err)
			continue
		}
		if f.body != c.body {
			t.Errorf("%s: body = %q after authentication, want %q", c.service, f.body, c.body)
		}
		if f.identity.Service != c.service {
			t.Errorf("service = %q, want %q", f.identity.Service, c.service)
		}
	}
}

func TestIdentity(t *testing.T) {
	f := newFixture(t)
	if got := f.send(t, f.sign(t, call{payloadHash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"})); got != "" {
		t.Fatal(f.err)
	}
	want := Identity{Caller: f.caller, Region: "eu-west-1", Service: "s3", PayloadHash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"}
	if f.identity != want {
		t.Errorf("identity = %+v, want %+v", f.identity, want)
	}
	if got := f.send(t, f.presign(t, call{credentials: f.admin}, "60")); got != "" {
		t.Fatal(f.err)
	}
	_, admin, _ := f.store.Lookup(f.admin.AccessKeyID)
	want = Identity{Caller: admin, Region: "eu-west-1", Service: "s3", PayloadHash: "UNSIGNED-PAYLOAD", Presigned: true}
	if f.identity != want {
		t.Errorf("identity = %+v, want %+v", f.identity, want)
	}
}

func TestQueriesAndHeaders(t *testing.T) {
	f := newFixture(t)
	for _, query := range []string{
		"", "uploads", "uploads=", "list-type=2&prefix=a%20b%2B%2F", "b=2&a=1&a=0&A=3", "x=a/b&x=a-b", "x-id=GetObject", "v=%F0%9F%8E%89",
	} {
		if got := f.send(t, f.sign(t, call{query: query})); got != "" {
			t.Errorf("query %q: %v", query, f.err)
		}
	}
	header := http.Header{
		"X-Amz-Meta-Spaces":    {"  two  and   three  "},
		"X-Amz-Meta-Many":      {"a", " b "},
		"X-Amz-Meta-Utf8":      {"grün"},
		"Content-Type":         {"text/plain; charset=utf-8"},
		"If-None-Match":        {"*"},
		"X-Amz-Copy-Source":    {"b/a%20b?versionId=1"},
		"X-Amzn-Trace-Id":      {"not signed"},
		"Amz-Sdk-Request":      {"attempt=1; max=3"},
		"X-Amz-Empty":          {""},
		"Expect":               {"100-continue"},
		"X-Forwarded-Whatever": {"1"},
	}
	if got := f.send(t, f.sign(t, call{method: http.MethodPut, header: header, body: "x"})); got != "" {
		t.Errorf("headers: %v", f.err)
	}
}

func TestBodyThatIsTooLarge(t *testing.T) {
	f := newFixture(t)
	body := strings.Repeat("x", MaxBody)
	if got := f.send(t, f.sign(t, call{service: "lambda", method: http.MethodPost, body: body})); got != "" {
		t.Errorf("at the limit: %v", f.err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte(body+"x")))
	r.Header = f.sign(t, call{service: "lambda", method: http.MethodPost, body: body + "x"}).Header
	_, err := Authenticate(r, f.store, f.now)
	if err == nil || err.Code != "RequestEntityTooLarge" || err.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("over the limit: %v, want RequestEntityTooLarge", err)
	}
}
