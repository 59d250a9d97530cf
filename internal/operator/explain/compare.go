package explain

import (
	"maps"
	"slices"
	"time"

	"s3fanout/internal/policy"
)

// states are what the Regions have, without the tags, of which not all may be
// known.
func states(f Facts) []policy.State {
	list := make([]policy.State, len(f.Regions))
	for i, r := range f.Regions {
		switch {
		case r.Err != nil:
		case r.Object != nil:
			list[i] = policy.State{
				Presence:  policy.Present,
				VersionID: r.Object.VersionID,
				Figures:   r.Object.Figures,
				Modified:  r.Object.Modified,
			}
		case r.Deleted != nil:
			list[i] = policy.State{Presence: policy.Deleted, Modified: r.Deleted.Modified}
		default:
			list[i] = policy.State{Presence: policy.Absent}
		}
	}
	return list
}

// group are Regions whose objects are the same, by their places in the Facts.
type group = []int

// groups are the Regions that have an object by contents, those with the oldest
// object first.
func groups(f Facts) []group { return policy.Groups(states(f)) }

// tagGroups partitions the Regions whose objects' tags are known by them, in the
// order of the Facts, and says whether those of all objects are known.
func tagGroups(f Facts) (found []group, all bool) {
	all = true
	for i, r := range f.Regions {
		if r.Object == nil {
			continue
		}
		if r.Object.Tags == nil {
			all = false
			continue
		}
		n := slices.IndexFunc(found, func(g group) bool { return maps.Equal(f.Regions[g[0]].Object.Tags, r.Object.Tags) })
		if n < 0 {
			found = append(found, group{i})
			continue
		}
		found[n] = append(found[n], i)
	}
	return found, all
}

// oldest is when the first of the group's objects was written.
func oldest(f Facts, g group) time.Time { return policy.Written(states(f), g) }

// newestUpload is when the key was last uploaded anywhere, as far as times tell.
func newestUpload(f Facts, found []group) time.Time { return policy.LastWritten(states(f), found) }

// Origin is what a current version probably is.
type Origin struct {
	// Likely is "upload", "replica", or empty where nothing can be said.
	Likely string
	// Of is the Region that the replica was likely copied from, and After how
	// much later it was written. S3's times are whole seconds.
	Of    string
	After time.Duration
}

// The values of Origin.Likely.
const (
	LikelyUpload  = "upload"
	LikelyReplica = "replica"
)

// Origins says for each Region what its object probably is. An object does not
// carry its writer; but of equal versions in several Regions the oldest was
// probably uploaded, and the others copied from it. It may be one that has been
// overwritten or deleted since. Two oldest of the same second say nothing, and
// neither does an object that no other Region has or had.
func Origins(f Facts) []Origin {
	origins := make([]Origin, len(f.Regions))
	if f.Followed != nil {
		return origins // replicas say whose they are: see Writes
	}
	for _, g := range groups(f) {
		first, where := firstWritten(f, g)
		if len(where) != 1 {
			continue
		}
		for _, i := range g {
			o := f.Regions[i].Object
			switch {
			case i != where[0]:
				origins[i] = Origin{Likely: LikelyReplica, Of: f.Regions[where[0]].Region, After: o.Modified.Sub(first)}
			case o.Modified.Equal(first) && len(g) > 1:
				origins[i].Likely = LikelyUpload
			}
		}
	}
	return origins
}

// firstWritten finds the oldest version with the contents of the group, and
// the Regions that wrote it at that time.
func firstWritten(f Facts, g group) (first time.Time, where []int) {
	first = oldest(f, g)
	consider := func(i int, t time.Time) {
		switch {
		case t.Before(first):
			first, where = t, []int{i}
		case t.Equal(first) && !slices.Contains(where, i):
			where = append(where, i)
		}
	}
	for _, i := range g {
		consider(i, f.Regions[i].Object.Modified)
	}
	like := f.Regions[g[0]].Object
	for i, r := range f.Regions {
		for _, v := range r.Versions {
			if v.same(like) {
				consider(i, v.Modified)
			}
		}
	}
	return first, where
}
