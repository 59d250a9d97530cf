package sim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/filterpolicy"
)

const (
	setName = "sim"
	account = "111122223333"
)

// mostCalls ends a schedule that goes in circles. The longest need a tenth.
const mostCalls = 50_000

// mostReplicas does the same where each replica is the cause of more. A schedule
// has seven uploads, each of which is announced a few times to three Regions.
const mostReplicas = 500

// world is the replica set and the AWS that it runs on. Its state is guarded
// by mu; effects of calls happen one at a time.
type world struct {
	seed     seed
	schedule *schedule
	set      replicaset.Config
	configs  map[string]functionenv.Config // by Region; see configure
	tasks    sync.WaitGroup                // deliveries, invocations and retries under way
	began    time.Time
	alarms   alarms
	byName   map[string]*bucket

	mu       sync.Mutex
	buckets  map[string]*bucket // by Region
	queues   map[string]*queue
	filters  map[string]*filterpolicy.Policy
	together map[string][]any // what waits to share a message
	calm     bool             // no more faults
	silent   bool             // what happens now, nobody is told
	calls    int
	met      map[string]fault // the faults that happened, by identity
	uploads  []*version       // by users, ever
	known    map[string]*version
	// deletions by users, by Region and key.
	deletions map[string]int
	// lost says what did not reach a target although it was announced, by
	// version and Region, and how.
	lost map[string]string
	// forgeries are uploads of users that a forged continuation names, and where.
	forgeries map[string]string
	wrong     []string // broken promises
	digest    uint64
	tracing   bool
	trace     []string
	stats     stats
	follow    *followWorld // nil: the first write wins
	// tables have the checkpoints of the functions that compare, by Region, and repairs
	// is when each has written a replica.
	tables  map[string]document
	repairs map[string][]time.Time
	// partCopies counts the copies of parts, by upload.
	partCopies map[string]int
	// forgotten says when a lifecycle rule removed the last trace of a deletion, and when
	// that had been made, by Region and key.
	forgotten map[string]forgetting
}

// stats count what happened.
type stats struct {
	calls, faults, invocations, kills, handovers, letters, replayed, copies, lost, repaired int
	// Of schedules in follow mode: markers that were made, ordinary schedules, those
	// of them that something is left of for a reconcile, and how often explain advised
	// undelete.
	markers, ordinary, reconciled, advised int
}

func (s *stats) add(o stats) {
	s.calls += o.calls
	s.faults += o.faults
	s.invocations += o.invocations
	s.kills += o.kills
	s.handovers += o.handovers
	s.letters += o.letters
	s.replayed += o.replayed
	s.copies += o.copies
	s.lost += o.lost
	s.repaired += o.repaired
	s.markers += o.markers
	s.ordinary += o.ordinary
	s.reconciled += o.reconciled
	s.advised += o.advised
}

func newWorld(sc *schedule) *world {
	w := &world{
		seed: sc.seed, schedule: sc, began: time.Now(),
		set:     replicaset.Config{Name: setName, Regions: regionNames[:sc.profile.regions]},
		buckets: map[string]*bucket{}, byName: map[string]*bucket{}, queues: map[string]*queue{},
		filters:  map[string]*filterpolicy.Policy{},
		together: map[string][]any{}, met: map[string]fault{}, lost: map[string]string{},
		known: map[string]*version{}, deletions: map[string]int{}, forgeries: map[string]string{},
		tables: map[string]document{}, repairs: map[string][]time.Time{}, forgotten: map[string]forgetting{}, partCopies: map[string]int{},
	}
	if sc.profile.scheduled {
		w.set.Reconcile = &replicaset.Reconcile{Every: 24 * time.Hour, Copy: true}
	}
	for _, r := range w.set.Regions {
		b := newBucket(r, namesOf(r).Bucket)
		w.buckets[r], w.byName[b.name] = b, b
		w.queues[r] = &queue{w: w, region: r}
		if !sc.profile.unfiltered {
			w.filters[r] = replicaFilter(r)
		}
	}
	if plan := sc.follow; plan != nil {
		w.startFollow(plan)
	}
	w.configure()
	return w
}

func (w *world) bucketNamed(name string) *bucket { return w.byName[name] }

func (b *bucket) keys() []string {
	var list []string
	for key := range b.versions {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

// spawn does something at its own time.
func (w *world) spawn(f func()) { w.tasks.Go(f) }

// after does something later.
func (w *world) after(d time.Duration, f func()) {
	w.tasks.Add(1)
	time.AfterFunc(d, func() {
		defer w.tasks.Done()
		f()
	})
}

// wait lets virtual time pass.
func (w *world) wait(d time.Duration) {
	t := w.alarms.set(d)
	<-t.C
	w.alarms.free(t)
}

// alarms are timers for one bubble, to be used again: schedules spend their
// time waiting.
type alarms struct {
	mu   sync.Mutex
	idle []*time.Timer
}

func (a *alarms) set(d time.Duration) *time.Timer {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := len(a.idle) - 1
	if last < 0 {
		return time.NewTimer(d)
	}
	t := a.idle[last]
	a.idle = a.idle[:last]
	t.Reset(d)
	return t
}

// free takes a timer back that has rung, or was stopped.
func (a *alarms) free(t *time.Timer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idle = append(a.idle, t)
}

// do lets a call take effect.
func do[T any](w *world, op, id string, effect func(identity string) (T, error)) (out T, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	w.stats.calls++
	if w.calls > mostCalls {
		if w.calls == mostCalls+1 {
			w.broken("b", "more than %d calls: it goes in circles", mostCalls)
		}
		return out, denied.err(op)
	}
	out, err = effect(id)
	w.digest = mix(w.digest ^ seed(0).roll(id, strconv.FormatBool(err == nil)) ^ uint64(time.Since(w.began)))
	if w.tracing {
		w.say("%s: %s", id, answerOf(err))
	}
	return out, err
}

// say writes to the trace. The caller holds mu.
func (w *world) say(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf("%12v  %s", time.Since(w.began).Round(time.Millisecond), fmt.Sprintf(format, args...)))
	}
}

