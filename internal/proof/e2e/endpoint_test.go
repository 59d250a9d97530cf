package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox"
)

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestEndpointRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	region := w.regions[0]
	wrong := w.config(region)
	wrong.Credentials = credentials.NewStaticCredentialsProvider(w.state.AccessKeyID, "wrong", "")
	unknown := w.config(region)
	unknown.Credentials = credentials.NewStaticCredentialsProvider("AKIANOBODY", "wrong", "")
	elsewhere := w.config("sa-east-1")
	list := func(c aws.Config) error {
		_, err := s3.NewFromConfig(c).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(w.bucket(region))})
		return err
	}
	topics := func(c aws.Config) error {
		_, err := sns.NewFromConfig(c).ListTopics(t.Context(), nil)
		return err
	}
	queues := func(c aws.Config) error {
		_, err := sqs.NewFromConfig(c).ListQueues(t.Context(), nil)
		return err
	}
	function := func(c aws.Config) error {
		_, err := lambda.NewFromConfig(c).GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("x")})
		return err
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"s3, wrong secret", list(wrong), "SignatureDoesNotMatch"},
		{"s3, unknown key", list(unknown), "InvalidAccessKeyId"},
		{"sns, wrong secret", topics(wrong), "SignatureDoesNotMatch"},
		{"sns, unknown key", topics(unknown), "InvalidClientTokenId"},
		{"sqs, unknown key", queues(unknown), "InvalidClientTokenId"},
		{"lambda, unknown key", function(unknown), "UnrecognizedClientException"},
		{"s3, Region without a stack", list(elsewhere), "InvalidRegion"},
		{"sqs, Region without a stack", queues(elsewhere), "InvalidRegion"},
		{"bucket of another Region", list(w.config(w.regions[1])), "PermanentRedirect"},
	} {
		if got := code(c.err); got != c.want {
			t.Errorf("%s: %v, want %s", c.name, c.err, c.want)
		}
	}
	resp, err := http.Get(w.state.Endpoint + "/" + w.bucket(region))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned request: %s, want 403", resp.Status)
	}
}

func TestCallerIdentity(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	out, err := sts.NewFromConfig(w.config(w.regions[0])).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(out.Account); got != w.state.AccountID {
		t.Errorf("account %q, want %q", got, w.state.AccountID)
	}
}

func TestControlInterface(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	w.upload(w.regions[0], object{key: "key", body: "body"})
	w.settle()

	resp, err := http.Get(w.state.Endpoint + "/_sandbox/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var stats sandbox.Stats
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil {
		t.Fatal(err)
	}
	if got := stats.Regions[w.regions[1]]; got.Lambda.Invocations != 1 || got.SNS.Filtered != 2 {
		t.Errorf("stats of %s: %+v, want one invocation and two echoes filtered", w.regions[1], got)
	}

	for _, c := range []struct {
		body string
		want int
	}{
		{`{"region":"us-east-1","kind":"s3-slowdown","rate":0.5}`, http.StatusOK},
		{`{"region":"us-east-1","kind":"s3-slowdown","rate":0}`, http.StatusOK},
		{`{"region":"us-east-1","kind":"s3-slowdown","rate":2}`, http.StatusBadRequest},
		{`{"region":"eu-west-9","kind":"s3-slowdown","rate":1}`, http.StatusBadRequest},
		{`{"region":"us-east-1","kind":"flood","rate":1}`, http.StatusBadRequest},
		{`{"region":"us-east-1","speed":1}`, http.StatusBadRequest},
		{`{"region":"us-east-1","kind":"s3-slowdown"}`, http.StatusBadRequest},
		{`not JSON`, http.StatusBadRequest},
	} {
		resp, err := http.Post(w.state.Endpoint+"/_sandbox/faults", "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.want {
			t.Errorf("%s: %s (%v), want %d\n%s", c.body, resp.Status, err, c.want, text)
		}
	}
}

func TestControlInterfaceIsNotForWebPages(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	for name, change := range map[string]func(*http.Request){
		"a page's origin":  func(r *http.Request) { r.Header.Set("Origin", "http://example.com") },
		"a rebound name":   func(r *http.Request) { r.Host = "example.com" },
		"a foreign number": func(r *http.Request) { r.Host = "192.0.2.1:4566" },
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.state.Endpoint+"/_sandbox/faults",
			strings.NewReader(`{"region":"us-east-1","kind":"delay","rate":1}`))
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s, want 403", name, resp.Status)
		}
	}
	if active := w.sandbox.Stats().Faults; len(active) != 0 {
		t.Errorf("faults %v are on", active)
	}
}
