package sqs

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is done with a queue: no message is received while another receive
// hides it, none is lost before its retention ends or it is deleted, and none
// comes back.
func TestQueueKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := &queue{QueueConfig: QueueConfig{MessageRetention: time.Hour}, arn: "arn"}
		now := time.Unix(1_700_000_000, 0)
		sent, hiddenUntil, handles, deleted := map[string]time.Time{}, map[string]time.Time{}, map[string]string{}, map[string]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				id := fmt.Sprintf("m%d", len(sent))
				delay := time.Duration(rapid.IntRange(0, 60).Draw(t, "delay")) * time.Second
				q.messages = append(q.messages, &message{id: id, sent: now, visibleAt: now.Add(delay)})
				sent[id], hiddenUntil[id] = now, now.Add(delay)
			},
			"receive": func(t *rapid.T) {
				visibility := time.Duration(rapid.IntRange(0, 600).Draw(t, "visibility")) * time.Second
				for _, m := range q.receive(now, rapid.IntRange(1, 10).Draw(t, "limit"), visibility) {
					if deleted[m.id] || hiddenUntil[m.id].After(now) || !sent[m.id].Add(time.Hour).After(now) {
						t.Fatalf("received %s: deleted %v, hidden until %v, now %v", m.id, deleted[m.id], hiddenUntil[m.id], now)
					}
					hiddenUntil[m.id], handles[m.id] = now.Add(visibility), q.handle(m)
				}
			},
			"delete": func(t *rapid.T) {
				for id, h := range handles {
					if err := q.remove(h); err != nil {
						t.Fatal(err)
					}
					deleted[id] = true
					delete(handles, id)
					return
				}
			},
			"time passes": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 1200).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				want := 0
				for id, at := range sent {
					if !deleted[id] && at.Add(time.Hour).After(now) {
						want++
					}
				}
				visible, inFlight, delayed := q.count(now)
				if got := visible + inFlight + delayed; got != want {
					t.Fatalf("the queue holds %d messages, want %d", got, want)
				}
			},
		})
	})
}
