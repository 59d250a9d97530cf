package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/policy"
)

// This file has what users do, and what was there before follow mode.

// performFollow does what a user, or a lifecycle rule, does. The caller holds mu.
func (w *world) performFollow(a action) {
	f := w.follow
	b := f.stores[a.region]
	switch a.kind {
	case upload, uploadAgain, uploadParts:
		body, size := a.name, a.size
		if a.kind == uploadAgain {
			if of := f.trace.bodyOf(fmt.Sprintf("a%d", a.of)); of != nil {
				body, size = of.body, of.size
			}
		}
		v := &stored{
			key: a.key, body: body, size: size, etag: etagOf(body), archived: a.archived, tags: "t" + a.name,
			headers: headers{"text/" + a.name, "max-age=" + a.name, "", "en"}, meta: w.metaOf(a),
		}
		if a.checksum {
			v.crc = crcOf(body)
		}
		if a.parts {
			v.parts, v.etag = 2, "m"+body+"-2"
		}
		v.began = time.Now()
		if a.kind != uploadParts {
			w.userWrites(a, b, v, "ObjectCreated:Put")
			return
		}
		w.after(a.lasts, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.userWrites(a, b, v, "ObjectCreated:CompleteMultipartUpload")
		})
	case rollBack, copyOver:
		of, to := b.current(a.key), a.other
		if a.kind == rollBack {
			of, to = w.someVersion(b, a, func(v *stored) bool { return v != b.top(a.key) && !v.marker && w.mayCopyOnTop(v) }), a.key
		}
		if of == nil || of.archived && !w.calm || to == of.key && !w.mayCopyOnTop(of) || !w.mayCopyAgain(b, of, to) {
			return
		}
		v := *of
		v.key, v.etag, v.parts, v.byRole, v.write = to, etagOf(v.body), 0, false, nil
		v.archived, v.began, v.retagged = false, time.Now(), false
		f.trace.copied(b, of, to)
		w.userWrites(a, b, &v, "ObjectCreated:Copy")
	case deleteMarker, expireCurrent:
		seen := b.current(a.key)
		if a.kind == expireCurrent && seen == nil {
			return
		}
		marker := &stored{key: a.key, marker: true, began: time.Now(), lifecycle: a.kind == expireCurrent}
		w.become(b, marker, a.name)
		w.unversioned(b, a.key)
		b.put(marker, w.schedule.follow.byBeginning)
		f.trace.deleted(b, seen, marker)
		w.say("%s hides %q by %s", b.region, a.key, marker.id)
		if marker.lifecycle {
			return
		}
		w.tell(b, marker, "ObjectRemoved:DeleteMarkerCreated", nil)
		if w.schedule.follow.hasty && seen != nil && w.seed.chance(200, a.name, "destroys it, too") {
			w.after(w.seed.between(time.Millisecond, 5*time.Second, a.name, "destroys it"), func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.destroyForGood(b, seen)
			})
		}
	case suspend:
		b.suspended = true
		w.after(a.lasts, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			b.suspended = false
			w.say("%s keeps versions again", b.region)
		})
	case retag:
		if v := b.current(a.key); v != nil {
			v.tags, v.retagged = "t"+a.name, true
			b.changes[v.key]++
			w.tell(b, v, "ObjectTagging:Put", nil)
		}
	case destroyOld, destroyCurrent:
		v := b.current(a.key)
		if a.kind == destroyOld {
			v = w.someVersion(b, a, func(v *stored) bool {
				return v != b.top(a.key) && !v.marker && (w.schedule.follow.hasty || !b.stacks[a.key][b.place(v)+1].marker)
			})
		}
		if v != nil {
			w.destroyForGood(b, v)
		}
	}
}

// destroyForGood removes a version, unless it is gone already.
func (w *world) destroyForGood(b *store, v *stored) {
	if b.place(v) >= 0 {
		w.follow.trace.destroyed(b, v)
		b.destroy(v)
		w.say("%s lost %s of %q for good", b.region, v.id, v.key)
		w.tell(b, v, "ObjectRemoved:Delete", nil)
	}
}

// patience is how long users wait who are not hasty. A replica is known by its
// LastModified for half a minute, and clocks differ.
const patience = 40 * time.Second

// mayCopyOnTop says that a user does not mind that a version is so new.
func (w *world) mayCopyOnTop(v *stored) bool {
	return w.schedule.follow.hasty || !v.byRole || time.Since(v.shown) > patience
}

