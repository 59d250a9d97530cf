package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Write names a version of a key that a user made, wherever replicas of it are.
// In follow mode the greatest write of a key wins in every Region. All fields are
// read off the version itself and never change.
type Write struct {
	Region    string
	VersionID string
	// Seconds is the version's LastModified in its own Region, since 1970. Of an
	// upload in parts it may be when that began.
	Seconds int64
}

// Order is how two writes of a key compare.
type Order int

// The orders, of the first write to the second.
const (
	// Unordered are two writes of one Region in one second: the stack of that
	// Region tells; see Orders.
	Unordered Order = iota
	Less
	SameWrite
	Greater
)

// Order compares by time, and two of one second by Region.
func (w Write) Order(v Write) Order {
	switch {
	case w == v:
		return SameWrite
	case w.Seconds != v.Seconds:
		return orderOf(cmp.Compare(w.Seconds, v.Seconds))
	}
	return orderOf(strings.Compare(w.Region, v.Region))
}

func orderOf(compared int) Order {
	switch {
	case compared < 0:
		return Less
	case compared > 0:
		return Greater
	}
	return Unordered
}

// Orders compares writes with all that is known besides.
type Orders struct {
	// Stacks are the versions of the key by Region, newest first, for two writes of
	// one Region in one second. Only complete ones may be given.
	Stacks map[string][]Version
	// Contents is what several buckets say of the contents of writes; see ContentsOf.
	// Without it only the two versions compared tell.
	Contents map[Write][]Figures
	// Since is when follow mode was switched on, in seconds since 1970, zero for a
	// set that has always had it. What was made before may be a replica without an
	// entry.
	Since int64
}

// Of compares the writes behind two versions that have been read. It is Unordered
// only if the stack of their Region is not given.
//
// Of versions from before Since at least one of which has no entry, those with the
// same contents are one write, also if S3's figures cannot tell.
func (o Orders) Of(a, b Version) Order {
	order := a.Write.Order(b.Write)
	switch {
	case order == SameWrite, o.sameLegacy(a, b):
		return SameWrite
	case order != Unordered:
		return order
	}
	stack, known := o.Stacks[a.Write.Region]
	if !known {
		return Unordered
	}
	// A write that its origin has destroyed is the lesser one.
	place := func(w Write) int {
		for i, v := range stack {
			if v.ID == w.VersionID {
				return -i
			}
		}
		return -len(stack)
	}
	return orderOf(cmp.Or(cmp.Compare(place(a.Write), place(b.Write)), strings.Compare(a.Write.VersionID, b.Write.VersionID)))
}

// sameLegacy says that two versions are one write of first-write-wins days.
func (o Orders) sameLegacy(a, b Version) bool {
	if !o.legacy(a) || !o.legacy(b) || a.Replica && b.Replica {
		return false
	}
	if a.Write.Region == b.Write.Region {
		return false // two versions of one bucket are two writes
	}
	for _, x := range slices.Concat(o.Contents[a.Write], []Figures{a.Figures}) {
		for _, y := range slices.Concat(o.Contents[b.Write], []Figures{b.Figures}) {
			if result, _ := Compare(x, y); result == Differ {
				return false
			}
		}
	}
	return true
}

// ContentsOf is what S3 says of the contents of writes, in buckets whose register is one
// of them or a replica of one: a replica in parts has another ETag than its write, and
// perhaps a checksum that the write lacks.
func ContentsOf(buckets []Bucket) map[Write][]Figures {
	contents := map[Write][]Figures{}
	for _, b := range buckets {
		if register, ok := b.Register(); ok {
			w := register.Write
			contents[w.Write] = append(contents[w.Write], w.Figures)
		}
	}
	return contents
}

// legacy says that a write is from before follow mode.
func (o Orders) legacy(v Version) bool { return v.Write.Seconds < o.Since }

// mayBeLegacy says it of a version that need not have been read.
func (o Orders) mayBeLegacy(v Version) bool { return v.Modified < o.Since }
