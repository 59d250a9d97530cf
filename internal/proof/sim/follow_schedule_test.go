package sim

import (
	"fmt"
	"time"

	"s3fanout/internal/replicaset"
)

// What users, and S3's lifecycle rules, do to the keys of a set in follow mode,
// beside upload and deleteMarker.
const (
	legacyObject   actionKind = "had before"             // an object of first-write-wins days and its replicas
	uploadAgain    actionKind = "upload the same again"  // bytes that an earlier upload had
	uploadParts    actionKind = "upload in parts"        // over some time
	rollBack       actionKind = "copy an old version on" // top of its key, metadata and all
	copyOver       actionKind = "copy to another key"    // the current version, metadata and all
	retag          actionKind = "tag"                    // the current version
	suspend        actionKind = "suspend versioning"     // of a whole bucket, for some time
	destroyOld     actionKind = "destroy an old version"
	destroyCurrent actionKind = "destroy the current version"
	expireCurrent  actionKind = "expire" // a lifecycle rule hides the current version

	// Commands that are run meanwhile.
	backfillNow  actionKind = "run backfill"
	reconcileNow actionKind = "compare on schedule"
	undeleteNow  actionKind = "run undelete"
	explainNow   actionKind = "run explain"
)

// followPlan is what a schedule in follow mode has besides.
type followPlan struct {
	follow replicaset.Follow
	// skews are how far the clocks of the Regions are off. apart says that one is
	// off by ten minutes.
	skews map[string]time.Duration
	apart bool
	// byBeginning says that S3 orders the versions of a key by when their upload
	// began, else by when it ended. dated says that LastModified is the time of that
	// beginning, as AWS has it; else it is the end.
	byBeginning, dated bool
	legacy             bool
	// hasty users copy replicas on top of their keys as soon as they are there, upload
	// in parts for half a minute while others delete, upload the same bytes again, and
	// destroy what they have deleted.
	hasty         bool
	joins, leaves string // a Region, when the first actions are over
	// When all has come to rest, what was deleted is brought back, and each key is
	// explained.
	undeletes, explains bool
	// In the end the functions that compare do so, and else a backfill.
	scheduled bool
}

// ordinary says that nothing happens that is outside of what is promised: clocks
// are right within seconds, S3 orders uploads as AWS says, no event is lost, and
// users do not do all at once.
func (sc *schedule) ordinary() bool {
	p := sc.follow
	if p.apart || p.legacy || p.hasty || !p.byBeginning || !p.follow.Deletions || sc.profile.lost > 0 || sc.profile.emulated {
		return false
	}
	for _, a := range sc.actions {
		if a.kind == destroyCurrent || a.kind == expireCurrent || a.kind == suspend || a.kind == undeleteNow || a.full {
			return false
		}
	}
	return true
}

// newFollowSchedule makes the schedule of a seed in follow mode.
func newFollowSchedule(s seed) schedule {
	is := func(perMille int, what string) bool { return s.chance(perMille, "follow", what) }
	pick := func(what string, choices ...int) int { return choices[s.below(len(choices), "follow", what)] }
	p := profile{
		regions:       pick("regions", 2, 3, 3, 3, 4),
		faults:        pick("faults", 0, 0, 20, 60, 200),
		lost:          pick("lost", 0, 0, 0, 0, 100),
		twice:         pick("twice", 0, 100, 400),
		undeliverable: pick("undeliverable", 0, 0, 100),
		late:          pick("late", 0, 100, 300),
		together:      pick("together", 0, 0, 400),
		unfiltered:    is(200, "unfiltered"),
		kills:         pick("kills", 0, 0, 100, 300),
		aborted:       pick("aborted", 0, 0, 100),
		emulated:      is(50, "emulated"),
		slow:          is(300, "slow"),
		redrives:      pick("redrives", 0, 0, 1, 2),
		interrupted:   pick("interrupted", 0, 300, 700),
	}
	for _, k := range allFaults {
		if is(400, string(k)) {
			p.kinds = append(p.kinds, k)
		}
	}
	regions := regionNames[:p.regions]
	if is(100, "away") {
		p.away = regions[s.below(p.regions, "follow", "away where")]
		p.awayFrom = s.between(0, time.Minute, "follow", "away from")
		p.awayFor = s.between(time.Minute, 8*time.Hour, "follow", "away for")
	}
	f := &followPlan{
		follow: replicaset.Follow{Overwrites: true, Deletions: is(900, "deletions"), Tags: is(600, "tags")},
		skews:  map[string]time.Duration{}, byBeginning: is(800, "by beginning"), legacy: is(120, "legacy"), hasty: is(150, "hasty"),
	}
	f.dated = f.byBeginning || is(500, "dated")
	f.undeletes, f.explains = is(250, "undeletes"), is(250, "explains")
	f.scheduled = is(500, "scheduled")
	for _, r := range regions {
		// Any two clocks are at most 4.8 seconds apart; functions wait for more.
		f.skews[r] = s.between(-2400*time.Millisecond, 2400*time.Millisecond, "follow", "skew", r)
	}
	if f.apart = is(60, "apart"); f.apart {
		f.skews[regions[s.below(p.regions, "follow", "apart where")]] += time.Duration(pick("apart", -10, 10)) * time.Minute
	}
	switch {
	case p.regions < 3:
	case is(80, "joins"):
		f.joins = regions[s.below(p.regions, "follow", "joins where")]
	case is(80, "leaves"):
		f.leaves = regions[s.below(p.regions, "follow", "leaves where")]
	}
	sc := schedule{seed: s, profile: p, follow: f, without: map[string]bool{}, calm: map[string]bool{}}
	sc.addFollowActions(regions)
	if f.scheduled && !p.emulated && f.joins+f.leaves == "" && is(300, "kill tick") {
		sc.addKillTick(regions)
	}
	return sc
}

