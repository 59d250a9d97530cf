package copier

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// reply is one answer of the scripted server.
type reply struct {
	status int
	header map[string]string
	body   string
}

func copied() reply {
	return reply{
		status: http.StatusOK, header: map[string]string{"x-amz-version-id": "replica-v1"},
		body: `<CopyObjectResult><ETag>"0123456789abcdef"</ETag><LastModified>2026-11-20T10:15:30.000Z</LastModified></CopyObjectResult>`,
	}
}

// refused is an error as S3 words it.
func refused(status int, code, message string) reply {
	return reply{status: status, body: fmt.Sprintf(
		`<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message><RequestId>R1</RequestId>`+
			`<HostId>H1</HostId></Error>`, code, message)}
}

// server is an S3 endpoint that answers from a script, one reply a request;
// the last one is repeated.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	script  []reply
	seen    []*http.Request
	onStart func()
}

func serve(t *testing.T, script ...reply) *server {
	t.Helper()
	s := &server{script: script}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	answer := s.script[min(len(s.seen), len(s.script)-1)]
	s.seen = append(s.seen, r.Clone(context.Background()))
	onStart := s.onStart
	s.mu.Unlock()
	if onStart != nil {
		onStart()
	}
	for k, v := range answer.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body)
}

// methods are the requests seen, HEAD, PUT (conditional) or PUT! (not).
func (s *server) methods() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.seen {
		m := r.Method
		if m == http.MethodPut && r.Header.Get("If-None-Match") == "" {
			m += "!"
		}
		out = append(out, m)
	}
	return out
}

// client is the real SDK client, made for another Region than the target's.
func (s *server) client(attempts int) *s3.Client {
	return s3.New(s3.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(s.URL),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = attempts
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
}

func source() Object {
	return Object{Region: "us-east-1", Bucket: "src", Key: "a b/ü+%.txt", VersionID: "v/1?", Size: 42, ETag: "e"}
}

func target() Target { return Target{Region: "eu-west-1", Bucket: "dst"} }

// naps records the waits and takes no time.
type naps struct {
	mu   sync.Mutex
	took []time.Duration
}

func (n *naps) sleep(ctx context.Context, d time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.took = append(n.took, d)
	return ctx.Err()
}
