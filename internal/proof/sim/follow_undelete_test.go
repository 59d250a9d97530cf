package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/copier/copiertest"
	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/policy"
)

// undelete runs the real one, which sends requests as whoever runs it.
func (w *world) undelete(ctx context.Context, p *process, span undelete.Span) (undelete.Report, error) {
	p.person = true
	options := undelete.Options{
		Span: span, FollowSince: w.set.FollowSince, Random: w.jitter(p),
		Follows: func(key string) bool { return w.set.FollowFor(key).Overwrites },
	}
	for _, r := range w.set.Regions {
		m := w.member(p, r)
		options.Members = append(options.Members, undelete.Member{
			Region: r, Bucket: w.buckets[r].name, S3: followClient{m},
			Copier: labelled{p: m, Copier: copier.New(followClient{m}, copier.Target{Region: r, Bucket: w.buckets[r].name},
				copier.WithLogger(quiet), copier.WithMultipart(threshold, parallel), copiertest.WithPartSize(partSize),
				copier.Restoring(policy.EntryName), copiertest.WithRandom(w.jitter(m)))},
		})
	}
	return undelete.Run(ctx, options, undelete.Observer{})
}

// copied makes a version that somebody copies: the product's roles a replica, and
// the person who runs undelete a write. The caller holds mu.
func (w *world) copied(p *process, b *store, v, of *stored, id, event string) {
	if !p.person {
		w.replicate(p, b, v, of, id, event)
		return
	}
	switch {
	case b.place(of) < 0 && v.parts == 0:
		w.broken("4", "%s brings %s of %q back to %s, where it never was", p.id, of.id, v.key, b.region)
	case b.current(v.key) != nil && !w.schedule.profile.emulated:
		w.broken("4", "%s puts %s of %q over what %s shows", p.id, of.id, v.key, b.region)
	case v.visible() != of.visible() || v.tags != of.tags || v.meta[policy.EntryName] != "":
		w.broken("4", "%s brings %q back to %s as %s with the tags %q and the entry %q, which was %s with %q",
			p.id, v.key, b.region, v.visible(), v.tags, v.meta[policy.EntryName], of.visible(), of.tags)
	}
	v.byRole, v.write, v.retagged = false, nil, false
	a := action{name: of.write.name + ", brought back by " + id, kind: upload}
	if v.parts > 0 {
		a.kind = uploadParts
	}
	w.userWrites(a, b, v, event)
}

// undeleteMeanwhile brings back what was deleted in the last hour while users go on,
// and whoever does that may give up.
func (w *world) undeleteMeanwhile(a action) {
	w.command(context.Background(), "undelete of "+a.name, func(ctx context.Context, p *process) {
		_, _ = w.undelete(ctx, p, undelete.Span{Since: time.Now().Add(-time.Hour), Until: time.Now()}) // it may fail, of course
	})
}

// hiddenKey is what the buckets tell of a key whose latest write is hidden.
type hiddenKey struct {
	// was is the version that has to come back if the key does.
	was *stored
	// first and last are when it was hidden, by the markers above it in the Regions
	// that hide it. A list tells no marker above a version from one beneath it but by
	// their times: those that were made after an upload began, and before it ended, seem
	// to hide it, and those of its own second may. told is the first of those that are
	// younger than the version, or on top.
	first, told, last time.Time
}

// hiddenKeys are the keys that are deleted, by what users did and where S3 has put it.
// Left out are those of which users' deeds do not tell what that is.
func (w *world) hiddenKeys() map[string]hiddenKey {
	t, hidden := &w.follow.trace, map[string]hiddenKey{}
	for _, key := range t.keys() {
		if k, shown := w.hiddenKey(key); !t.uncertain(key) && k.was != nil && !k.first.IsZero() && !shown {
			hidden[key] = k
		}
	}
	return hidden
}

// hiddenKey is what the buckets tell of one key, and whether any of them shows it.
func (w *world) hiddenKey(key string) (k hiddenKey, shown bool) {
	for _, r := range w.set.Regions {
		stack := w.follow.stores[r].stacks[key]
		i := len(stack) - 1
		for i >= 0 && stack[i].marker {
			i--
		}
		switch {
		case i < 0:
			continue
		case i == len(stack)-1:
			shown = true
		}
		if v := stack[i]; k.was == nil || v.write.compare(k.was.write) > 0 {
			k = hiddenKey{was: v}
		}
		if i == len(stack)-1 || stack[i].write != k.was.write {
			continue
		}
		for j, m := range stack {
			above, younger := j > i, m.modified.After(stack[i].modified)
			if !m.marker || !above && !younger {
				continue
			}
			if k.first.IsZero() || m.modified.Before(k.first) {
				k.first = m.modified
			}
			if top := j == len(stack)-1; (top || younger) && (k.told.IsZero() || m.modified.Before(k.told)) {
				k.told = m.modified
			}
			if m.modified.After(k.last) {
				k.last = m.modified
			}
		}
	}
	return k, shown
}

