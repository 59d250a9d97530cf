package sim

import (
	"fmt"
	"time"

	"s3fanout/internal/function/reconcile"
)

// killTicks does what the schedule has of killTick, when comparisons find nothing any
// more, and says whether it has any. A broken promise is the given one.
func (w *world) killTicks(promise string) (some bool) {
	for _, a := range w.schedule.todo(3) {
		if len(w.wrong) == 0 {
			w.killTick(a, promise)
			some = true
		}
	}
	return some
}

// killTick has a large object be uploaded of which no event comes, and an invocation die
// in the middle of its copy. Ticks bring it without another day: a copy that an invocation
// has left to the next one is gone on with, and another is begun anew. No parts are left.
func (w *world) killTick(a action, promise string) {
	w.mu.Lock()
	w.say("%s", a)
	w.silent = true
	up := a
	up.kind = upload
	if w.follow != nil {
		w.performFollow(up)
	} else {
		w.perform(up)
	}
	w.silent = false
	w.mu.Unlock()
	w.wait(w.set.Reconcile.Every)

	id, known := string(killTick), ""
	if w.seed.chance(500, id, "pauses") {
		paused, _ := w.tick(w.newProcess(id+" that pauses", a.other), 0, w.seed.between(time.Second, 5*time.Second, id, "time"))
		if paused.Status == reconcile.Paused {
			known = w.begunUpload(a.other, a.key)
		}
		w.wait(tickEvery)
	}
	p := w.newProcess(id, a.other)
	p.lastPart = 1 + w.seed.below(int(a.size/partSize), id, "part")
	_, _ = w.tick(p, 0, reconcileTime)
	w.tasks.Wait()

	var answer reconcile.Answer
	var err error
	for i := 0; i < mostTicks && answer.Status != reconcile.Complete && answer.Status != reconcile.Idle; i++ {
		w.wait(tickEvery)
		answer, err = w.tick(w.newProcess(fmt.Sprintf("%s, tick %d after that", id, i), a.other), 0, reconcileTime)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.killed() {
		w.stats.kills++
	}
	if got := w.contentAt(a.other, a.key); got != a.name {
		w.broken(promise, "%d ticks after one was killed in the copy of %q, the last of which ends as %q (%v), %s has %q",
			mostTicks, a.key, answer.Status, err, a.other, got)
	}
	if open := w.openUploads(a.other, a.key); open != nil {
		w.broken(promise, "after a tick was killed in the copy of %q, the uploads %v stay open", a.key, open)
	}
	if known == "" {
		return
	}
	if !w.wasCompleted(a.other, known) {
		w.broken(promise, "a tick has left the copy of %q to the next one as %s, and it was begun anew", a.key, known)
	}
	// What is under way when an invocation ends is copied again, and no more.
	if n, most := w.partCopies[known], int(a.size/partSize)+2*parallel; n > most {
		w.broken(promise, "%d copies of parts were made for %q, more than %d", n, a.key, most)
	}
}

// begunUpload is an open upload of a key of which more parts were copied than are under
// way at once, so that its maker knows of some; "" for none.
func (w *world) begunUpload(region, key string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range w.openUploads(region, key) {
		if w.partCopies[id] > parallel {
			return id
		}
	}
	return ""
}

// contentAt is what a Region shows, "" for nothing.
func (w *world) contentAt(region, key string) string {
	if w.follow != nil {
		if v := w.follow.stores[region].current(key); v != nil {
			return v.body
		}
		return ""
	}
	if v := w.buckets[region].current(key); v != nil {
		return v.content
	}
	return ""
}

// openUploads are the uploads of a key that lie open in a Region.
func (w *world) openUploads(region, key string) (ids []string) {
	if w.follow != nil {
		for id, u := range w.follow.stores[region].uploads {
			if u.key == key {
				ids = append(ids, id)
			}
		}
		return ids
	}
	for id, u := range w.buckets[region].uploads {
		if u.key == key {
			ids = append(ids, id)
		}
	}
	return ids
}

func (w *world) wasCompleted(region, id string) bool {
	if w.follow != nil {
		return w.follow.stores[region].completed[id] != nil
	}
	return w.buckets[region].completed[id] != nil
}