// broken notes that a promise of docs/internals/reliability.md was not kept. The caller
// holds mu.
func (w *world) broken(promise, format string, args ...any) {
	s := "(" + promise + ") " + fmt.Sprintf(format, args...)
	w.say("BROKEN %s", s)
	if len(w.wrong) < 20 {
		w.wrong = append(w.wrong, s)
	}
}

// faultOf decides how a call fails, if it does. roll is of its identity.
func (w *world) faultOf(p *process, op, id string, roll die) fault {
	profile := &w.schedule.profile
	if p.reliable || w.isCalm() || len(profile.kinds) == 0 || w.schedule.calm[id] || !roll.chance(profile.faults, "fault") {
		return none
	}
	f := profile.kinds[roll.below(len(profile.kinds), "kind")]
	if !f.happensTo(op) || w.schedule.calm[string(f)] {
		return none
	}
	return f
}

// happens decides whether something other than a failing call goes wrong.
func (w *world) happens(perMille int, id string, f fault) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calm || !w.seed.chance(perMille, id, string(f)) {
		return false
	}
	name := id + " " + string(f)
	if w.schedule.calm[string(f)] || w.schedule.calm[name] {
		return false
	}
	w.noteLocked(name, f)
	return true
}

// note remembers a fault that happened.
func (w *world) note(id string, f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noteLocked(id, f)
}

func (w *world) noteLocked(id string, f fault) {
	w.met[id] = f
	w.stats.faults++
	w.say("%s: FAULT %s", id, f)
}

// latency is how long a request takes to arrive, and its answer. roll is of its identity.
func (w *world) latency(op string, roll die) (there, back time.Duration) {
	most := 100 * time.Millisecond
	if op == opPart && w.schedule.profile.slow && !w.isCalm() {
		most = 40 * time.Second
	}
	if w.follow != nil && w.schedule.profile.slow && !w.isCalm() && roll.chance(100, "slow") {
		most = 5 * time.Second // long enough for others to do something meanwhile
	}
	return roll.between(time.Millisecond, most, "there"), roll.between(time.Millisecond, 50*time.Millisecond, "back")
}

// circles says that a schedule goes in circles: nothing more is delivered.
func (w *world) circles() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats.copies >= mostReplicas
}

func (w *world) isCalm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calm
}

// isAway says that nothing reaches a Region now.
func (w *world) isAway(region string) bool {
	p := &w.schedule.profile
	if region != p.away || w.schedule.calm["away"] {
		return false
	}
	now := time.Since(w.began)
	return now >= p.awayFrom && now < p.awayFrom+p.awayFor
}

// back has something wait until a Region is reachable.
func (w *world) back(region, id string) {
	if w.isAway(region) {
		w.wait(w.schedule.profile.awayFrom + w.schedule.profile.awayFor - time.Since(w.began) + w.seed.between(0, time.Minute, id, "back"))
	}
}

// skewOf is how far a Region's clock is off.
func (w *world) skewOf(region string) time.Duration {
	if w.schedule.follow != nil {
		return w.schedule.follow.skews[region]
	}
	if !w.schedule.profile.skew {
		return 0
	}
	return w.seed.between(-14*time.Minute, 14*time.Minute, region, "skew")
}

// write makes a version the current one and announces it. A process must not
// replace what is there, nor write what it was not selected.
func (w *world) write(p *process, b *bucket, v *version, id, event string) {
	v.id = fmt.Sprintf("v%016x", w.seed.roll(id, "version"))
	v.region, v.at = b.region, time.Now()
	v.modified = v.at.Add(w.skewOf(b.region)).Truncate(time.Second)
	if p != nil {
		if w.stats.copies++; w.stats.copies == mostReplicas {
			w.broken("b", "%d replicas were written: it goes in circles", mostReplicas)
		}
		w.checkWrite(p, b, v)
	}
	b.add(v)
	w.known[v.id] = v
	w.say("%s has %q as %s: %s", b.region, v.key, v.id, v.content)
	w.announce(b, v, event, p)
}

// run does everything that a schedule consists of.
func (w *world) run(ctx context.Context) {
	if w.follow != nil {
		w.runFollow(ctx)
		return
	}
	for _, phase := range []func(context.Context){w.weather, w.redrives, w.calmRedrive, w.repair} {
		if len(w.wrong) == 0 {
			phase(ctx)
			w.tasks.Wait()
		}
	}
}