// addFollowActions adds what is done to one key, or to a few.
func (sc *schedule) addFollowActions(regions []string) {
	s, f := sc.seed, sc.follow
	n, some := 2+s.below(7, "follow", "actions"), 1+s.below(2, "follow", "keys")
	span := pickTime(s, "follow span", time.Second, 8*time.Second, 8*time.Second, time.Minute, 10*time.Minute)
	strange := s.chance(120, "follow", "strange")
	suspends := s.chance(300, "follow", "suspends")
	for i := range n {
		a := action{name: fmt.Sprintf("a%d", i), of: -1}
		at := func(what string) []string { return []string{"follow", a.name, what} }
		if i > 0 {
			a.of = s.below(i, at("of")...)
		}
		if a.phase = max(0, s.below(10, at("phase")...)-7); a.phase == 1 && sc.profile.redrives == 0 ||
			a.phase == 2 && f.joins+f.leaves == "" {
			a.phase = 0
		}
		members := regions
		for _, out := range []struct {
			region string
			out    bool
		}{{f.joins, a.phase < 2}, {f.leaves, a.phase == 2}} {
			if out.region != "" && out.out {
				members = without(members, out.region)
			}
		}
		a.region = members[s.below(len(members), at("region")...)]
		first := s.below(len(keys), "follow", "first key")
		a.key = keys[(s.below(some, at("key")...)+first)%len(keys)]
		a.other = keys[(s.below(2, at("other")...)+first)%len(keys)]
		a.at = s.between(0, span, at("at")...)
		switch a.kind = followKind(s.below(100, at("kind")...), strange); {
		case a.kind == uploadAgain && !f.hasty, a.kind == suspend && !suspends:
			a.kind = upload
		}
		if f.legacy && i < some {
			members = without(regions, f.joins)
			a.kind, a.key, a.phase = legacyObject, keys[(i+first)%len(keys)], 0
			a.region = members[s.below(len(members), at("region")...)]
		}
		a.size = int64(pickOf(s, at("size"), 0, 1, 7, 10, 11, 23))
		a.archived = s.chance(20, at("archived")...)
		a.parts, a.checksum = a.kind == uploadParts || s.chance(100, at("parts")...), s.chance(500, at("checksum")...)
		// Dead letters name versions, and those that are written while versioning is
		// suspended have no name: what is left of one schedule has to tell what it is
		// about.
		a.full = strange && !suspends && s.chance(100, at("full")...)
		longest := 300 * time.Millisecond
		if f.hasty || a.kind == suspend {
			longest = 30 * time.Second
		}
		a.lasts = s.between(time.Millisecond, longest, at("lasts")...)
		sc.actions = append(sc.actions, a)
	}
	for _, c := range []struct {
		kind     actionKind
		perMille int
	}{{backfillNow, 60}, {reconcileNow, 120}, {undeleteNow, 60}, {explainNow, 150}} {
		name := string(c.kind)
		if s.chance(c.perMille, "follow", name) {
			of := sc.actions[s.below(n, "follow", name, "key")]
			sc.actions = append(sc.actions, action{
				name: name, kind: c.kind, of: -1, region: of.region, key: of.key,
				at:       s.between(0, span+10*time.Second, "follow", name, "at"),
				checksum: of.checksum,
			})
		}
	}
}

// followKind is what a roll of a hundred means.
func followKind(roll int, strange bool) actionKind {
	for _, k := range []struct {
		share   int
		kind    actionKind
		strange bool
	}{
		{38, upload, false}, {27, deleteMarker, false}, {3, uploadAgain, false}, {4, uploadParts, false}, {7, rollBack, false},
		{4, copyOver, false}, {8, retag, false}, {3, destroyOld, false}, {2, destroyCurrent, true}, {1, expireCurrent, true},
		{3, suspend, true},
	} {
		if roll -= k.share; roll >= 0 {
			continue
		}
		if k.strange && !strange {
			return upload
		}
		return k.kind
	}
	return upload
}

func without(list []string, one string) []string {
	var rest []string
	for _, s := range list {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}
