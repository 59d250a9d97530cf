package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// action is what a user does to a bucket.
type action struct {
	name   string
	at     time.Duration // since the beginning
	region string
	kind   actionKind
	key    string
	size   int64
	// of is the index of the upload whose version is deleted.
	of int
	// parts says that the object is uploaded in parts, and has a composite
	// checksum if any.
	parts bool
	// checksum says that S3 has a checksum of the whole object.
	checksum bool
	// archived objects cannot be copied before they are restored.
	archived bool
	// phase is 1 for what happens while dead letters are redriven, 2 for what happens
	// while a backfill runs, or in follow mode after a Region joined or left, and 3 for
	// what happens when comparisons find nothing any more.
	phase int
	// other is the key that is copied to, and lasts how long an upload takes, or
	// versioning is suspended.
	other string
	lasts time.Duration
	// full says that the object's metadata leave no room for one more entry.
	full bool
}

type actionKind string

const (
	upload        actionKind = "upload"
	deleteMarker  actionKind = "delete"         // a marker hides the key
	deleteVersion actionKind = "delete version" // it is gone

	// killTick has the event of a large upload be lost, and the invocation that compares
	// be killed in the middle of the copy.
	killTick actionKind = "upload, lose the event, kill the tick that copies"
)

func (a action) String() string {
	s := fmt.Sprintf("%-4s %9v  %s %s in %s", a.name, a.at.Round(time.Millisecond), a.kind, strconv.Quote(a.key), a.region)
	if a.kind == upload {
		return fmt.Sprintf("%s, %d bytes", s, a.size)
	}
	if a.kind == killTick {
		return fmt.Sprintf("%s, %d bytes, for %s", s, a.size, a.other)
	}
	if a.kind == deleteVersion {
		return fmt.Sprintf("%s of a%d", s, a.of)
	}
	return s
}

// profile says how bad the weather is.
type profile struct {
	regions int
	faults  int // of a thousand calls
	kinds   []fault
	// deliveries of a thousand that are lost, duplicated, undeliverable, late.
	lost, twice, undeliverable, late int
	together                         int // of a thousand records share a message
	unfiltered                       bool
	kills                            int // of a thousand invocations
	slow                             bool
	aborted                          int    // of a thousand uploads, by somebody else
	forged                           int    // of a thousand uploads, by somebody who may write to a queue
	emulated                         bool   // S3 ignores the conditions of copies, and does not say who wrote
	away                             string // a Region that is away for hours, or empty
	awayFrom, awayFor                time.Duration
	skew                             bool
	redrives                         int // at once, with faults
	interrupted                      int // of a thousand runs of a command
	// scheduled says that the Regions' functions compare on a schedule, which repair what
	// is missing in the end, and forgets names a Region whose lifecycle rule removes what
	// was deleted a day ago, marker and all.
	scheduled bool
	forgets   string
}

// schedule is what is run.
type schedule struct {
	seed    seed
	profile profile
	follow  *followPlan // nil: the first write wins
	actions []action
	// What shrinking took away: actions by name, and faults by identity or kind.
	without map[string]bool
	calm    map[string]bool
	// forbidden is an upload that must not be replicated: a promise that is
	// broken for certain.
	forbidden string
}

// The model's sizes: an object over threshold is copied in parts of partSize.
const (
	threshold = 10
	partSize  = 4
	parallel  = 3
)

// keys are those that the user writes. Some decode to others if they are
// decoded twice.
var keys = []string{"a", "b+c d", "50%25/ü", "a%2Bb"}

var regionNames = []string{"eu-west-1", "us-east-1", "ap-south-1", "sa-east-1"}

