package backfill

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/copier"
)

func TestTransientFailuresAreTriedAgainAndThenNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.fill(20)
		w.onCopy = func(_ context.Context, region string, o copier.Object) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if o.Key == "key-00007" || o.Key == "key-00003" && w.copies[region+"/"+o.Key] < maxTries {
				return failed(copier.Retryable, 500, "InternalError")
			}
			return nil
		}
		report := w.fillIn(t, nil, Observer{})
		if b := report.Targets[1]; b.Copied != 19 || b.Failed != 1 || b.Requests.Copy != 18+2*maxTries {
			t.Errorf("%+v", b)
		}
		if f := report.Failures; len(f) != 1 || f[0].Key != "key-00007" || f[0].Class != copier.Retryable {
			t.Errorf("failures %+v", f)
		}
		// The sources are asked for once, not at every try.
		if w.heads["a"] != 0 || w.versions["a"] != 1 {
			t.Errorf("%d HEADs and %d pages of versions, want 0 and 1", w.heads["a"], w.versions["a"])
		}
	})
}

// The SDK's own retries are heard: a SlowDown that a retry got over counts.
func TestRetriesOfTheSDKAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []int{503, 503, 200}
		client := s3.New(s3.Options{
			Region: "a", BaseEndpoint: aws.String("http://s3.test"), UsePathStyle: true, Retryer: newRetryer(copyAttempts),
			Credentials: aws.AnonymousCredentials{},
			HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
				status := answers[0]
				answers = answers[1:]
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			}),
		})
		heard := 0
		_, err := client.HeadObject(withThrottle(t.Context(), func() { heard++ }), &s3.HeadObjectInput{
			Bucket: aws.String("b"), Key: aws.String("k"),
		})
		if err != nil || heard != 2 || len(answers) != 0 {
			t.Errorf("%v, heard %d times, %d answers left; want twice and none", err, heard, len(answers))
		}
	})
}

// A target that takes at most 50 requests at once and says SlowDown to more, once,
// so that the SDK's own retry succeeds: no copy fails, and the run slows down all
// the same.
func TestThrottlesThatTheSDKRetriesSlowTheRunDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.fill(3_000)
		busy := func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.flying["b"] > 50
		}
		client := s3.New(s3.Options{
			Region: "a", BaseEndpoint: aws.String("http://s3.test"), UsePathStyle: true, Credentials: aws.AnonymousCredentials{},
			Retryer: newRetryer(copyAttempts),
			HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
				status := 200
				if busy() && strings.HasPrefix(r.Header.Get("Amz-Sdk-Request"), "attempt=1") {
					status = 503
				}
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			}),
		})
		begun, later := 0, 0 // those after the first that begin all at once
		w.onCopy = func(ctx context.Context, _ string, _ copier.Object) error {
			w.mu.Lock()
			if begun++; begun > 2*firstConcurrency {
				later = max(later, w.flying["b"])
			}
			w.mu.Unlock()
			if _, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}); err != nil {
				return err
			}
			return smithytime.SleepWithContext(ctx, 100*time.Millisecond)
		}
		report := w.fillIn(t, nil, Observer{})
		if b := report.Targets[1]; b.Copied != 3_000 || later > 60 {
			t.Errorf("%d copied, %d at once at most; want all, and little more than 50 at once", b.Copied, later)
		}
	})
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestExpiredSessionIsHopelessAndABusySTSIsNot(t *testing.T) {
	var d Breaker
	if err := d.After(nil); err != nil {
		t.Fatal(err)
	}
	sts := func(status int, code string, class copier.Class) error {
		var inner *smithy.OperationError
		errors.As(answer(status, code), &inner)
		inner.ServiceID = "STS"
		return &copier.Error{
			Op: "copy", Class: class, Err: &smithy.OperationError{ServiceID: "S3", OperationName: "CopyObject", Err: inner},
		}
	}
	if err := d.After(sts(500, "InternalError", copier.Retryable)); err != nil {
		t.Errorf("stopped for %v", err)
	}
	if err := d.After(sts(403, "AccessDenied", copier.Denied)); err == nil || !strings.Contains(err.Error(), "nothing more can be copied") {
		t.Errorf("got %v, want a stop", err)
	}
}