// bringBack has undelete bring back, once all has come to rest, what was deleted in
// a span of time, and holds the world against promise 4: it is back in all Regions
// and nothing else is, however often undelete is run, by how many at once, and
// whatever becomes of some of them.
func (w *world) bringBack(ctx context.Context) {
	if !w.schedule.follow.undeletes {
		return
	}
	w.mu.Lock()
	span := w.spanOfUndelete()
	hidden := w.hiddenKeys()
	before := maps.Clone(hidden)
	if lost := w.schedule.profile.lost > 0 || w.schedule.profile.emulated; lost {
		clear(before)
	}
	w.calm = false
	w.mu.Unlock()
	for i := range w.seed.below(3, "undeletes") {
		id := fmt.Sprintf("undelete %d", i)
		w.after(w.seed.between(0, 3*time.Second, id), func() {
			w.command(ctx, id, func(ctx context.Context, p *process) { _, _ = w.undelete(ctx, p, span) })
		})
	}
	w.tasks.Wait()
	w.quieten()
	for i := range 2 {
		w.mu.Lock()
		writes := len(w.follow.trace.writes)
		w.mu.Unlock()
		p := w.newProcess(fmt.Sprintf("undelete at last %d", i), w.set.Regions[0])
		report, err := w.undelete(ctx, p, span)
		w.tasks.Wait()
		w.mu.Lock()
		if sum := report.Sum(); err != nil || sum.Left() > 0 || sum.Failed > 0 {
			w.broken("4", "an undelete that nothing hindered leaves %d and fails %d times: %v", sum.Left(), sum.Failed, err)
		}
		if n := len(w.follow.trace.writes) - writes; i > 0 && n > 0 && !w.schedule.profile.emulated {
			w.broken("4", "an undelete of what was brought back already brings %d objects back", n)
		}
		w.mu.Unlock()
	}
	w.settle(ctx)
	w.mu.Lock()
	for _, key := range slices.Sorted(maps.Keys(before)) {
		w.judgeUndeleted(key, before[key], span)
	}
	w.mu.Unlock()
	w.judge("after an undelete, when all had come to rest")
}

// spanOfUndelete is all of the time, or some around one of the deletions.
func (w *world) spanOfUndelete() undelete.Span {
	span := undelete.Span{Since: w.began.Add(-3 * time.Hour), Until: time.Now().Add(time.Hour)}
	var markers []time.Time
	for _, key := range w.follow.trace.keys() {
		for _, r := range w.set.Regions {
			for _, v := range w.follow.stores[r].stacks[key] {
				if v.marker {
					markers = append(markers, v.modified)
				}
			}
		}
	}
	if len(markers) > 0 && w.seed.chance(500, "undelete", "some") {
		at := markers[w.seed.below(len(markers), "undelete", "which")]
		span.Since = at.Add(w.seed.between(-3*time.Second, 2*time.Second, "undelete", "since"))
		span.Until = span.Since.Add(w.seed.between(0, time.Minute, "undelete", "span"))
	}
	return span
}

// judgeUndeleted holds what the Regions show of a key that was deleted against what
// an undelete of a span promises: what was deleted before it stays so, also if another
// Region was told within the span. What was deleted in one Region within it and in
// another after it may be either.
func (w *world) judgeUndeleted(key string, was hiddenKey, span undelete.Span) {
	back := !was.first.Before(span.Since.Truncate(time.Second)) && !was.last.After(span.Until)
	stays := was.told.Before(span.Since.Truncate(time.Second)) || was.first.After(span.Until)
	for _, r := range w.set.Regions {
		switch v := w.follow.stores[r].current(key); {
		case v != nil && v.body == was.was.body && back: // lists show no metadata, and of the same bytes any will do
		case back && v.visible() != was.was.visible() && !w.follow.trace.full[key]:
			w.broken("4", "%q was deleted in the span, from %s to %s, and %s shows %s, not %s",
				key, was.first, was.last, r, v.visible(), was.was.visible())
		case stays && v != nil:
			w.broken("4", "%q was not deleted in the span, but from %s to %s, and is back in %s", key, was.first, was.last, r)
		}
	}
}
