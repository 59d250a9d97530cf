package backfill

import (
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/policy"
)

// This file decides and does nothing: what is missing where, and from where it
// comes, by the rule of package policy.

// choice has indexes of members.
type choice struct {
	from int // -1: the oldest
	to   []int
	// opaque says that ETags say nothing of contents.
	opaque bool
}

// plan says what to do about one key.
type plan struct {
	source  int   // -1 if there is none
	targets []int // that lack the key
	// different says that objects under the key are not the same, as far as a
	// listing tells.
	different bool
}

// plan decides about a key that the members have as given.
//
// S3 reports times in whole seconds, so that an original and its replica can
// have the same: then they are the same object.
func (p choice) plan(objects []*listing.Object) plan {
	var few [8]policy.State // most sets are no larger, and there are many keys
	states := few[:0]
	for _, o := range objects {
		states = append(states, p.state(o))
	}
	out := plan{source: policy.Original(states), different: len(policy.Judge(states).Different) > 0}
	if p.from >= 0 {
		out.source = p.from
		if objects[p.from] == nil {
			out.source = -1
		}
	}
	known := policy.Known{}
	if out.source >= 0 {
		known.Source = states[out.source]
	}
	for _, to := range p.to {
		known.Target = states[to]
		if policy.Decide(known).Action == policy.Copy {
			out.targets = append(out.targets, to)
		}
	}
	return out
}

// allSame says whether listings alone tell that all members have the same.
func (p choice) allSame(objects []*listing.Object) bool {
	for _, o := range objects {
		if o == nil || objects[0] == nil {
			return false
		}
		if result, _ := policy.Compare(p.figures(*objects[0]), p.figures(*o)); result != policy.Same {
			return false
		}
	}
	return true
}

// state is what a listing says of a member; nil is that it lacks the key.
func (p choice) state(o *listing.Object) policy.State {
	if o == nil {
		return policy.State{Presence: policy.Absent}
	}
	return policy.State{Presence: policy.Present, Figures: p.figures(*o), Modified: o.Modified}
}

func (p choice) figures(o listing.Object) policy.Figures {
	return policy.Figures{Size: o.Size, ETag: o.ETag, Opaque: p.opaque}
}
