package verify

import (
	"context"
	"errors"
	"maps"

	"s3fanout/internal/aws/registers"
	"s3fanout/internal/policy"
)

// follows says whether a key is followed, and its deletions with it.
func (r *run) follows(key string) (deletions, follows bool) {
	if r.options.Follow == nil {
		return false, false
	}
	follows, deletions = r.options.Follow(key)
	return deletions, follows
}

// lookFor looks at a key in all Regions, as the rule that it is under wants it.
func (r *run) lookFor(ctx context.Context, key string, w *watch) ([]policy.State, error) {
	deletions, follows := r.follows(key)
	if !follows {
		return r.look(ctx, key)
	}
	states, standing, behind, err := r.stand(ctx, key, deletions)
	w.standing, w.outdated = &standing, behind
	return states, err
}

// stand looks at a key that is followed in all Regions at once, and says how it
// stands, with the tags where they are compared. behind are the places whose deletion the
// latest write comes after.
func (r *run) stand(ctx context.Context, key string, deletions bool) (
	states []policy.State, standing policy.Standing, behind []int, err error,
) {
	buckets := make([]registers.Bucket, len(r.options.Buckets))
	for i, b := range r.options.Buckets {
		buckets[i] = registers.Bucket{Region: b.Region, Name: b.Name, Client: b.Client}
	}
	sights := make([]registers.Sight, len(buckets))
	states = make([]policy.State, len(buckets))
	err = r.everywhere(ctx, func(ctx context.Context, i int) (err error) {
		sights[i], err = registers.Look(ctx, buckets[i], key)
		r.heads.Add(int64(sights[i].Heads))
		r.lists.Add(int64(sights[i].Lists))
		if err != nil {
			return err
		}
		r.clock.recordDate(sights[i].Date)
		states[i] = sights[i].State()
		if !states[i].Here() {
			return nil
		}
		r.clock.recordObject(states[i].Modified)
		if r.options.Tags {
			states[i].Tags, err = r.tagsOf(ctx, r.options.Buckets[i], key)
			if errors.Is(err, errGone) { // after the look: another one follows where that matters
				states[i].Tags, err = nil, nil
			}
		}
		return err
	})
	if err != nil {
		return nil, policy.Standing{}, nil, err
	}
	standing, orders, lists, err := registers.Stand(ctx, buckets, sights, key, r.options.FollowSince, deletions)
	r.lists.Add(int64(lists))
	if err != nil || len(standing.Missing)+len(standing.Stale) == 0 {
		return states, standing, nil, err
	}
	if greatest, _ := sights[standing.Greatest].Register(); greatest.Write.Replica {
		destroyed, heads, err := registers.Destroyed(ctx, buckets, key, greatest.Write.Write)
		r.heads.Add(int64(heads))
		if err != nil {
			return nil, standing, nil, err
		}
		standing.Destroyed = destroyed
	}
	seen := registers.Seen{Standing: standing, Orders: orders, Sights: sights}
	for _, i := range standing.Hidden {
		if seen.At(i) == policy.StatusMissing {
			behind = append(behind, i)
		}
	}
	return states, standing, behind, nil
}

// stand is what it comes to how a key stands. Tags are compared with those of the
// latest write, where everybody has that. behind is as run.stand has it.
func stand(s policy.Standing, states []policy.State, behind []int) verdict {
	gone := true
	for _, state := range states {
		gone = gone && !state.Here()
	}
	v := verdict{gone: gone}
	if gone {
		return v
	}
	if len(s.Missing) > 0 {
		why := "absent"
		switch {
		case s.Destroyed:
			why = "destroyed"
		case len(s.Hidden) > 0:
			why = "deleted"
		}
		v.findings = append(v.findings, finding{Missing, s.Missing, why, behind})
	}
	if len(s.Stale) > 0 {
		why := "stale"
		if s.Destroyed {
			why = "destroyed"
		}
		v.findings = append(v.findings, finding{kind: Different, indexes: s.Stale, why: why})
	}
	if len(s.Undeleted) > 0 {
		v.findings = append(v.findings, finding{kind: Undeleted, indexes: s.Undeleted, why: "deleted"})
	}
	if len(v.findings) > 0 || s.Greatest < 0 || states[s.Greatest].Tags == nil {
		return v
	}
	tags := finding{kind: Different, why: "tags"}
	for i, state := range states {
		if state.Tags != nil && !maps.Equal(state.Tags, states[s.Greatest].Tags) {
			tags.indexes = append(tags.indexes, i)
		}
	}
	if len(tags.indexes) > 0 {
		v.findings = append(v.findings, tags)
	}
	return v
}
