package marker

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/copier"
)

func TestPut(t *testing.T) {
	fails := func(code string) string {
		return fmt.Sprintf(`<Error><Code>%s</Code><Message>no</Message></Error>`, code)
	}
	for _, tt := range []struct {
		name   string
		status int
		body   string
		made   bool
		class  copier.Class // of the error, empty for none
	}{
		{"made", http.StatusNoContent, "", true, ""},
		{"another object", http.StatusPreconditionFailed, fails("PreconditionFailed"), false, ""},
		{"nothing there any more", http.StatusNotFound, fails("NoSuchKey"), false, ""},
		{"a rival", http.StatusConflict, fails("ConditionalRequestConflict"), false, ""},
		{"denied", http.StatusForbidden, fails("AccessDenied"), false, copier.Denied},
		{"no such bucket", http.StatusNotFound, fails("NoSuchBucket"), false, copier.Permanent},
		{"slow down", http.StatusServiceUnavailable, fails("SlowDown"), false, copier.Retryable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var seen []*http.Request
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r.Clone(context.Background()))
				w.Header().Set("X-Amz-Version-Id", "marker-1")
				w.Header().Set("X-Amz-Delete-Marker", "true")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer server.Close()
			client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true,
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
				})})
			target, source := copier.Target{Region: "eu-west-1", Bucket: "dst"},
				copier.Object{Region: "us-east-1", Bucket: "src", Key: "a b", VersionID: "v"}
			version, made, err := Put(t.Context(), client, target, source, "e-2")
			var failed *copier.Error
			if e, is := err.(*copier.Error); is { //nolint:errorlint // that it is one is the contract
				failed = e
			}
			if made != tt.made || (tt.class == "") != (err == nil) || failed != nil && failed.Class != tt.class {
				t.Errorf("made %t, %v", made, err)
			}
			if tt.class == copier.Denied && !strings.Contains(err.Error(), "s3:DeleteObject") {
				t.Errorf("%v does not say which permission", err)
			}
			if made != (version == "marker-1") {
				t.Errorf("version %q", version)
			}
			if len(seen) != 1 {
				t.Fatalf("%d requests: what is tried again begins with another look", len(seen))
			}
			r := seen[0]
			if r.Method != http.MethodDelete || r.URL.Path != "/dst/a b" || r.Header.Get("If-Match") != `"e-2"` ||
				r.URL.Query().Has("versionId") {
				t.Errorf("%s %s with %v", r.Method, r.URL, r.Header)
			}
			if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/") {
				t.Error("not sent to the target's Region")
			}
		})
	}
}

// Without an ETag there is no condition, and no deletion.
func TestPutNeedsAnETag(t *testing.T) {
	_, made, err := Put(t.Context(), nil, copier.Target{}, copier.Object{}, "")
	if made || err == nil {
		t.Errorf("made %t, %v", made, err)
	}
}