// newSchedule makes the schedule of a seed.
func newSchedule(s seed) schedule {
	is := func(perMille int, what string) bool { return s.chance(perMille, "profile", what) }
	pick := func(what string, choices ...int) int { return choices[s.below(len(choices), "profile", what)] }
	p := profile{
		regions:       pick("regions", 2, 3, 3, 3, 4),
		faults:        pick("faults", 0, 20, 60, 150, 350),
		lost:          pick("lost", 0, 0, 50, 200),
		twice:         pick("twice", 0, 100, 400),
		undeliverable: pick("undeliverable", 0, 0, 100),
		late:          pick("late", 0, 100, 300),
		together:      pick("together", 0, 0, 400),
		unfiltered:    is(300, "unfiltered"),
		kills:         pick("kills", 0, 0, 100, 400),
		aborted:       pick("aborted", 0, 0, 100),
		forged:        pick("forged", 0, 0, 0, 300),
		emulated:      is(80, "emulated"),
		slow:          is(400, "slow"),
		skew:          is(300, "skew"),
		redrives:      pick("redrives", 0, 1, 2),
		interrupted:   pick("interrupted", 0, 300, 700),
		scheduled:     is(350, "scheduled"),
	}
	for _, k := range allFaults {
		if is(400, string(k)) {
			p.kinds = append(p.kinds, k)
		}
	}
	regions := regionNames[:p.regions]
	if is(150, "away") {
		p.away = regions[s.below(p.regions, "profile", "away where")]
		p.awayFrom = s.between(0, 10*time.Minute, "profile", "away from")
		p.awayFor = s.between(time.Minute, 8*time.Hour, "profile", "away for")
	}
	if p.scheduled && is(250, "forgets") {
		p.forgets = regions[s.below(p.regions, "profile", "forgets where")]
	}
	sc := schedule{seed: s, profile: p, without: map[string]bool{}, calm: map[string]bool{}}
	n, some := 1+s.below(7, "actions"), 1+s.below(len(keys), "keys")
	if is(300, "one key") {
		some = 1
	}
	for i := range n {
		a := action{name: fmt.Sprintf("a%d", i), of: -1}
		at := func(what string) []string { return []string{a.name, what} }
		a.region = regions[s.below(p.regions, at("region")...)]
		a.key = keys[(s.below(some, at("key")...)+s.below(len(keys), "first key"))%len(keys)]
		a.at = s.between(0, pickTime(s, "span", time.Second, time.Minute, 10*time.Minute), at("at")...)
		a.kind = upload
		if i > 0 {
			a.of = s.below(i, at("of")...)
		}
		switch roll := s.below(10, at("kind")...); {
		case roll == 0:
			a.kind = deleteMarker
		case roll == 1 && i > 0 && sc.actions[a.of].kind == upload:
			a.kind = deleteVersion
			of := sc.actions[a.of]
			a.region, a.key, a.at = of.region, of.key, max(a.at, of.at)+s.between(time.Millisecond, time.Minute, at("after")...)
		}
		a.size = int64(pickOf(s, at("size"), 0, 1, 7, 10, 11, 23, 40))
		if p.slow && s.chance(25, at("huge")...) {
			a.size = 600 // takes more invocations than a chain may have
		}
		a.archived = s.chance(50, at("archived")...)
		a.parts, a.checksum = s.chance(300, at("parts")...), s.chance(600, at("checksum")...)
		if a.phase = max(0, s.below(12, at("phase")...)-9); a.phase == 1 && p.redrives == 0 {
			a.phase = 2
		}
		if a.kind == deleteVersion {
			a.phase = max(a.phase, sc.actions[a.of].phase)
		}
		sc.actions = append(sc.actions, a)
	}
	if p.scheduled && is(300, "kill tick") {
		sc.addKillTick(regions)
	}
	return sc
}

// addKillTick adds a killTick. The Region whose tick it is does not forget.
func (sc *schedule) addKillTick(regions []string) {
	s, name := sc.seed, string(killTick)
	regions = without(regions, sc.profile.forgets)
	from := s.below(len(regions), name, "region")
	if len(regions) < 2 {
		return
	}
	sc.actions = append(sc.actions, action{
		name: "large", kind: killTick, phase: 3, of: -1, region: regions[from], key: "a/large",
		other: regions[(from+1+s.below(len(regions)-1, name, "where"))%len(regions)],
		size:  int64(pickOf(s, []string{name, "size"}, 40, 80, 200)), checksum: s.chance(600, name, "checksum"),
	})
}

func pickOf(s seed, words []string, choices ...int) int {
	return choices[s.below(len(choices), words...)]
}

func pickTime(s seed, what string, choices ...time.Duration) time.Duration {
	return choices[s.below(len(choices), what)]
}

// todo are the actions of a phase that are left, in the order of their time.
func (sc schedule) todo(phase int) []action {
	var list []action
	for _, a := range sc.actions {
		if a.phase == phase && !sc.without[a.name] {
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b action) int { return int(a.at - b.at) })
	return list
}
