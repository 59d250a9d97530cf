package sim

import (
	"cmp"
	"slices"
	"time"

	"s3fanout/internal/policy"
)

// written is a user's write of a key. Its order among others is the oracle's own.
type written struct {
	name, key, region string
	seconds           int64
	version           *stored  // at its origin
	over              *written // what it was put over, also if a marker hid that
	became            bool     // the current version, at least for a moment
	// beneath says that it never was, since a marker had been put meanwhile.
	beneath       bool
	parts, legacy bool
	shown         time.Time
	// since is what S3 orders the writes of one bucket by: when they began, or when
	// they ended. place is for what was there before.
	since time.Time
	place int
	// destroyed is when its version was; zero if it was not.
	destroyed time.Time
}

// deletion is a user's.
type deletion struct {
	key  string
	saw  *written // nil for nothing
	at   time.Time
	rule bool // it was a lifecycle rule's
}

// usersTrace is what users did, and nothing else: the oracle judges by it.
type usersTrace struct {
	byBeginning bool // see followPlan
	writes      []*written
	deletions   []deletion
	events      int
	// The keys of which something was done that what-wins.md leaves to reconcile.
	again, young, hiddenGone, hiddenOwn, currentGone, differing, unversioned, full map[string]bool
	gone                                                                           map[*written]bool // destroyed at their origins
}

func mark(set *map[string]bool, key string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[key] = true
}

// recently is longer than a conditional write takes from its look to its end.
const recently = 15 * time.Second

// wrote notes a write that is in its bucket now, and is the origin of the version.
func (t *usersTrace) wrote(a action, b *store, v *stored) {
	u := &written{
		name: a.name, key: v.key, region: b.region, seconds: v.modified.Unix(), version: v, parts: a.kind == uploadParts,
		shown: v.shown, since: v.shown, place: len(t.writes), became: true,
	}
	if t.byBeginning {
		u.since = v.began
	}
	v.write = u
	t.writes = append(t.writes, u)
	if v.meta["more"] != "" {
		mark(&t.full, v.key)
	}
	stack, place := b.stacks[v.key], b.place(v)
	for _, o := range slices.Backward(stack[:place]) {
		if !o.marker {
			u.over = o.write
			break
		}
	}
	if place == len(stack)-1 {
		return
	}
	// It began before what is on top of it. A user's marker deletes also what is
	// under way.
	switch above := stack[place+1]; {
	case above.marker && !above.byRole && place == len(stack)-2:
		t.deletions = append(t.deletions, deletion{key: v.key, saw: u, at: above.shown, rule: above.lifecycle})
	default:
		u.became, u.beneath = false, above.marker
	}
}

// matched notes that a condition on an ETag was held to be true. If another version
// with the same bytes was the current one a moment ago, or a moment before the
// upload in parts began, that may be the one that somebody has looked at, even if it
// was destroyed since.
func (t *usersTrace) matched(b *store, key string, began time.Time) {
	stack, since := b.stacks[key], began.Add(-recently)
	current := stack[len(stack)-1]
	for i, o := range stack[:len(stack)-1] {
		if o.etag == current.etag && stack[i+1].shown.After(since) {
			mark(&t.again, key)
		}
	}
	for _, o := range b.gone {
		if o.key == key && o.etag == current.etag && o.destroyed.After(since) {
			mark(&t.again, key)
		}
	}
}

// sameBytes says that two versions with the same bytes were taken for each other.
func (t *usersTrace) sameBytes(key string) bool { return t.again[key] }

// bodyOf finds an upload.
func (t *usersTrace) bodyOf(name string) *stored {
	for _, u := range t.writes {
		if u.name == name {
			return u.version
		}
	}
	return nil
}

func (t *usersTrace) differs(key string) { mark(&t.differing, key) }

// copied notes that a user copies a young replica on top of its own key, be it by way of
// another key, whose object has the replica's entry then.
func (t *usersTrace) copied(b *store, of *stored, to string) {
	entry := of.meta[policy.EntryName]
	if slices.ContainsFunc(b.stacks[to], func(o *stored) bool {
		return o.byRole && time.Since(o.shown) < 35*time.Second && (o == of || entry != "" && o.meta[policy.EntryName] == entry)
	}) {
		mark(&t.young, to)
	}
}

func (t *usersTrace) deleted(_ *store, seen, marker *stored) {
	d := deletion{key: marker.key, at: marker.shown, rule: marker.lifecycle}
	if seen != nil {
		d.saw = seen.write
	}
	t.deletions = append(t.deletions, d)
}

