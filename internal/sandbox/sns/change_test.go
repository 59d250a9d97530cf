package sns

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"

	"s3fanout/internal/sandbox/fault"
)

// A subscription obeys its new attributes from the next message on, keeps the
// old ones when the new are wrong, and ends without giving up what has begun.
func TestChangeSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		arn := w.subscribe(t, SubscriptionConfig{})
		update := func(c SubscriptionConfig) error {
			c.TopicARN, c.Protocol, c.Endpoint = w.topic, "lambda", function
			return w.UpdateSubscription(arn, c)
		}
		only := func(value string) SubscriptionConfig {
			return SubscriptionConfig{FilterPolicyScope: scopeBody, FilterPolicy: json.RawMessage(`{"a":["` + value + `"]}`)}
		}
		w.publish(t, `{"a":"1"}`)
		if err := update(only("2")); err != nil {
			t.Fatal(err)
		}
		w.publish(t, `{"a":"1","n":2}`)
		w.publish(t, `{"a":"2"}`)
		wrong := only("1")
		wrong.RedrivePolicy = json.RawMessage(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:none"}`)
		if err := update(wrong); err == nil {
			t.Error("a dead-letter queue that is not there was accepted")
		}
		w.publish(t, `{"a":"1","n":3}`)
		if err := w.faults.Set(fault.Fault{Region: region, Kind: fault.Delay, Rate: 1}); err != nil {
			t.Fatal(err)
		}
		w.publish(t, `{"a":"2","late":true}`)
		w.Unsubscribe(arn)
		w.Unsubscribe(arn) // again: nothing to do
		w.publish(t, `{"a":"2","n":4}`)
		w.settle()
		got := w.functions.messages()
		slices.Sort(got)
		if want := []string{`{"a":"1"}`, `{"a":"2","late":true}`, `{"a":"2"}`}; !slices.Equal(got, want) {
			t.Errorf("delivered %q, want %q", got, want)
		}
		if err := update(only("1")); err == nil {
			t.Error("a subscription that is gone was updated")
		}
	})
}

// With a topic go its subscriptions, and its name is free again.
func TestDeleteTopic(t *testing.T) {
	w := newWorld(t, nil)
	arn := w.subscribe(t, SubscriptionConfig{})
	if err := w.UpdateTopic(w.topic, TopicConfig{DisplayName: "shown"}); err != nil {
		t.Fatal(err)
	}
	w.DeleteTopic(w.topic)
	w.DeleteTopic(w.topic)
	if _, err := w.Publish(t.Context(), admin(), w.topic, "", "message"); err == nil {
		t.Error("a topic that is gone took a message")
	}
	if err := w.UpdateTopic(w.topic, TopicConfig{}); err == nil {
		t.Error("a topic that is gone was updated")
	}
	if _, err := w.CreateTopic(region, TopicConfig{Name: "uploads"}); err != nil {
		t.Fatal(err)
	}
	w.Unsubscribe(arn)
	w.publish(t, "nobody listens")
	w.settle()
	if got := w.counted(); got.Delivered != 0 || got.Lost != 0 {
		t.Errorf("counters %+v, want no delivery", got)
	}
}
