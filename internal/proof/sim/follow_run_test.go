package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"s3fanout/internal/operator/redrive"
)

// TestFollowSchedules runs schedules in follow mode and judges each by what users
// did.
func TestFollowSchedules(t *testing.T) {
	all := runSchedules(t, newFollowSchedule)
	t.Logf("%s, %d markers made, digest %016x", all.stats, all.stats.markers, all.digest)
	t.Logf("%d ordinary schedules, %d with keys that a reconcile has to end; explain advised undelete %d times",
		all.stats.ordinary, all.stats.reconciled, all.stats.advised)
	for _, why := range slices.Sorted(maps.Keys(all.excused)) {
		t.Logf("%d keys that events alone did not end, as %s", all.excused[why], why)
	}
}

// TestFollowSeedsReplay shows that everything follows from the seed.
func TestFollowSeedsReplay(t *testing.T) { replay(t, newFollowSchedule) }

// runFollow runs a schedule in follow mode.
func (w *world) runFollow(ctx context.Context) {
	for _, a := range w.schedule.todo(0) {
		if a.kind == legacyObject {
			w.mu.Lock()
			w.hadBefore(a)
			w.mu.Unlock()
		}
	}
	w.wait(time.Second) // since that second the mode is on
	phases := []func(context.Context){
		func(context.Context) { w.act(0) }, w.redriveInBadWeather, w.settle,
		func(context.Context) { w.judge("when all had come to rest") },
	}
	if w.schedule.follow.joins+w.schedule.follow.leaves != "" {
		phases = append(phases, w.changeMembers, w.settle,
			func(context.Context) { w.judge("after a change of the Regions, when all had come to rest") })
	}
	repair := w.reconcile
	if w.schedule.follow.scheduled {
		repair = w.reconcileScheduled
	}
	phases = append(phases, w.explainAll, w.bringBack, repair)
	for _, phase := range phases {
		if len(w.wrong) == 0 {
			phase(ctx)
			w.tasks.Wait()
		}
	}
}

// changeMembers has a Region join or leave when nothing is under way, and users go
// on.
func (w *world) changeMembers(context.Context) {
	plan := w.schedule.follow
	w.mu.Lock()
	w.calm = false
	w.set.Regions = without(regionNames[:w.schedule.profile.regions], plan.leaves)
	w.configure()
	w.follow.joined = time.Now()
	w.say("the Regions are %v", w.set.Regions)
	w.mu.Unlock()
	w.act(2)
}

// settle waits until nothing fails any more and redrives until no dead letters are
// left. Clocks that are apart are no longer so far that anybody would have to wait.
func (w *world) settle(ctx context.Context) {
	w.quieten()
	if w.schedule.follow.apart {
		w.wait(25 * time.Minute)
	}
	left := 0
	for i := range 4 {
		p := w.newProcess(fmt.Sprintf("redrive at last %v %d", w.follow.joined.IsZero(), i), w.set.Regions[0])
		_, err := redrive.Run(ctx, redrive.Options{Config: w.set, Clients: w.clients(p)}, redrive.Observer{})
		w.usable("redrive at last", err)
		w.tasks.Wait()
		if left = w.lettersLeft(); left == 0 {
			return
		}
		w.wait(redrive.HoldTime + time.Minute)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range w.queues {
		for _, l := range q.letters {
			if l.body != garbage && !w.mayStay(l) {
				w.broken("1", "redrives that nothing hindered left a letter in %s: %s", q.region, l.body)
			}
		}
	}
}

// mayStay says of a dead letter that it is about an object whose metadata have no room
// for the entry.
func (w *world) mayStay(l *letter) bool {
	for _, id := range versionIDs(l.body) {
		if v := w.known[id]; v != nil && w.follow.trace.full[v.key] {
			return true
		}
	}
	return false
}

func (w *world) lettersLeft() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := 0
	for _, q := range w.queues {
		for _, l := range q.letters {
			if l.body != garbage {
				left++
			}
		}
	}
	return left
}
