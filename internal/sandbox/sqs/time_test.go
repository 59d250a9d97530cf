package sqs

import (
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/stats"
)

// These tests run on synctest's clock: time passes only while all wait.

// newService counts with counters, if any, and is closed at the test's end.
func newService(t *testing.T, counters *stats.Counters) *Service {
	s := New(Config{Partition: "aws", AccountID: account, Endpoint: "http://sqs", Counters: counters})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func receive(t *testing.T, s *Service, url, body string) []receivedMessage {
	t.Helper()
	r := request{
		Request: httptest.NewRequestWithContext(t.Context(), "POST", "/", nil), region: region,
		caller: iam.Caller{ARN: "arn:aws:iam::123456789012:user/administrator", AccountID: account},
		body:   []byte(`{"QueueUrl":"` + url + `"` + body + `}`),
	}
	answer, err := s.receiveMessage(r)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := answer.(map[string]any)
	if !ok {
		return nil
	}
	return m["Messages"].([]receivedMessage)
}

func admin() iam.Caller {
	return iam.Caller{ARN: "arn:aws:iam::123456789012:user/administrator", PrincipalID: "AIDATEST", AccountID: account}
}

func TestVisibilityTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, nil)
		arn, url, err := s.CreateQueue(region, QueueConfig{Name: "q"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Send(t.Context(), admin(), arn, "x", nil); err != nil {
			t.Fatal(err)
		}
		first := receive(t, s, url, "")
		if len(first) != 1 {
			t.Fatalf("received %d messages, want 1", len(first))
		}
		if again := receive(t, s, url, ""); len(again) != 0 {
			t.Errorf("in flight, and received again")
		}
		began := time.Now()
		second := receive(t, s, url, `,"WaitTimeSeconds":20,"VisibilityTimeout":5`)
		if len(second) != 0 {
			t.Errorf("received after %v, while the message was in flight for 30 s", time.Since(began))
		}
		second = receive(t, s, url, `,"WaitTimeSeconds":20,"AttributeNames":["All"]`)
		if len(second) != 1 || time.Since(began) != defaultVisibility {
			t.Fatalf("received %d messages after %v, want 1 after 30 s", len(second), time.Since(began))
		}
		if n := second[0].Attributes["ApproximateReceiveCount"]; n != "2" {
			t.Errorf("ApproximateReceiveCount = %s, want 2", n)
		}
		q := s.queues[arn]
		if err := q.remove(first[0].ReceiptHandle); err != nil || len(q.messages) != 1 {
			t.Errorf("the outdated handle: %v, %d messages left; want no error and 1", err, len(q.messages))
		}
		if err := q.remove(second[0].ReceiptHandle); err != nil || len(q.messages) != 0 {
			t.Errorf("the latest handle: %v, %d messages left; want no error and 0", err, len(q.messages))
		}
	})
}

func TestChangeVisibility(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, nil)
		arn, url, _ := s.CreateQueue(region, QueueConfig{Name: "q"})
		if _, err := s.Send(t.Context(), admin(), arn, "x", nil); err != nil {
			t.Fatal(err)
		}
		got := receive(t, s, url, "")
		q := s.queues[arn]
		if err := s.changeVisibility(q, got[0].ReceiptHandle, 0); err != nil {
			t.Fatal(err)
		}
		if again := receive(t, s, url, ""); len(again) != 1 {
			t.Errorf("made visible at once, received %d messages; want 1", len(again))
		}
		<-time.After(time.Minute)
		err := s.changeVisibility(q, got[0].ReceiptHandle, 10)
		var e *Error
		if !errors.As(err, &e) || e.Code != "InvalidParameterValue" {
			t.Errorf("outdated handle: %v, want InvalidParameterValue", err)
		}
	})
}

func TestLongPollSeesANewMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, nil)
		arn, url, _ := s.CreateQueue(region, QueueConfig{Name: "q"})
		began := time.Now()
		time.AfterFunc(3*time.Second, func() {
			if _, err := s.Send(t.Context(), admin(), arn, "x", nil); err != nil {
				t.Error(err)
			}
		})
		if got := receive(t, s, url, `,"WaitTimeSeconds":20`); len(got) != 1 || time.Since(began) != 3*time.Second {
			t.Errorf("received %d messages after %v, want 1 after 3 s", len(got), time.Since(began))
		}
	})
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counters := stats.New([]string{region})
		s := newService(t, counters)
		arn, _, err := s.CreateQueue(region, QueueConfig{Name: "q", MessageRetention: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Send(t.Context(), admin(), arn, "x", nil); err != nil {
			t.Fatal(err)
		}
		depth := func() int64 {
			synctest.Wait()
			regions, _ := counters.Snapshot()
			return regions[region].DeadLetters
		}
		<-time.After(59 * time.Second)
		if depth() != 1 {
			t.Errorf("after 59 s: depth = %d, want 1", depth())
		}
		<-time.After(time.Second)
		if depth() != 0 || s.Depth(arn) != 0 {
			t.Errorf("after the retention period: depth = %d, %d; want 0", depth(), s.Depth(arn))
		}
	})
}

func TestCloseEndsLongPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, nil)
		_, url, _ := s.CreateQueue(region, QueueConfig{Name: "q"})
		began := time.Now()
		time.AfterFunc(time.Second, func() { _ = s.Close() })
		receive(t, s, url, `,"WaitTimeSeconds":20`)
		if d := time.Since(began); d != time.Second {
			t.Errorf("the receive ended after %v, want 1 s", d)
		}
	})
}

func TestGauges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, nil)
		arn, url, err := s.CreateQueue(region, QueueConfig{Name: "q"})
		if err != nil {
			t.Fatal(err)
		}
		want := func(when string, want Gauges) {
			t.Helper()
			if got, ok := s.Gauges(region, "q"); !ok || got != want {
				t.Errorf("%s: %+v, %v; want %+v", when, got, ok, want)
			}
		}
		want("empty", Gauges{})
		if _, ok := s.Gauges("eu-west-1", "q"); ok {
			t.Error("the queue is in another Region as well")
		}
		for range 2 {
			if _, err := s.Send(t.Context(), admin(), arn, "x", nil); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		want("two messages", Gauges{Visible: 2, OldestAge: 2 * time.Minute})
		if got := receive(t, s, url, ""); len(got) != 1 {
			t.Fatalf("received %d messages, want 1", len(got))
		}
		want("one in flight", Gauges{Visible: 1, NotVisible: 1, OldestAge: 2 * time.Minute})
	})
}

func TestReleaseShowsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, nil)
		arn, url, _ := s.CreateQueue(region, QueueConfig{Name: "q"})
		if _, err := s.Send(t.Context(), admin(), arn, "x", nil); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, s, url, ""); len(got) != 1 {
			t.Fatalf("received %d messages, want 1", len(got))
		}
		// A receiver that waits already gets it, too.
		time.AfterFunc(3*time.Second, s.Release)
		began := time.Now()
		if got := receive(t, s, url, `,"WaitTimeSeconds":20`); len(got) != 1 || time.Since(began) != 3*time.Second {
			t.Errorf("received %d messages after %v, want 1 after 3 s", len(got), time.Since(began))
		}
	})
}
