package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/function/client"
	"s3fanout/internal/function/replicator"
)

// lambdaAnswer is one answer of a scripted Lambda endpoint.
type lambdaAnswer struct {
	status     int
	kind, body string // the kind of a function's own failure begins with "function:"
}

// serveLambda answers from the script, the last answer again and again, and
// returns an invoker for it, the requests and their bodies, and the waits.
func serveLambda(t *testing.T, script ...lambdaAnswer) (s *selfInvoker, requests *[]*http.Request, bodies *[]string, waits *int) {
	t.Helper()
	requests, bodies, waits = &[]*http.Request{}, &[]string{}, new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := script[min(len(*requests), len(script)-1)]
		body, _ := io.ReadAll(r.Body)
		*requests, *bodies = append(*requests, r.Clone(context.Background())), append(*bodies, string(body))
		if failed, ok := strings.CutPrefix(answer.kind, "function:"); ok {
			w.Header().Set("X-Amz-Function-Error", failed)
		} else if answer.kind != "" {
			w.Header().Set("X-Amzn-Errortype", answer.kind)
		}
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(server.Close)
	env := map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_LAMBDA": server.URL + "/"}
	s, err := newSelfInvoker(func(name string) string { return env[name] }, client.HTTP(1),
		aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}, "eu-west-1", "media-replicator")
	if err != nil {
		t.Fatal(err)
	}
	s.sleep = func(ctx context.Context, _ time.Duration) error {
		*waits++
		return ctx.Err()
	}
	return s, requests, bodies, waits
}

func TestInvokeRequest(t *testing.T) {
	s, requests, bodies, _ := serveLambda(t, lambdaAnswer{status: http.StatusAccepted})
	const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a87bd80c:0"
	ctx := context.WithValue(t.Context(), traceKey, trace) //nolint:staticcheck // the key is aws-lambda-go's
	if err := s.Invoke(ctx, []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if len(*requests) != 1 || (*bodies)[0] != `{"a":1}` {
		t.Fatalf("got bodies %q, want one", *bodies)
	}
	r := (*requests)[0]
	if r.Method != http.MethodPost || r.URL.Path != "/2015-03-31/functions/media-replicator/invocations" {
		t.Errorf("got %s %s", r.Method, r.URL)
	}
	for name, want := range map[string]string{"X-Amz-Invocation-Type": "Event", "X-Amz-Security-Token": "token", "X-Amzn-Trace-Id": trace} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := r.Header.Get("Authorization"); !strings.Contains(got, "/eu-west-1/lambda/aws4_request") ||
		!strings.Contains(got, "x-amz-invocation-type") {
		t.Errorf("Authorization: got %q", got)
	}
	if err := s.Invoke(t.Context(), nil); err != nil || (*requests)[1].Header.Get(traceHeader) != "" {
		t.Errorf("without a trace: got %v and header %q", err, (*requests)[1].Header.Get(traceHeader))
	}
}

func TestInvokeAnswers(t *testing.T) {
	accepted := lambdaAnswer{status: http.StatusAccepted}
	denied := lambdaAnswer{
		http.StatusForbidden, "AccessDeniedException", `{"Message":"User: arn is not authorized\nto perform: lambda:InvokeFunction"}`,
	}
	busy := lambdaAnswer{
		http.StatusTooManyRequests, "TooManyRequestsException:",
		`{"Reason":"ConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}`,
	}
	for _, tt := range []struct {
		name     string
		script   []lambdaAnswer
		attempts int
		want     string // "" for success
	}{
		{"at once", []lambdaAnswer{accepted}, 1, ""},
		{"after a server error", []lambdaAnswer{{status: 500}, accepted}, 2, ""},
		{"after throttling twice", []lambdaAnswer{busy, busy, accepted}, 3, ""},
		{"denied", []lambdaAnswer{denied}, 1,
			"AccessDeniedException: User: arn is not authorized to perform: lambda:InvokeFunction (status 403)"},
		{"throttled", []lambdaAnswer{busy}, client.MaxAttempts, "TooManyRequestsException: Rate Exceeded. (status 429)"},
		{"nothing said", []lambdaAnswer{{status: 503, body: "<html>"}}, client.MaxAttempts, "Service Unavailable: no message (status 503)"},
		// 200 is the answer to a synchronous invocation.
		{"not asynchronous", []lambdaAnswer{{status: 200}}, 1, "OK: no message (status 200)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, requests, _, waits := serveLambda(t, tt.script...)
			err := s.Invoke(t.Context(), []byte("{}"))
			var refused *replicator.InvokeError
			if (err == nil) != (tt.want == "") || err != nil && (!errors.As(err, &refused) || err.Error() != tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if len(*requests) != tt.attempts || *waits != tt.attempts-1 {
				t.Errorf("%d attempts and %d waits, want %d", len(*requests), *waits, tt.attempts)
			}
		})
	}
}

func TestCall(t *testing.T) {
	for _, tt := range []struct {
		name     string
		script   []lambdaAnswer
		attempts int
		want     string // the answer, or the error
	}{
		{"at once", []lambdaAnswer{{status: 200, body: `{"a":1}`}}, 1, `{"a":1}`},
		{"after throttling", []lambdaAnswer{{status: 429}, {status: 200, body: "7"}}, 2, "7"},
		{"the function failed",
			[]lambdaAnswer{{status: 200, kind: "function:Unhandled", body: `{"errorMessage":"out of\nmemory","errorType":"E"}`}}, 1,
			"the function failed: Unhandled: out of memory (status 200)"},
		{"denied", []lambdaAnswer{{http.StatusForbidden, "AccessDeniedException", `{"Message":"no"}`}}, 1,
			"AccessDeniedException: no (status 403)"},
		// 202 is the answer to an asynchronous invocation.
		{"not synchronous", []lambdaAnswer{{status: 202}}, 1, "Accepted: no message (status 202)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, requests, _, _ := serveLambda(t, tt.script...)
			answer, err := s.Call(t.Context(), []byte("{}"))
			got := string(answer)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || len(*requests) != tt.attempts || (*requests)[0].Header.Get("X-Amz-Invocation-Type") != "RequestResponse" {
				t.Errorf("got %q after %d attempts, want %q", got, len(*requests), tt.want)
			}
		})
	}
}

func TestInvokeStopsWithItsContext(t *testing.T) {
	s, requests, _, waits := serveLambda(t, lambdaAnswer{status: http.StatusAccepted})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Invoke(ctx, nil); !errors.Is(err, context.Canceled) || len(*requests) != 0 || *waits != 0 {
		t.Errorf("got %v after %d requests and %d waits", err, len(*requests), *waits)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }

// A Lambda endpoint that never answers does not hold a hand-over for longer than
// its attempts may take, however much time the invocation has left.
func TestHandOverHasATimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		hangs := roundTrip(func(r *http.Request) (*http.Response, error) {
			attempts++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		s, err := newSelfInvoker(func(string) string { return "" }, hangs,
			aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, "eu-west-1", "media-replicator")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		start := time.Now()
		err = s.Invoke(ctx, []byte("{}"))
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || attempts != client.MaxAttempts || took > 15*time.Second {
			t.Errorf("got %v after %d attempts in %v, want %d attempts of %v", err, attempts, took, client.MaxAttempts, invokeTimeout)
		}
	})
}
