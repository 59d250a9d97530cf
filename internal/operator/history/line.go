package history

import (
	"cmp"
	"slices"
	"time"

	"s3fanout/internal/operator/audit"
	"s3fanout/internal/policy"
)

// What is what an entry is. The values are stable.
type What string

// The kinds of entries.
const (
	Write    What = "write"
	Replica  What = "replica"
	Deletion What = "deletion" // a delete marker
	// Version is one of which nothing tells whether it is a write or a replica: the
	// contents may be those of another Region's.
	Version What = "version"
	// Destroyed is a version or a delete marker that was removed for good; the audit trail
	// alone knows.
	Destroyed What = "destroyed"
)

// Entry is a version or a delete marker.
type Entry struct {
	Region string
	What   What
	// Of is the version that a replica is of, or in another Region the first deletion
	// that this one may follow; zero if it is of none.
	Of VersionRef
	// Certain says that What and Of are read off the version itself. Else contents and
	// times say so.
	Certain bool
	// Current says that it is the newest of its Region.
	Current bool
	// By is who made it, if the audit trail knows.
	By *audit.Event
	policy.Version
}

// VersionRef names a version in a Region.
type VersionRef struct{ Region, VersionID string }

// Time is when it was made, in whole seconds. Of an upload in parts it may be when
// that began.
func (e Entry) Time() time.Time { return time.Unix(e.Modified, 0).UTC() }

// users says that the audit trail knows it to be of a user, and not of the functions or
// of somebody in their role.
func (e Entry) users() bool { return e.By != nil && !e.By.Own && !e.By.Operator }

// Line puts all that the Regions have in order of time, the oldest first. Of one
// second and Region the order is S3's; two Regions' of one second are in the order of
// the set.
func Line(f Facts) []Entry {
	var line []Entry
	for _, r := range f.Regions {
		for i, v := range slices.Backward(r.Stack) {
			e := Entry{Region: r.Region, What: Version, Current: i == 0, Version: v}
			if v.Marker {
				e.What, e.Certain = Deletion, true
			}
			if f.Audit != nil {
				if by, _, ok := f.Audit.By(audit.Version{Region: r.Region, ID: v.ID, Marker: v.Marker, Made: e.Time()}); ok {
					e.By = &by
				}
			}
			line = append(line, e)
		}
	}
	line = append(line, f.destroyed()...)
	slices.SortStableFunc(line, func(a, b Entry) int { return cmp.Compare(a.Modified, b.Modified) })
	for i := range line {
		e := &line[i]
		switch {
		case e.What == Destroyed:
		case e.Marker && e.users(): // somebody deleted it here
		case e.Marker:
			f.follows(line, i)
		case e.Read && e.Replica:
			e.What, e.Certain, e.Of = Replica, true, VersionRef{e.Write.Region, e.Write.VersionID}
		case e.Read && e.Modified >= f.Since:
			e.What, e.Certain = Write, true
		case e.By != nil && e.By.Own: // whatever it is of
			likely(line, i)
			e.What = Replica
		case e.users():
			e.What, e.Certain = Write, true
		default:
			likely(line, i)
		}
	}
	return line
}

// destroyed are the versions that the audit trail knows to have been removed for good.
func (f Facts) destroyed() []Entry {
	if f.Audit == nil {
		return nil
	}
	var gone []Entry
	for _, e := range f.Audit.Events {
		if e.Destroyed() {
			gone = append(gone, Entry{
				Region: e.Region, What: Destroyed, Certain: true, By: &e, Version: policy.Version{ID: e.Named, Modified: e.Time.Unix()},
			})
		}
	}
	return gone
}

// likely finds among what is older the first in another Region that has the same
// contents, and among what is of the same second one that the audit trail knows to be
// a write. Of two that nothing else tells apart in one second, S3 does not say which is
// the older: each may be the write.
func likely(line []Entry, index int) {
	e := &line[index]
	e.What = Write
	for i, o := range line {
		together := o.Modified == e.Modified
		either := together && !o.Certain && o.By == nil && e.By == nil
		switch {
		case i == index || o.Modified > e.Modified:
			continue
		case o.Marker || o.What == Destroyed || o.Region == e.Region:
			continue
		case together && o.By != nil && !o.users(): // likely of this one
			continue
		}
		switch result, _ := policy.Compare(o.Figures, e.Figures); {
		case result == policy.SameSize && (either || i < index), result == policy.Same && either:
			e.What = Version
		case result == policy.Same:
			e.What, e.Of = Replica, VersionRef{o.Region, o.ID}
			if i < index && o.Of != (VersionRef{}) {
				e.Of = o.Of
			}
			return
		}
	}
}

// follows finds the first deletion in another Region of the write that the marker
// hides, where deletions travel. Of the same second are also those that the audit trail
// knows to be users', as in likely.
func (f Facts) follows(line []Entry, index int) {
	e := &line[index]
	write, hides := hidden(f, *e)
	if !f.Rule.Deletions || !hides {
		return
	}
	for i, o := range line {
		switch {
		case i >= index && (o.Modified != e.Modified || !o.users()):
			continue
		case !o.Marker || o.Region == e.Region:
			continue
		}
		if w, ok := hidden(f, o); ok && w == write {
			e.Certain, e.Of = false, VersionRef{o.Region, o.ID}
			if i < index && o.Of != (VersionRef{}) && o.Of.Region != e.Region {
				e.Of = o.Of
			}
			return
		}
	}
}

// hidden is the write of the version right below a delete marker, if it is known.
func hidden(f Facts, marker Entry) (policy.Write, bool) {
	for _, r := range f.Regions {
		if r.Region != marker.Region {
			continue
		}
		i := slices.IndexFunc(r.Stack, func(v policy.Version) bool { return v.ID == marker.ID }) + 1
		if i > 0 && i < len(r.Stack) && r.Stack[i].Read {
			return r.Stack[i].Write, true
		}
	}
	return policy.Write{}, false
}
