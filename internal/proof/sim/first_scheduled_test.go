package sim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/function/reconcile"
)

// This file holds the function that compares against its promise where the first write
// wins, (g).

// forgetting is when a lifecycle rule removed what was left of a deletion.
type forgetting struct{ deleted, removed time.Time }

// forgetDays is after how many days the rule acts, and then some: it acts once a day, and
// clocks differ.
const (
	forgetDays = 1
	forgetTime = forgetDays*24*time.Hour + 30*time.Minute
)

// GetBucketLifecycleConfiguration has a rule in the Region that forgets.
func (c client) GetBucketLifecycleConfiguration(
	ctx context.Context, in *s3.GetBucketLifecycleConfigurationInput, opts ...func(*s3.Options),
) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	return send(ctx, c, opLifecycle, *in.Bucket, "", opts, func(b *bucket, _ string) (*s3.GetBucketLifecycleConfigurationOutput, error) {
		if b.region != c.w.schedule.profile.forgets {
			return nil, apiError(opLifecycle, http.StatusNotFound, "NoSuchLifecycleConfiguration")
		}
		return &s3.GetBucketLifecycleConfigurationOutput{Rules: []types.LifecycleRule{{
			Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{},
			Expiration:                  &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)},
			NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(forgetDays)},
		}}}, nil
	})
}

// forget does what the rule does: of a key that was deleted long enough ago nothing is
// left.
func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.buckets[w.schedule.profile.forgets]
	if b == nil {
		return
	}
	for _, key := range b.keys() {
		if !b.hidden(key) {
			continue
		}
		list := b.versions[key]
		if at := list[len(list)-1].at; time.Since(at) >= forgetTime {
			w.say("%s forgets %q, deleted at %v", b.region, key, at.Sub(w.began))
			delete(b.versions, key)
			w.forgotten[b.region+" "+key] = forgetting{at, time.Now()}
		}
	}
}

// mayStayWithout says that a Region need not have a key after a comparison: it was deleted
// there, or may have been as far as its bucket tells.
func (w *world) mayStayWithout(region, key string) bool {
	return w.buckets[region].hidden(key) || region == w.schedule.profile.forgets
}

// repairScheduled holds the world against promise (g): the functions that compare bring
// what is missing, and a second comparison finds nothing.
func (w *world) repairScheduled(ctx context.Context) {
	calm := time.Now()
	round := func(n int, again bool) {
		w.wait(max(w.set.Reconcile.Every, uploads.IdleTime)) // also until nobody takes what was killed for somebody at work
		w.forget()
		for _, region := range w.set.Regions {
			a := w.compareAll(fmt.Sprintf("comparison %d", n), region, calm, again, w.schedule.profile.forgets == region, "g")
			w.mu.Lock()
			w.checkCounts(region, a)
			w.mu.Unlock()
		}
		w.tasks.Wait()
	}
	round(0, false)
	round(1, true)
	if w.killTicks("g") {
		round(2, false)
	}
	w.verify(ctx, "verify at last")
	for key, regions := range w.lacking() {
		for _, region := range regions {
			if !w.mayStayWithout(region, key) {
				w.usable("a comparison at last", fmt.Errorf("%q is still missing in %s", key, region))
			}
		}
	}
	w.checkArrival("after a comparison", false)
	w.checkReplicas("after a comparison")
	w.checkForgeries("after a comparison")
}

// checkRepair holds what a comparison writes against promise (g): it replaces nothing,
// nothing that was deleted comes back, and it is of the Region that has had the key for
// longest. What changed since the invocation began it need not have seen. The caller
// holds mu.
func (w *world) checkRepair(p *process, b *bucket, v *version) {
	w.repairs[b.region] = append(w.repairs[b.region], time.Now())
	list := b.versions[v.key]
	if len(list) > 0 && list[len(list)-1].at.Before(p.began) {
		if old := list[len(list)-1]; old.marker {
			w.broken("g", "%s brings back %q, which was deleted in %s", p.id, v.key, b.region)
		} else {
			w.broken("g", "%s replaces %s of %q in %s", p.id, old.id, v.key, b.region)
		}
	}
	if v.begun.Before(p.began) && !v.begun.IsZero() {
		return // another invocation has decided
	}
	if f, forgot := w.forgotten[b.region+" "+v.key]; forgot && f.removed.Before(p.began) && v.of.at.Before(f.deleted) {
		w.broken("g", "%s brings back %q, which was deleted in %s so long ago that nothing tells of it", p.id, v.key, b.region)
	}
	for _, other := range w.set.Others(b.region) {
		if u := w.buckets[other].current(v.key); u != nil && u.shown.Before(p.began) && u.modified.Before(v.of.modified) {
			w.broken("g", "%s copies %s of %q, although %s has had it for longer", p.id, v.of.id, v.key, other)
		}
	}
}

// checkProof holds a comparison that says that it is complete against promise (g): what
// another Region showed all the while, and before, is there, or was deleted there, or
// was counted. The caller holds mu.
func (w *world) checkProof(p *process, a reconcile.Answer) {
	since := a.Began.Add(-reconcile.Grace)
	here := w.buckets[p.region]
	var missing []string
	for _, other := range w.set.Others(p.region) {
		for _, key := range w.buckets[other].keys() {
			v := w.buckets[other].current(key)
			if v == nil || !v.shown.Before(since) || !v.modified.Before(since) || slices.Contains(missing, key) {
				continue
			}
			// A comparison of several ticks may have seen a deletion that is forgotten meanwhile.
			f, forgot := w.forgotten[p.region+" "+key]
			deleted := here.hidden(key) || forgot && !f.removed.Before(a.Began)
			if !here.aliveSince(key, a.Began) && !deleted {
				missing = append(missing, key)
			}
		}
	}
	if len(missing) > int(a.Unrepaired) {
		w.broken("g", "%s says that it has compared everything since %v, and that %d keys are not repaired; %q are missing in %s",
			p.id, a.Began.Sub(w.began), a.Unrepaired, missing, p.region)
	}
}

// checkCounts holds what a comparison that nothing hindered has counted against the
// truth. The caller holds mu.
func (w *world) checkCounts(region string, a reconcile.Answer) {
	certain, possible := int64(0), int64(0)
	for _, key := range w.buckets[region].keys() {
		mine := w.buckets[region].current(key)
		if mine == nil {
			continue
		}
		may, first := false, mine
		for _, other := range w.set.Others(region) {
			v := w.buckets[other].current(key)
			if v == nil {
				continue
			}
			may = may || v.content != mine.content
			if v.modified.Before(first.modified) {
				first = v
			}
		}
		if may {
			possible++
		}
		if first.size != mine.size {
			certain++
		}
	}
	if a.Different < certain || a.Different > possible {
		w.broken("g", "a comparison in %s counts %d keys that differ; at least %d do, and at most %d",
			region, a.Different, certain, possible)
	}
	repaired := int64(0)
	for _, at := range w.repairs[region] {
		if !at.Before(a.Began) {
			repaired++
		}
	}
	if a.Repaired != repaired {
		w.broken("g", "a comparison in %s says that it has repaired %d keys; it has written %d", region, a.Repaired, repaired)
	}
}
