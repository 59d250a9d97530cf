package sim

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// A dead letter about a version without an ID of its own names its key, and no other.
func TestLettersNameKeysWithoutVersions(t *testing.T) {
	for _, key := range keys {
		synctest.Test(t, func(t *testing.T) {
			sc := newFollowSchedule(1)
			w := newWorld(&sc)
			from := w.set.Regions[0]
			b := w.follow.stores[from]
			b.suspended = true
			sc.profile.undeliverable, sc.profile.lost, sc.profile.together = 1000, 0, 0
			w.mu.Lock()
			w.userWrites(action{name: "a0", key: key, region: from}, b, &stored{key: key}, "ObjectCreated:Put")
			w.mu.Unlock()
			w.tasks.Wait()
			for _, other := range keys {
				if got := w.lettersName(other); got != (other == key) {
					t.Errorf("the letter about %q names %q: %t", key, other, got)
				}
			}
		})
	}
}

// Dead letters about one event are the same to a redrive, also if one event was too old
// and the other failed too often. Handed out at the same moment they had two outcomes,
// by the order in which Go ran their goroutines.
func TestLettersOfOneEventAreTwins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sc := newSchedule(1)
		w := newWorld(&sc)
		q := w.queues[regionNames[0]]
		payload := func(handovers int) []byte {
			return fmt.Appendf(nil, `{"s3fanout":{"continue":{"handovers":%d},"key":"a"}}`, handovers)
		}
		w.calm = true
		w.letter(q.region, payload(1), "one", "EventAgeExceeded", 0, nil)
		w.letter(q.region, payload(2), "two", "RetriesExhausted", 3, errKilled)
		w.letter(q.region, []byte(`{"s3fanout":{"continue":{"handovers":1},"key":"b"}}`), "other", "RetriesExhausted", 3, errKilled)
		if a := q.letters; !sameEvent(a[0].body, a[1].body) || sameEvent(a[1].body, a[2].body) {
			t.Errorf("twins: %t, others: %t", sameEvent(a[0].body, a[1].body), sameEvent(a[1].body, a[2].body))
		}
	})
}
