package sim

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds = flag.Int("sim.seeds", 150, "how many schedules to run")
	first = flag.Uint64("sim.first", 1, "the first seed")
	brief = flag.Bool("sim.brief", false, "do not make a failing schedule smaller, nor tell its story")
	one   = flag.Uint64("sim.seed", 0, "run this seed alone, and tell everything")
)

// TestSchedules runs schedules and checks after each that the promises were
// kept. What fails is made smaller before it is told.
func TestSchedules(t *testing.T) {
	all := runSchedules(t, newSchedule)
	t.Logf("%s, %d replicas found missing, digest %016x", all.stats, all.stats.repaired, all.digest)
}

// runSchedules runs the schedules of as many seeds as are asked for, and sums up.
func runSchedules(t *testing.T, of func(seed) schedule) (all result) {
	if *one != 0 {
		sc := of(seed(*one))
		r := sc.run(t, true)
		t.Logf("%d calls, %d faults\n%s", r.stats.calls, r.stats.faults, sc.story(r))
		fail(t, sc, r)
		return r
	}
	var (
		next   atomic.Uint64
		mu     sync.Mutex
		ran    int
		failed atomic.Bool
	)
	all.excused = map[string]int{}
	next.Store(*first - 1)
	tuneRuntime(t)
	start := time.Now()
	t.Run("run", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for !failed.Load() {
					n := next.Add(1)
					if n >= *first+uint64(*seeds) {
						return
					}
					sc := of(seed(n))
					r := sc.run(t, false)
					mu.Lock()
					all.stats.add(r.stats)
					all.digest += mix(r.digest ^ n)
					for why, n := range r.excused {
						all.excused[why] += n
					}
					ran++
					mu.Unlock()
					if r.stats.reconciled > 0 {
						t.Logf("seed %d leaves something to a reconcile: %v", n, r.excused)
					}
					if len(r.wrong) > 0 && failed.CompareAndSwap(false, true) {
						fail(t, sc, r)
					}
				}
			})
		}
	})
	t.Logf("%d schedules, seeds from %d, %.0f a second", ran, *first, float64(ran)/time.Since(start).Seconds())
	return all
}

// String counts what happened in any schedule.
func (s stats) String() string {
	return fmt.Sprintf("%d calls, %d faults, %d invocations (%d killed, %d handed over), %d replicas written, %d deliveries lost, "+
		"%d letters, %d redriven",
		s.calls, s.faults, s.invocations, s.kills, s.handovers, s.copies, s.lost, s.letters, s.replayed)
}

// fail tells of the smallest schedule that fails as the given one.
func fail(t *testing.T, sc schedule, r result) {
	if len(r.wrong) == 0 {
		return
	}
	t.Helper()
	if *brief {
		t.Errorf("seed %d breaks a promise: %s", sc.seed, r.wrong[0])
		return
	}
	sc, _ = shrink(t, sc, r)
	t.Error(sc.story(sc.run(t, true)))
}

// TestSeedsReplay shows that everything follows from the seed: in two runs, the
// same calls take effect at the same time in the same order.
func TestSeedsReplay(t *testing.T) { replay(t, newSchedule) }

func replay(t *testing.T, of func(seed) schedule) {
	for n := range uint64(60) {
		sc := of(seed(*first + n))
		a, b := sc.run(t, true), sc.run(t, true)
		for i, line := range a.trace {
			if i >= len(b.trace) || b.trace[i] != line {
				t.Errorf("seed %d does not replay:\n%s\n\nthen\n\n%s", sc.seed, around(a.trace, i), around(b.trace, i))
				break
			}
		}
	}
}

func around(trace []string, i int) string {
	return strings.Join(trace[max(0, min(len(trace), i)-3):min(len(trace), i+3)], "\n")
}

// TestFailuresShrink shows that of a schedule that fails nothing is left but
// what it takes: here one upload, and no fault.
func TestFailuresShrink(t *testing.T) {
	shrunk := 0
	for n := *first; shrunk < 5; n++ {
		sc := newSchedule(seed(n))
		if len(sc.actions) < 4 {
			continue
		}
		sc.forbidden = sc.actions[1].name
		r := sc.run(t, false)
		if len(r.met) < 10 || r.promise() != "(x)" {
			continue
		}
		shrunk++
		small, failed := shrink(t, sc, r)
		left := slices.Concat(small.todo(0), small.todo(1), small.todo(2), small.todo(3))
		if len(left) != 1 || left[0].name != sc.forbidden || len(failed.met) > 0 {
			t.Errorf("seed %d: shrinking left %v and the faults %v", n, left, failed.met)
		}
		if story := small.story(small.run(t, true)); !strings.Contains(story, "a1 was replicated") ||
			!strings.Contains(story, fmt.Sprint("-sim.seed ", n)) {
			t.Errorf("the story lacks its end or its seed:\n%s", story)
		}
	}
}
