package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// All is deleted in the reverse order of its creation, and made again but for
// the buckets that stay.
func TestDestroy(t *testing.T) {
	s := start(t)
	got, err := s.Destroy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, c := range got.Deleted {
		if c.Region == "us-east-1" && (len(kinds) == 0 || kinds[len(kinds)-1] != c.Type) {
			kinds = append(kinds, c.Type)
		}
	}
	before := func(a, b string) {
		if i, j := slices.Index(kinds, a), slices.Index(kinds, b); i < 0 || j < 0 || i > j {
			t.Errorf("deleted %v, want %s before %s", kinds, a, b)
		}
	}
	before("AWS::SNS::Subscription", "AWS::Lambda::Function")
	before("AWS::Lambda::Permission", "AWS::Lambda::Function")
	before("AWS::Lambda::Function", "AWS::IAM::Role")
	before("AWS::SNS::TopicPolicy", "AWS::SNS::Topic")
	for _, c := range got.Retained {
		if c.Type != "AWS::S3::Bucket" && c.Type != "AWS::S3::BucketPolicy" {
			t.Errorf("%+v stays, want buckets and their policies alone", c)
		}
	}
	if len(got.Retained) != 6 {
		t.Errorf("%d stay, want three buckets with their policies", len(got.Retained))
	}
	if _, ok := s.store.Role("s3fanout-replicator-us-east-1"); ok {
		t.Error("the role is still there")
	}
	if again, err := s.Destroy(t.Context()); err != nil || !again.none() {
		t.Errorf("again: %+v, %v, want nothing", again, err)
	}
}

// The interface takes deployments from this machine alone, and says what became
// of them.
func TestDeployOverHTTP(t *testing.T) {
	s := start(t)
	dir := t.TempDir()
	write := func(files fstest.MapFS) {
		for name, f := range files {
			if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	post := func(body, origin string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.state.Endpoint+"/_sandbox/deploy", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(answer)
	}
	here := fmt.Sprintf(`{"templates":%q}`, dir)
	for _, tt := range []struct {
		name, body, origin string
		files              fstest.MapFS
		status             int
		want               string
	}{
		{"a web page", here, "http://example.com", nil, 403, "not for web pages"},
		{"no body", "", "", nil, 400, "not a deployment"},
		{"another field", `{"template":"/x"}`, "", nil, 400, "unknown field"},
		{"a relative path", `{"templates":"cdk.out"}`, "", nil, 400, "absolute path"},
		{"an empty directory", here, "", nil, 409, "there is no manifest.json"},
		{"the same", here, "", changed(t, func(_, _ map[string]any) {}), 200, `{"made":[],"updated":[],"deleted":[],"retained":[]}`},
		{"another", here, "", changed(t, set("AWS::Lambda::Function", "Timeout", 66)), 200, `"properties":["Timeout"]`},
		{"refused", here, "", changed(t, set("AWS::S3::Bucket", "BucketName", "x")), 409, "can't change it"},
		{"half", here, "", changed(t, func(region, mesh map[string]any) {
			set("AWS::SNS::Subscription", "RedrivePolicy", map[string]any{"deadLetterTargetArn": "nowhere"})(region, mesh)
			set("AWS::Lambda::Function", "Timeout", 67)(region, mesh)
		}), 500, `"changes":{"made":[],"updated":[{`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			write(tt.files)
			if status, answer := post(tt.body, tt.origin); status != tt.status || !strings.Contains(answer, tt.want) {
				t.Errorf("%d %s\nwant %d with %s", status, answer, tt.status, tt.want)
			}
		})
	}
}
