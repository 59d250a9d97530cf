package awsapi_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/aws/awsapi"
)

// A limit costs no goroutine: thousands of requests are under way at once.
func TestLimitTakesNoGoroutine(t *testing.T) {
	const requests = 50
	goroutines := func(limit time.Duration) int {
		before := runtime.NumGoroutine()
		var arrived sync.WaitGroup
		arrived.Add(requests)
		release := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Done(); <-release }))
		client := awsapi.HTTPClient(aws.Config{}, limit, requests)
		var done sync.WaitGroup
		for range requests {
			r := request(t, server.URL)
			done.Go(func() {
				res, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_ = res.Body.Close()
			})
		}
		arrived.Wait()
		n := runtime.NumGoroutine()
		close(release)
		done.Wait()
		server.Close() // the client's connections, which are idle, end with it
		for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; <-time.After(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d goroutines after the requests, %d before", runtime.NumGoroutine(), before)
			}
		}
		return n - before
	}
	without, with := goroutines(0), goroutines(time.Minute)
	if with > without+requests/2 {
		t.Errorf("%d goroutines with a limit, %d without", with, without)
	}
}

// A request that is not answered, or whose answer does not end, is given up, as one
// that may be tried again: its context goes on.
func TestLimitEndsARequest(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/answer" {
			_, _ = io.WriteString(w, "the beginning")
			_ = http.NewResponseController(w).Flush()
		}
		<-hang
	}))
	defer server.Close()
	defer close(hang)
	client := awsapi.HTTPClient(aws.Config{}, time.Second, 1)
	check := func(what string, err error) {
		t.Helper()
		var network net.Error
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &network) || !network.Timeout() {
			t.Errorf("%s: got %v, want a timeout", what, err)
		}
	}
	_, err := client.Do(request(t, server.URL))
	check("no answer", err)
	res, err := client.Do(request(t, server.URL+"/answer"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(res.Body)
	_ = res.Body.Close()
	check("no end", err)
}

func request(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
