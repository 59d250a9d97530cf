package policy

import "slices"

// Version is a version of a key in one bucket, as far as it is known.
type Version struct {
	ID       string
	Marker   bool  // a delete marker, which has nothing of the following but Modified
	Modified int64 // seconds since 1970
	Figures
	// Read says that the version's metadata are known, which a list does not show.
	// Write and Replica are set then.
	Read    bool
	Write   Write
	Replica bool // the version is s3fanout's, not the write itself
}

// ReadAs is the version, in a bucket of the Region, given its metadata's entry,
// which is empty if it has none.
func (v Version) ReadAs(region, key, entry string) Version {
	v.Read, v.Replica = true, false
	v.Write = Write{Region: region, VersionID: v.ID, Seconds: v.Modified}
	if e, ok := ParseEntry(entry); ok && e.Binds(key, v.Modified, v.ETag) {
		v.Write, v.Replica = e.Write, true
	}
	return v
}

// is says that the version is that write itself, which its place shows without
// its metadata being read.
func (v Version) is(w Write, region string) bool {
	return !v.Marker && w.Region == region && v.ID == w.VersionID && v.Modified == w.Seconds
}

// Bucket is what is known of a key in one bucket.
type Bucket struct {
	Region   string
	Presence Presence
	// Current is the current version, read, if it is Present.
	Current Version
	// Listed says that Stack is known: the key's versions and delete markers,
	// newest first. More says that it goes on.
	Listed, More bool
	Stack        []Version
}

// shows says that the bucket has an object to show.
func (b Bucket) shows() bool { return b.Presence == Present }

// changed says that the list was of something else than the look.
func (b Bucket) changed() bool {
	switch {
	case !b.Listed:
		return false
	case len(b.Stack) == 0:
		return b.Presence != Absent
	case b.shows():
		return b.Stack[0].Marker || b.Stack[0].ID != b.Current.ID
	}
	return b.Presence == Deleted && !b.Stack[0].Marker
}

// hidden are the places in the stack of what was deleted: the versions directly
// under delete markers. What is further down was written over.
func (b Bucket) hidden() []int {
	var indexes []int
	for i := 1; i < len(b.Stack); i++ {
		if b.Stack[i-1].Marker && !b.Stack[i].Marker {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// top is the place of the newest version that is no marker; -1 if there is none.
func (b Bucket) top() int {
	return slices.IndexFunc(b.Stack, func(v Version) bool { return !v.Marker })
}

// Register is what a bucket says of a key: the greatest write that reached it, and
// whether that is deleted.
type Register struct {
	Write   Version // read
	Deleted bool
}

// Register is the bucket's; false if it has none: because it never had the key, or
// because it shows a marker and Stack does not tell what that hides.
func (b Bucket) Register() (Register, bool) {
	switch {
	case b.shows():
		return Register{Write: b.Current}, true
	case b.Presence != Deleted || !b.Listed || b.changed():
		return Register{}, false
	}
	i := b.top()
	if i < 0 || !b.Stack[i].Read {
		return Register{}, false
	}
	return Register{Write: b.Stack[i], Deleted: true}, true
}

// Registers compares two registers: a greater write is greater, and of one write
// that it is deleted.
func (o Orders) Registers(a, b Register) Order {
	order := o.Of(a.Write, b.Write)
	switch {
	case order != SameWrite || a.Deleted == b.Deleted:
		return order
	case a.Deleted:
		return Greater
	}
	return Less
}