func (t *usersTrace) destroyed(b *store, v *stored) {
	if !v.byRole {
		if t.gone == nil {
			t.gone = map[*written]bool{}
		}
		t.gone[v.write] = true
		v.write.destroyed = time.Now()
	}
	stack := b.stacks[v.key]
	switch i := b.place(v); {
	case i == len(stack)-1:
		mark(&t.currentGone, v.key)
	case stack[i+1].marker && (v.byRole || v.write.legacy):
		mark(&t.hiddenGone, v.key)
	case stack[i+1].marker:
		mark(&t.hiddenOwn, v.key)
	}
}

// keys are those that users have written.
func (t *usersTrace) keys() []string {
	var list []string
	for _, u := range t.writes {
		list = append(list, u.key)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// writersOf is how many Regions users have written a key in.
func (t *usersTrace) writersOf(key string) int {
	regions := map[string]bool{}
	for _, u := range t.writes {
		if u.key == key {
			regions[u.region] = true
		}
	}
	return len(regions)
}

// compare orders two writes: by second, then by Region, then by their places in
// their bucket.
func (u *written) compare(o *written) int {
	return cmp.Or(cmp.Compare(u.seconds, o.seconds), cmp.Compare(u.region, o.region), u.compareInBucket(o))
}

func (u *written) compareInBucket(o *written) int {
	return cmp.Or(u.since.Compare(o.since), cmp.Compare(u.place, o.place))
}

// greatest is the write of a key that has to win, of those that somebody could see;
// nil if there is none.
func (t *usersTrace) greatest(key string) *written {
	var most *written
	for _, u := range t.writes {
		if u.key == key && u.became && (most == nil || u.compare(most) > 0) {
			most = u
		}
	}
	return most
}

// blurred says of a key that nothing tells any more which of two writes of one Region
// and second was the later one, since one of them was destroyed.
func (t *usersTrace) blurred(key string) bool {
	for u := range t.gone {
		if u.key == key && slices.ContainsFunc(t.writes, func(o *written) bool {
			return o != u && o.key == key && o.region == u.region && o.seconds == u.seconds
		}) {
			return true
		}
	}
	return false
}

// uncertain says of a key that what users did does not tell which version is a
// replica of which write: it differed before follow mode, was copied on top of itself
// at once, or has versions without names.
func (t *usersTrace) uncertain(key string) bool {
	return t.differing[key] || t.young[key] || t.unversioned[key] || t.blurred(key)
}

// overwritten says that somebody put something over a write.
func (t *usersTrace) overwritten(u *written) *written {
	i := slices.IndexFunc(t.writes, func(o *written) bool { return o.over == u && o.became })
	if i < 0 {
		return nil
	}
	return t.writes[i]
}

// deletedBy says whether a user deleted a write that he saw.
func (t *usersTrace) deletedBySomebody(u *written) bool {
	return slices.ContainsFunc(t.deletions, func(d deletion) bool { return d.saw == u && !d.rule })
}

// endedLate is why a greater write can be covered by a lesser one.
const endedLate = "an upload ended after a write that began later"

// left says why events alone may not have ended a key as it should be; empty if
// there is no reason. Reasons are read off what users did. Those of reconciled are
// what the protocol leaves to reconcile; the others are outside of what is promised.
func (t *usersTrace) left(key string, deletionsTravel bool) (why string, reconciled bool) {
	for _, d := range t.deletions {
		switch {
		case d.key != key:
		case d.rule:
			return "a lifecycle rule hid it in one Region", false
		case !deletionsTravel:
			return "it was deleted where deletions do not travel", false
		}
	}
	switch {
	case t.currentGone[key]:
		return "what was current was destroyed", false
	case t.unversioned[key]:
		return "it was written while versioning was suspended", false
	case t.differing[key]:
		return "it differed before", false
	// Of a write that was destroyed at its origin, its marker tells as long as nothing
	// else was written.
	case t.hiddenGone[key], t.hiddenOwn[key] && t.writersOf(key) > 1:
		return "what a user had deleted was destroyed", true
	case t.again[key]:
		return "the same bytes were written again", true
	case t.young[key]:
		return "a replica was copied on top of its key at once", true
	}
	for _, u := range t.writes {
		switch {
		case u.key != key || !u.parts:
			continue
		case u.beneath:
			return "an upload ended beneath a marker that is younger than its beginning", true
		case !u.became:
			continue
		}
		if u.over != nil && u.compare(u.over) < 0 {
			return endedLate, true
		}
		for _, d := range t.deletions {
			if d.key == key && d.saw != nil && d.saw != u && d.saw.compare(u) > 0 && d.at.Before(u.shown) {
				return "an upload ended after a deletion of a later write", true
			}
		}
	}
	return "", false
}
