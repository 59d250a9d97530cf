package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// result is what became of a schedule.
type result struct {
	wrong  []string
	met    map[string]fault
	digest uint64
	trace  []string
	stats  stats
	// excused are the keys that a reconcile has to fix, and others that nothing is
	// promised of, by reason.
	excused map[string]int
}

// run runs a schedule in virtual time.
func (sc schedule) run(t *testing.T, tracing bool) (r result) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(&sc)
		w.tracing = tracing
		w.run(t.Context())
		r = result{wrong: w.wrong, met: w.met, digest: w.digest, trace: w.trace, stats: w.stats}
		if w.follow != nil {
			r.excused = w.follow.excused
		}
	})
	return r
}

// promise is the letter of the first promise that was broken.
func (r result) promise() string {
	if len(r.wrong) == 0 {
		return ""
	}
	return r.wrong[0][:3]
}

// mostTries bounds what shrinking costs.
const mostTries = 600

// shrink takes away from a failing schedule what it does not need to fail in
// the same way: actions first, then kinds of faults, then faults, by halves.
func shrink(t *testing.T, sc schedule, failed result) (schedule, result) {
	tries := 0
	attempt := func(smaller schedule) bool {
		if tries++; tries > mostTries {
			return false
		}
		r := smaller.run(t, false)
		if r.promise() != failed.promise() {
			return false
		}
		sc, failed = smaller, r
		return true
	}
	for again := true; again && tries < mostTries; {
		again = false
		for i := len(sc.actions) - 1; i >= 0; i-- {
			if name := sc.actions[i].name; !sc.without[name] && attempt(sc.less([]string{name}, nil)) {
				again = true
			}
		}
		kinds := kindsOf(failed.met)
		for _, some := range append([][]string{kinds}, slices.Collect(slices.Chunk(kinds, 1))...) {
			if len(failed.met) > 0 && attempt(sc.less(nil, some)) {
				again = true
			}
		}
		for size := len(failed.met); size > 0; size /= 2 {
			for _, some := range slices.Collect(slices.Chunk(slices.Sorted(maps.Keys(failed.met)), size)) {
				if attempt(sc.less(nil, some)) {
					again = true
				}
			}
		}
	}
	return sc, failed
}

// kindsOf lists the kinds of faults that happened.
func kindsOf(met map[string]fault) []string {
	var list []string
	for _, f := range met {
		if f == unreachable {
			list = append(list, "away")
		}
		list = append(list, string(f))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// less is the schedule without some actions and faults.
func (sc schedule) less(actions, faults []string) schedule {
	sc.without, sc.calm = maps.Clone(sc.without), maps.Clone(sc.calm)
	for _, a := range actions {
		sc.without[a] = true
	}
	for _, f := range faults {
		sc.calm[f] = true
	}
	return sc
}

// story is how a schedule failed, for people.
func (sc schedule) story(r result) string {
	var b strings.Builder
	test := "TestSchedules"
	if sc.follow != nil {
		test = "TestFollowSchedules"
	}
	fmt.Fprintf(&b, "seed %d breaks a promise; replay it with\n\tgo test ./internal/proof/sim -run %s -sim.seed %d\nUsers:\n",
		sc.seed, test, sc.seed)
	for _, a := range slices.Concat(sc.todo(0), sc.todo(1), sc.todo(2), sc.todo(3)) {
		fmt.Fprintf(&b, "\t%s\n", a)
	}
	b.WriteString("Faults:\n")
	for _, id := range slices.Sorted(maps.Keys(r.met)) {
		fmt.Fprintf(&b, "\t%s: %s\n", id, r.met[id])
	}
	b.WriteString("Broken:\n")
	for _, s := range r.wrong {
		fmt.Fprintf(&b, "\t%s\n", s)
	}
	if r.trace != nil {
		fmt.Fprintf(&b, "Trace:\n%s\n", strings.Join(r.trace, "\n"))
	}
	return b.String()
}
