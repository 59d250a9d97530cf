package sim

import (
	"testing"
	"testing/synctest"
)

// A letter about a version without an ID of its own names its key, and no other.
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
