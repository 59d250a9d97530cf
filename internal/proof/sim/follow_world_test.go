package sim

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/filterpolicy"
)

// followWorld is what a world also has in follow mode. Its state is guarded by
// the world's mu.
type followWorld struct {
	stores map[string]*store // by Region
	byName map[string]*store
	joined time.Time // when a Region joined; zero before
	trace  usersTrace
	// excused are the keys that are not as they should be, for a reason that events
	// alone cannot fix, by that reason.
	excused map[string]int
	// copied are the keys of replicas, by the process that made them. unconfirmed are
	// those of a backfill that failed or was ended, which may not have looked again
	// whether the key was deleted meanwhile.
	copied      map[string][]string
	unconfirmed map[string]bool
}

func newFollowWorld(w *world) *followWorld {
	f := &followWorld{
		stores: map[string]*store{}, byName: map[string]*store{}, excused: map[string]int{},
		copied: map[string][]string{}, unconfirmed: map[string]bool{},
	}
	for r, b := range w.buckets {
		f.stores[r] = newStore(r, b.name)
		f.byName[b.name] = f.stores[r]
	}
	return f
}

// startFollow has the world be one in follow mode.
func (w *world) startFollow(plan *followPlan) {
	w.follow = newFollowWorld(w)
	w.follow.trace.byBeginning = plan.byBeginning
	w.set.Follow, w.set.FollowSince = plan.follow, w.began.Add(-20*time.Minute)
	w.set.Reconcile = &replicaset.Reconcile{Every: 24 * time.Hour, Copy: true}
	w.set.Regions = without(w.set.Regions, plan.joins)
	if w.schedule.ordinary() {
		w.stats.ordinary = 1
	}
	if plan.follow.Deletions && !w.schedule.profile.unfiltered {
		for r := range w.filters {
			w.filters[r] = markerFilter(r)
		}
	}
}

// markerFilter is the filter of a topic's subscriptions where deletions are
// followed: delete markers of the role pass.
func markerFilter(region string) *filterpolicy.Policy {
	name := "markers of " + region
	if f, ok := filters.Load(name); ok {
		return f.(*filterpolicy.Policy)
	}
	f, err := filterpolicy.Parse([]byte(fmt.Sprintf(
		`{"$or":[{"Records":{"userIdentity":{"principalId":[{"anything-but":{"prefix":"AWS:%s:"}}]}}},`+
			`{"Records":{"eventName":["ObjectRemoved:DeleteMarkerCreated"]}}]}`,
		roleID(region))), "MessageBody")
	if err != nil {
		panic(err)
	}
	filters.Store(name, f)
	return f
}

// become makes something a version, or a marker, of a bucket.
func (w *world) become(b *store, v *stored, id string) {
	v.id, v.shown = fmt.Sprintf("v%016x", w.seed.roll(id, "version")), time.Now()
	if b.suspended {
		v.id = nullVersion
	}
	dated := v.shown
	if w.schedule.follow.dated {
		dated = v.began
	}
	v.modified = dated.Add(w.skewOf(b.region)).Truncate(time.Second)
	w.known[v.id] = &version{id: v.id, region: b.region, key: v.key}
}

// unversioned notes a write to a bucket whose versioning is suspended, and destroys
// what that destroys. The product looks before it writes, and can be too late.
func (w *world) unversioned(b *store, key string) {
	if b.suspended {
		b.makeRoom(key)
		mark(&w.follow.trace.unversioned, key)
	}
}