// mayCopyAgain says that a key has not had the same bytes just now.
func (w *world) mayCopyAgain(b *store, v *stored, to string) bool {
	stack := b.stacks[to]
	for i, o := range stack {
		if !w.schedule.follow.hasty && i+1 < len(stack) && o.body == v.body && time.Since(stack[i+1].shown) < patience {
			return false
		}
	}
	return w.schedule.follow.hasty || !slices.ContainsFunc(w.follow.trace.writes, func(u *written) bool {
		return u.key == to && u.version.body == v.body && time.Since(u.shown) < patience
	})
}

// metaOf is the user metadata of an upload. Some users write an entry of their own,
// as if their object were a replica; none of these counts.
func (w *world) metaOf(a action) map[string]string {
	meta := map[string]string{"props": "props of " + a.name}
	if a.full {
		meta["more"] = strings.Repeat("x", metadataLimit-len("more")-len("props")-len(meta["props"]))
		return meta
	}
	now := w.now(a.region).Unix()
	own := policy.Write{Region: w.set.Others(a.region)[0], VersionID: "v0000000000000001", Seconds: now - 10}
	switch w.seed.below(60, a.name, "forges an entry") {
	case 0: // of another key
		meta[policy.EntryName] = policy.EntryFor(own, "another key", now, 0).String()
	case 1: // of a write in the far future
		own.Seconds = now + 100_000
		meta[policy.EntryName] = policy.EntryFor(own, a.key, now, 0).String()
	case 2: // made long ago
		meta[policy.EntryName] = policy.EntryFor(own, a.key, now-1000, 0).String()
	case 3: // of other parts
		meta[policy.EntryName] = policy.EntryFor(own, a.key, 0, 7).String()
	case 4:
		meta[policy.EntryName] = "nothing that can be read"
	}
	return meta
}

// userWrites makes a version of a user's. The caller holds mu.
func (w *world) userWrites(a action, b *store, v *stored, event string) {
	w.become(b, v, a.name)
	w.unversioned(b, v.key)
	current := b.put(v, w.schedule.follow.byBeginning)
	w.follow.trace.wrote(a, b, v)
	w.say("%s has %q as %s: %s of second %d%s", b.region, v.key, v.id, v.write.name, v.modified.Unix(), beneathOf(current))
	w.tell(b, v, event, nil)
}

// someVersion picks one of the key's versions.
func (w *world) someVersion(b *store, a action, is func(*stored) bool) *stored {
	var list []*stored
	for _, v := range b.stacks[a.key] {
		if is(v) {
			list = append(list, v)
		}
	}
	if list == nil {
		return nil
	}
	return list[w.seed.below(len(list), a.name, "which version")]
}

// hadBefore makes an object of first-write-wins days: most Regions have a replica
// without an entry, some have none, and some have another object.
func (w *world) hadBefore(a action) {
	back := func(what string) time.Duration { return -w.seed.between(time.Hour, 2*time.Hour, a.name, what) }
	origin := &stored{
		key: a.key, body: a.name, size: a.size, etag: etagOf(a.name), tags: "t" + a.name,
		headers: headers{"text/" + a.name, "", "", ""}, meta: map[string]string{"props": "props of " + a.name},
	}
	if a.parts {
		origin.parts, origin.etag = 2, "m"+a.name+"-2"
	}
	place := func(region string, v *stored, earlier time.Duration, which action) {
		b := w.follow.stores[region]
		v.began = time.Now().Add(earlier)
		w.become(b, v, which.name)
		v.shown, v.modified = v.began, v.began.Add(w.skewOf(region)).Truncate(time.Second)
		b.put(v, true)
		if v.write == nil {
			w.follow.trace.wrote(which, b, v)
			v.write.legacy = true
		}
		w.say("%s had %q as %s: %s, of second %d", region, a.key, v.id, v.write.name, v.modified.Unix())
	}
	first := back("origin")
	place(a.region, origin, first, a)
	for _, r := range w.set.Regions {
		other := a
		other.name, other.region = a.name+" in "+strings.ReplaceAll(r, "-", "_"), r // an ETag with a dash is one of parts
		switch roll := w.seed.below(10, other.name); {
		case r == a.region || roll == 0:
		case roll == 1:
			v := *origin
			v.write, v.body, v.meta = nil, other.name, maps.Clone(origin.meta)
			v.etag, v.parts = etagOf(v.body), 0
			v.size++ // of what was uploaded in parts, S3 may tell no more
			place(r, &v, back("other"), other)
			w.follow.trace.differs(a.key)
		default:
			v := *origin
			v.byRole = true
			if v.size <= threshold {
				v.etag, v.parts = etagOf(v.body), 0
			}
			place(r, &v, first+w.seed.between(2*time.Second, time.Minute, other.name, "lag"), other)
			continue
		}
		if r != a.region {
			w.follow.trace.differs(a.key)
		}
	}
}
