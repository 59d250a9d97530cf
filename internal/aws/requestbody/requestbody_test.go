package requestbody_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
)

// server is an HTTP client that answers by itself. As net/http does when the
// server's answer overtakes the end of its write, it may answer without having
// read the body.
type server struct {
	answers []int // status codes
	reads   bool  // bodies, before it answers

	requests []*http.Request
	read     [][]byte
}

func (s *server) Do(r *http.Request) (*http.Response, error) {
	status := s.answers[len(s.requests)]
	s.requests = append(s.requests, r)
	if s.reads {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.read = append(s.read, body)
	}
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// put uploads a body.
func (s *server) put(t *testing.T, endpoint string, body io.Reader) {
	t.Helper()
	client := s3.New(s3.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(endpoint), UsePathStyle: true, HTTPClient: s,
		APIOptions: []func(*middleware.Stack) error{requestbody.Keep, requestbody.Keep},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: body}); err != nil {
		t.Fatal(err)
	}
}

// TestBodyOutlivesTheAnswer reads a body when the SDK is done with its request:
// all of it is there still, so that net/http can finish its write.
func TestBodyOutlivesTheAnswer(t *testing.T) {
	s := &server{answers: []int{200}}
	s.put(t, "http://s3.test", strings.NewReader("a short body"))
	got, err := io.ReadAll(s.requests[0].Body)
	if length := s.requests[0].ContentLength; err != nil || string(got) != "a short body" || length != int64(len(got)) {
		t.Errorf("got %q of length %d, %v; want the body that was sent", got, length, err)
	}
}

// TestClosedBodyIsAtItsEnd reads on in a long body that the SDK has closed, as
// net/http does to see whether it is longer than it should be. It has come to its
// end, which is no error: after an error net/http would drop the connection.
func TestClosedBodyIsAtItsEnd(t *testing.T) {
	long := strings.Repeat("x", 9<<20)
	for name, body := range map[string]io.Reader{
		"seekable": strings.NewReader(long), "not seekable": io.MultiReader(strings.NewReader(long)),
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{answers: []int{200}}
			s.put(t, "https://s3.test", body)
			if n, err := io.Copy(io.Discard, s.requests[0].Body); n != 0 || err != nil {
				t.Errorf("got %d bytes and %v, want neither", n, err)
			}
		})
	}
}

// TestEveryAttemptHasTheBody has a request repeated.
func TestEveryAttemptHasTheBody(t *testing.T) {
	for name, size := range map[string]int{"short": 1000, "long": 9 << 20} {
		t.Run(name, func(t *testing.T) {
			want := bytes.Repeat([]byte("b"), size)
			s := &server{answers: []int{503, 200}, reads: true}
			s.put(t, "http://s3.test", bytes.NewReader(want))
			for i, got := range s.read {
				if length := s.requests[i].ContentLength; !bytes.Equal(got, want) || length != int64(size) {
					t.Errorf("attempt %d: %d bytes of length %d, want %d", i+1, len(got), length, size)
				}
			}
			if len(s.read) != 2 {
				t.Errorf("%d attempts, want 2", len(s.read))
			}
		})
	}
}