// replicate makes a version that the product writes, and holds it against what is
// promised of every single one. The caller holds mu.
func (w *world) replicate(p *process, b *store, v, of *stored, id, event string) {
	w.become(b, v, id)
	w.follow.copied[p.id] = append(w.follow.copied[p.id], v.key)
	if w.stats.copies++; w.stats.copies == mostReplicas {
		w.broken("5", "%d replicas were written: it goes in circles", mostReplicas)
	}
	if v.visible() != of.visible() {
		w.broken("1", "%s wrote %q to %s as %s, which is %s at %s", p.id, v.key, b.region, v.visible(), of.visible(), of.id)
	}
	if old := b.current(v.key); old != nil && !w.schedule.profile.emulated && old.write == v.write && !w.follow.trace.sameBytes(v.key) {
		w.broken("5", "%s replaced %s of %q in %s by the same write", p.id, old.id, v.key, b.region)
	}
	u := of.write
	if of.byRole && u.destroyed.Before(p.began) && !u.destroyed.IsZero() && w.set.Contains(u.region) && !u.legacy &&
		!w.follow.trace.uncertain(v.key) {
		w.broken("6", "%s copies %s, a replica of %s of %q, which %s had destroyed before", p.id, of.id, u.name, v.key, u.region)
	}
	w.unversioned(b, v.key)
	current := b.put(v, w.schedule.follow.byBeginning)
	w.say("%s has %q as %s: a replica of %s%s", b.region, v.key, v.id, v.write.name, beneathOf(current))
	w.tell(b, v, event, p)
}

func beneathOf(current bool) string {
	if current {
		return ""
	}
	return ", beneath a later version"
}

// hide makes a marker that the product makes.
func (w *world) hide(p *process, b *store, marker *stored, id string) {
	w.become(b, marker, id)
	if w.stats.markers++; w.stats.markers == mostReplicas {
		w.broken("5", "%d markers were made: it goes in circles", mostReplicas)
	}
	if b.current(marker.key) == nil && !w.schedule.profile.emulated {
		w.broken("5", "%s made a marker of %q in %s, where nothing was to be seen", p.id, marker.key, b.region)
	}
	if p.sessionName != "" && w.hiddenByRuleAlone(marker.key) {
		w.broken("6", "%s hides %q in %s, which nothing but a lifecycle rule has hidden elsewhere", p.id, marker.key, b.region)
	}
	w.unversioned(b, marker.key)
	b.put(marker, w.schedule.follow.byBeginning)
	w.say("%s hides %q by %s", b.region, marker.key, marker.id)
	w.tell(b, marker, "ObjectRemoved:DeleteMarkerCreated", p)
}

// hiddenByRuleAlone says of a key that no user has deleted it, and no function has
// hidden it yet: those who follow events cannot tell a rule's marker from a user's.
func (w *world) hiddenByRuleAlone(key string) bool {
	for _, b := range w.follow.stores {
		if slices.ContainsFunc(b.stacks[key], func(v *stored) bool { return v.marker && !v.lifecycle }) {
			return false
		}
	}
	return true
}

// tell has S3 announce a change. The caller holds mu.
func (w *world) tell(b *store, v *stored, event string, by *process) {
	follow := w.schedule.follow.follow
	switch {
	case w.silent, !w.set.Contains(b.region),
		event == "ObjectRemoved:Delete", strings.HasPrefix(event, "ObjectRemoved:") && !follow.Deletions,
		strings.HasPrefix(event, "ObjectTagging:") && !follow.Tags:
		return // the bucket's notifications do not ask for it
	}
	r := record{
		EventVersion: "2.6", EventSource: "aws:s3", AWSRegion: b.region, EventName: event,
		EventTime: w.now(b.region).UTC().Format(time.RFC3339), UserIdentity: principal{"AWS:AIDAUSER"}, version: w.known[v.id],
	}
	if by != nil && !w.schedule.profile.emulated {
		r.UserIdentity.ID = "AWS:" + roleID(b.region) + ":" + cmp.Or(by.sessionName, w.set.FunctionName())
	}
	r.S3.Bucket.Name = b.name
	o := &r.S3.Object
	o.Key = strings.ReplaceAll(url.QueryEscape(v.key), "%2F", "/")
	if o.VersionID = v.id; v.id == nullVersion {
		o.VersionID = ""
	}
	o.Sequencer = fmt.Sprintf("%016X", time.Now().UnixNano())
	if !v.marker {
		o.Size, o.ETag = v.size, v.etag
	}
	w.follow.trace.events++
	id := fmt.Sprint(v.id, " ", event, " ", w.follow.trace.events)
	w.gather("topic "+b.region, id, r, func(list []any) {
		records := make([]record, len(list))
		for i, r := range list {
			records[i] = r.(record)
		}
		w.publishAs("message "+id, b.region, records)
	})
}
