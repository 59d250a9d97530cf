package sqs

import (
	"testing"
	"testing/synctest"
	"time"
)

// A shorter retention ends the life of what is older; other messages stay.
func TestUpdateQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, nil)
		arn, url, err := s.CreateQueue(region, QueueConfig{Name: "letters"})
		if err != nil {
			t.Fatal(err)
		}
		send := func() {
			t.Helper()
			if _, err := s.Send(t.Context(), admin(), arn, "body", nil); err != nil {
				t.Fatal(err)
			}
		}
		send()
		<-time.After(2 * time.Minute)
		send()
		if err := s.UpdateQueue(region, url, QueueConfig{Name: "letters", MessageRetention: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if got := s.Depth(arn); got != 1 {
			t.Errorf("%d messages, want the younger one", got)
		}
		for name, c := range map[string]QueueConfig{
			"another name":    {Name: "others"},
			"out of range":    {Name: "letters", MessageRetention: time.Second},
			"not its own URL": {Name: "letters"},
		} {
			to := url
			if name == "not its own URL" {
				to += "x"
			}
			if err := s.UpdateQueue(region, to, c); err == nil {
				t.Errorf("%s: want an error", name)
			}
		}
		if got := s.Depth(arn); got != 1 {
			t.Errorf("after refusals: %d messages, want 1", got)
		}
	})
}

// A queue takes its messages along, for the counters too, and its name is free.
func TestDeleteQueue(t *testing.T) {
	h := newHarness(t)
	arn, url := h.queue(t, QueueConfig{})
	if _, err := h.Send(t.Context(), h.caller, arn, "body", nil); err != nil {
		t.Fatal(err)
	}
	if h.deadLetters() != 1 {
		t.Fatalf("%d messages, want 1", h.deadLetters())
	}
	h.DeleteQueue(region, url)
	h.DeleteQueue(region, url)
	if h.deadLetters() != 0 || h.Exists(arn) {
		t.Errorf("%d messages counted, the queue is there: %v", h.deadLetters(), h.Exists(arn))
	}
	if _, err := h.Send(t.Context(), h.caller, arn, "body", nil); err == nil {
		t.Error("a queue that is gone took a message")
	}
	h.queue(t, QueueConfig{})
	if got := h.Depth(arn); got != 0 {
		t.Errorf("the new queue of that name holds %d messages", got)
	}
}
