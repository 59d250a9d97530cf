package redrive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/replicaset"
)

func testCredentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
	})
}

func answer(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// serve runs handler as every service of AWS and returns a configuration for
// it.
func serve(t *testing.T, handler http.HandlerFunc) aws.Config {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return aws.Config{
		Region: east, BaseEndpoint: aws.String(server.URL),
		Credentials: testCredentials(),
	}
}

// oneLetter answers SQS's operations for a queue with one dead letter.
func oneLetter(t *testing.T, invoke http.HandlerFunc) (config aws.Config, deleted *atomic.Int32) {
	t.Helper()
	var received atomic.Bool
	deleted = &atomic.Int32{}
	config = serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
		if !ok {
			invoke(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		switch operation {
		case "GetQueueUrl":
			answer(w, `{"QueueUrl":"http://%s/q"}`, r.Host)
		case "GetQueueAttributes":
			answer(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:%s:%s:q"}}`, east, account)
		case "ReceiveMessage":
			if received.Swap(true) {
				answer(w, `{}`)
				return
			}
			answer(w, `{"Messages":[{"MessageId":"m","ReceiptHandle":"h","Body":%s}]}`, toJSON(envelope("k", functionARN(east))))
		case "DeleteMessageBatch":
			deleted.Add(1)
			answer(w, `{"Successful":[{"Id":"0"}]}`)
		default:
			answer(w, `{}`)
		}
	})
	return config, deleted
}

func redriveEast(t *testing.T, config aws.Config) redrive.Report {
	t.Helper()
	set := replicaset.Config{Name: "media", Regions: []string{east, west}}
	report, err := redrive.Run(t.Context(), redrive.Options{
		Config: set, Clients: redrive.NewClients(config, set.Regions, 0), Regions: []string{east},
	}, redrive.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestClientsInvoke(t *testing.T) {
	var calls atomic.Int32
	config, deleted := oneLetter(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 { // Lambda is busy, the function did not start
			w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if got, want := r.URL.Path, "/2015-03-31/functions/media-replicator/invocations"; got != want {
			t.Errorf("path: got %s, want %s", got, want)
		}
		if got := r.Header.Get("X-Amz-Invocation-Type"); got != "RequestResponse" {
			t.Errorf("invocation type: got %q", got)
		}
		if !strings.Contains(r.Header.Get("Authorization"), "/"+east+"/lambda/") || !strings.Contains(string(body), "aws:sns") {
			t.Errorf("got %s with %s", r.Header.Get("Authorization"), body)
		}
		answer(w, "null")
	})
	report := redriveEast(t, config)
	if got, want := outcomes(report), east+" replayed"; got != want || report.Err() != nil {
		t.Errorf("got %s, %v, want %s", got, report.Err(), want)
	}
	if calls.Load() != 2 || deleted.Load() != 1 {
		t.Errorf("invocations: got %d, want 2; deletions: got %d, want 1", calls.Load(), deleted.Load())
	}
}

// TestClientsLostConnection shows that an invocation whose answer was lost is
// not repeated: the function may be running. The connection is closed, or reset.
func TestClientsLostConnection(t *testing.T) {
	for _, how := range []string{"closed", "reset"} {
		t.Run(how, func(t *testing.T) { lostConnection(t, how == "reset") })
	}
}

func lostConnection(t *testing.T, reset bool) {
	var calls atomic.Int32
	config, deleted := oneLetter(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if reset {
			if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
		}
		_ = conn.Close()
	})
	report := redriveEast(t, config)
	if got, want := outcomes(report), east+" not-invoked"; got != want || report.Err() == nil {
		t.Errorf("got %s, %v, want %s", got, report.Err(), want)
	}
	if errors.Is(report.Err(), awsapi.ErrUnreachable) {
		t.Errorf("got %v: one lost connection is not an unreachable Region", report.Err())
	}
	if calls.Load() != 1 || deleted.Load() != 0 {
		t.Errorf("invocations: got %d, want 1; deletions: got %d, want 0", calls.Load(), deleted.Load())
	}
}

// TestClientsLostLetters breaks off the answer that hands the dead letters out. Asked
// again, the queue has nothing to give; that must not be taken for an empty queue.
func TestClientsLostLetters(t *testing.T) {
	for _, sent := range []string{
		"", "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 1000\r\n\r\n{\"Messages\":[",
	} {
		var receives atomic.Int32
		config := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			switch {
			case operation == "GetQueueUrl":
				answer(w, `{"QueueUrl":"http://%s/q"}`, r.Host)
			case operation == "GetQueueAttributes" && receives.Load() == 0:
				answer(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:%s:%s:q","ApproximateNumberOfMessages":"3"}}`, east, account)
			case operation == "GetQueueAttributes":
				answer(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:%s:%s:q","ApproximateNumberOfMessagesNotVisible":"3"}}`, east, account)
			case operation == "ReceiveMessage" && receives.Add(1) == 1:
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				answer(conn, "%s", sent)
				_ = conn.Close()
			default:
				answer(w, `{}`)
			}
		})
		report := redriveEast(t, config)
		if err := report.Err(); err == nil || !strings.Contains(err.Error(), "sqs:ReceiveMessage") || strings.Contains(err.Error(), "\n") {
			t.Errorf("after %q: got %v, want that a receive failed", sent, err)
		}
		if report.Left() != 3 || receives.Load() != 1 {
			t.Errorf("after %q: left: got %d, want 3; receives: got %d, want 1", sent, report.Left(), receives.Load())
		}
	}
}

// TestClientsReceiveAgain shows that a receive which SQS refused for now is
// repeated.
func TestClientsReceiveAgain(t *testing.T) {
	config, deleted := oneLetter(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, "null") })
	var throttled atomic.Bool
	inner := aws.ToString(config.BaseEndpoint)
	proxy, err := url.Parse(inner)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(proxy)
	config = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ReceiveMessage") && !throttled.Swap(true) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			answer(w, `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slower"}`)
			return
		}
		forward.ServeHTTP(w, r)
	})
	report := redriveEast(t, config)
	if got, want := outcomes(report), east+" replayed"; got != want || report.Err() != nil || deleted.Load() != 1 {
		t.Errorf("got %s, %v, want %s", got, report.Err(), want)
	}
}

func TestClientsErrors(t *testing.T) {
	tests := []struct {
		name  string
		code  string
		query string
		class error
	}{
		{"no queue", "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue;Sender", awsapi.ErrMissing},
		{"denied", "AccessDeniedException", "", awsapi.ErrDenied},
		{"wrong key", "InvalidClientTokenId", "", awsapi.ErrCredentials},
		{"wrong key of another service", "com.amazon.coral.service#UnrecognizedClientException", "", awsapi.ErrCredentials},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				if tt.query != "" {
					w.Header().Set("X-Amzn-Query-Error", tt.query)
				}
				w.WriteHeader(http.StatusBadRequest)
				answer(w, `{"__type":%q,"message":"because"}`, tt.code)
			})
			err := redriveEast(t, config).Err()
			if !errors.Is(err, tt.class) || !strings.HasPrefix(err.Error(), "region "+east+": ") {
				t.Errorf("got %v, want %v", err, tt.class)
			}
		})
	}
}

func TestClientsUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	config := aws.Config{
		Region: east, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: testCredentials(),
	}
	err := redriveEast(t, config).Err()
	if !errors.Is(err, awsapi.ErrUnreachable) || !strings.Contains(err.Error(), "connection refused") ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
