package sigv4

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/sandbox/iam"
)

// Whatever is changed after signing, the request is refused.
func TestTampering(t *testing.T) {
	f := newFixture(t)
	base := call{
		method: http.MethodPut, path: "/bucket/a%20b", query: "partNumber=1&uploadId=u", body: "data",
		header: http.Header{"X-Amz-Meta-A": {"1"}, "Content-Type": {"text/plain"}},
	}
	authorization := func(old, replacement string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, replacement, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		want   string
	}{
		{"nothing", func(*http.Request) {}, ""},
		{"a header that is not signed and means nothing", set("X-Other", "1"), ""},
		{"method", func(r *http.Request) { r.Method = http.MethodPost }, "SignatureDoesNotMatch"},
		{"path", func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/bucket/a c", "" }, "SignatureDoesNotMatch"},
		{"query value", func(r *http.Request) { r.URL.RawQuery = "partNumber=2&uploadId=u" }, "SignatureDoesNotMatch"},
		{"query added", func(r *http.Request) { r.URL.RawQuery += "&x=" }, "SignatureDoesNotMatch"},
		{"query added behind a semicolon", func(r *http.Request) { r.URL.RawQuery += ";x=1" }, "SignatureDoesNotMatch"},
		{"query removed", func(r *http.Request) { r.URL.RawQuery = "partNumber=1" }, "SignatureDoesNotMatch"},
		{"query order does not matter", func(r *http.Request) { r.URL.RawQuery = "uploadId=u&partNumber=1" }, ""},
		{"host", func(r *http.Request) { r.Host = "example.com" }, "SignatureDoesNotMatch"},
		{"signed header", set("X-Amz-Meta-A", "2"), "SignatureDoesNotMatch"},
		{"signed header removed", func(r *http.Request) { r.Header.Del("X-Amz-Meta-A") }, "SignatureDoesNotMatch"},
		{"signed header twice", func(r *http.Request) { r.Header.Add("X-Amz-Meta-A", "1") }, "SignatureDoesNotMatch"},
		{"content type", set("Content-Type", "text/html"), "SignatureDoesNotMatch"},
		{"x-amz header added", set("X-Amz-Meta-B", "1"), "AccessDenied"},
		{"payload hash", set("X-Amz-Content-Sha256", unsignedPayload), "SignatureDoesNotMatch"},
		{"payload hash of no known form", set("X-Amz-Content-Sha256", "abc"), "InvalidArgument"},
		{"payload hash removed", func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, "InvalidRequest"},
		{"time", set("X-Amz-Date", "20261120T235931Z"), "SignatureDoesNotMatch"},
		{"time on another day", set("X-Amz-Date", "20261121T000000Z"), "AuthorizationHeaderMalformed"},
		{"time malformed", set("X-Amz-Date", "yesterday"), "AccessDenied"},
		{"token", set("X-Amz-Security-Token", "other"), "InvalidToken"},
		{"token removed", func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") }, "InvalidAccessKeyId"},
		{"scope's Region", authorization("eu-west-1", "us-east-1"), "SignatureDoesNotMatch"},
		{"scope's service", authorization("/s3/", "/sqs/"), "SignatureDoesNotMatch"},
		{"scope's end", authorization("aws4_request", "aws5_request"), "AuthorizationHeaderMalformed"},
		{"scope's date", authorization("20261120", "20261119"), "AuthorizationHeaderMalformed"},
		{"access key of nobody", authorization("ASIA", "AKIA"), "InvalidAccessKeyId"},
		{"list without the host", authorization("host;", ""), "AccessDenied"},
		{"list in another order", authorization("content-type;host", "host;content-type"), "AuthorizationHeaderMalformed"},
		{"list with a name twice", authorization("host;", "host;host;"), "AuthorizationHeaderMalformed"},
		{"list in upper case", authorization("content-type;", "Content-Type;"), "AuthorizationHeaderMalformed"},
		{"list lacks a header that means nothing else", authorization("content-type;", ""), "SignatureDoesNotMatch"},
		{"signature", func(r *http.Request) {
			h := r.Header.Get("Authorization")
			r.Header.Set("Authorization", h[:len(h)-64]+strings.Repeat("0", 64))
		}, "SignatureDoesNotMatch"},
		{"signature cut off", func(r *http.Request) {
			h := r.Header.Get("Authorization")
			r.Header.Set("Authorization", h[:len(h)-1])
		}, "SignatureDoesNotMatch"},
		{"no signature", authorization("Signature=", "Signed="), "AuthorizationHeaderMalformed"},
		{"other algorithm", authorization("AWS4-HMAC-SHA256", "AWS4-RSA-SHA256"), "InvalidRequest"},
		{"version 4A with a Region in its scope", authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
			"AuthorizationHeaderMalformed"},
		{"version 2", set("Authorization", "AWS AKIA:x"), "InvalidRequest"},
		{"no authorization", func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationToken"},
		{"both ways", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=x" }, "InvalidArgument"},
		{"bad escape", func(r *http.Request) { r.URL.RawQuery = "x=%zz" }, "InvalidURI"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := f.sign(t, base)
			tt.change(r)
			if got := f.send(t, r); got != tt.want {
				t.Errorf("code = %q (%v), want %q", got, f.err, tt.want)
			}
		})
	}
}

func TestTamperingWithPresignedURL(t *testing.T) {
	f := newFixture(t)
	query := func(old, replacement string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, replacement, 1) }
	}
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		want   string
	}{
		{"nothing", func(*http.Request) {}, ""},
		{"method", func(r *http.Request) { r.Method = http.MethodDelete }, "SignatureDoesNotMatch"},
		{"path", func(r *http.Request) { r.URL.Path = "/bucket/other" }, "SignatureDoesNotMatch"},
		{"parameter", query("versionId=1", "versionId=2"), "SignatureDoesNotMatch"},
		{"expires", query("X-Amz-Expires=60", "X-Amz-Expires=600"), "SignatureDoesNotMatch"},
		{"expires too late", query("X-Amz-Expires=60", "X-Amz-Expires=604801"), "AuthorizationQueryParametersError"},
		{"expires negative", query("X-Amz-Expires=60", "X-Amz-Expires=-1"), "AuthorizationQueryParametersError"},
		{"expires no number", query("X-Amz-Expires=60", "X-Amz-Expires=x"), "AuthorizationQueryParametersError"},
		{"no expires", query("X-Amz-Expires=60", "X=60"), "AuthorizationQueryParametersError"},
		{"date", query("T235930Z", "T235900Z"), "SignatureDoesNotMatch"},
		{"date malformed", query("T235930Z", "T25"), "AuthorizationQueryParametersError"},
		{"token", query("X-Amz-Security-Token=", "X-Amz-Security-Token=x"), "InvalidToken"},
		{"algorithm", query("AWS4-HMAC-SHA256", "AWS4-RSA-SHA256"), "InvalidRequest"},
		{"version 4A without Regions", query("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), "AuthorizationQueryParametersError"},
		{"parameter twice", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Expires=600" }, "AuthorizationQueryParametersError"},
		{"x-amz header added", func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, "AccessDenied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := f.presign(t, call{path: "/bucket/k", query: "versionId=1"}, "60")
			tt.change(r)
			if got := f.send(t, r); got != tt.want {
				t.Errorf("code = %q (%v), want %q", got, f.err, tt.want)
			}
		})
	}
}

func TestBodyTampering(t *testing.T) {
	f := newFixture(t)
	for _, service := range []string{"sqs", "sns", "sts"} {
		r := f.sign(t, call{service: service, method: http.MethodPost, body: "Action=GetCallerIdentity"})
		r.Body = io.NopCloser(strings.NewReader("Action=GetCallerIdentitY"))
		if got := f.send(t, r); got != "SignatureDoesNotMatch" {
			t.Errorf("%s: code = %q, want SignatureDoesNotMatch", service, got)
		}
	}
	// In S3 the declared hash is what is signed; the S3 server checks the bytes.
	r := f.sign(t, call{method: http.MethodPut, body: "data"})
	r.Body = io.NopCloser(strings.NewReader("DATA"))
	if got := f.send(t, r); got != "" || f.body != "DATA" {
		t.Errorf("s3: code = %q, body %q; want the body to pass untouched", got, f.body)
	}
}

func TestTime(t *testing.T) {
	f := newFixture(t)
	for _, tt := range []struct {
		name    string
		service string
		expires string // of a presigned URL; "" signs the header
		late    time.Duration
		want    string
	}{
		{"at once", "s3", "", 0, ""},
		{"just in time", "s3", "", 15 * time.Minute, ""},
		{"too late", "s3", "", 15*time.Minute + time.Second, "RequestTimeTooSkewed"},
		{"clock ahead", "s3", "", -15 * time.Minute, ""},
		{"clock too far ahead", "s3", "", -15*time.Minute - time.Second, "RequestTimeTooSkewed"},
		{"too late, SQS", "sqs", "", 16 * time.Minute, "SignatureDoesNotMatch"},
		{"too late, Lambda", "lambda", "", 16 * time.Minute, "InvalidSignatureException"},
		{"URL in time", "s3", "3600", time.Hour, ""},
		{"URL expired", "s3", "3600", time.Hour + time.Second, "AccessDenied"},
		{"URL of a week", "s3", "604800", 7 * 24 * time.Hour, ""},
		{"URL from the future", "s3", "3600", -16 * time.Minute, "AccessDenied"},
		{"URL, STS", "sts", "60", time.Minute, ""},
		{"URL expired, STS", "sts", "60", time.Hour, "SignatureDoesNotMatch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.now = signedAt.Add(tt.late)
			var r *http.Request
			if tt.expires == "" {
				r = f.sign(t, call{service: tt.service})
			} else {
				r = f.presign(t, call{service: tt.service}, tt.expires)
			}
			if got := f.send(t, r); got != tt.want {
				t.Errorf("code = %q (%v), want %q", got, f.err, tt.want)
			}
		})
	}
}

// Every refusal names the service that was meant, so that it can be written in
// that service's format, and has AWS's status.
func TestErrorsByService(t *testing.T) {
	f := newFixture(t)
	stranger := iam.NewStore("aws", "123456789012").Admin()
	wrong := f.admin
	wrong.SecretAccessKey += "x"
	for _, tt := range []struct {
		service     string
		credentials iam.Credentials
		code        string
	}{
		{"s3", stranger, "InvalidAccessKeyId"},
		{"sqs", stranger, "InvalidClientTokenId"},
		{"sns", stranger, "InvalidClientTokenId"},
		{"sts", stranger, "InvalidClientTokenId"},
		{"lambda", stranger, "UnrecognizedClientException"},
		{"s3", wrong, "SignatureDoesNotMatch"},
		{"sqs", wrong, "SignatureDoesNotMatch"},
		{"lambda", wrong, "InvalidSignatureException"},
	} {
		if got := f.send(t, f.sign(t, call{service: tt.service, credentials: tt.credentials})); got != tt.code {
			t.Errorf("%s: code = %q, want %q", tt.service, got, tt.code)
			continue
		}
		if f.err.Service != tt.service || f.err.Status != http.StatusForbidden {
			t.Errorf("%s: %+v, want the service and status 403", tt.service, f.err)
		}
	}
}
