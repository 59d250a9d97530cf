package sns

import (
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
)

// Each fate of a message has a metric of its topic.
func TestTopicMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		published := map[string]float64{}
		w := newWorld(t, func(c *Config) {
			c.Count = func(r, name, metric string, value float64) {
				if r != region || name != "uploads" {
					t.Errorf("told of %s in %s", name, r)
				}
				mu.Lock()
				defer mu.Unlock()
				published[metric] += value
			}
		})
		w.subscribe(t, SubscriptionConfig{
			RedrivePolicy: json.RawMessage(`{"deadLetterTargetArn":"` + w.queue + `"}`),
			FilterPolicy:  json.RawMessage(`{"k":["wanted"]}`), FilterPolicyScope: "MessageBody",
		})
		w.publish(t, `{"k":"other"}`)
		w.publish(t, `{"k":"wanted"}`)
		w.settle()
		w.functions.err = codedError("ResourceNotFoundException")
		w.publish(t, `{"k":"wanted"}`)
		w.settle()
		w.allowQueue(t)
		w.publish(t, `{"k":"wanted"}`)
		w.settle()
		want := map[string]float64{
			"NumberOfMessagesPublished": 4, "NumberOfNotificationsFilteredOut": 1, "NumberOfNotificationsDelivered": 1,
			"NumberOfNotificationsFailed":               2,
			"NumberOfNotificationsFailedToRedriveToDlq": 1, "NumberOfNotificationsRedrivenToDlq": 1,
			"PublishSize": float64(len(`{"k":"other"}`) + 3*len(`{"k":"wanted"}`)),
		}
		if !maps.Equal(published, want) {
			t.Errorf("told %v, want %v", published, want)
		}
	})
}
