// Package policy decides what is right where buckets do not have the same under
// a key, and what makes it so. There are two rules, and a key is under one of them.
//
// By default the first write of a key wins in each Region: a key that a bucket has
// is never replaced, what was written first is taken for the original, and neither
// overwrites nor deletions travel. Decide is about one source and one target, Judge
// about all buckets.
//
// In follow mode the greatest write wins in every Region, and so does its deletion.
// DecideFollow is about one source and one target. Replicas carry an Entry that
// names their Write; Orders compares writes, and Registers what buckets say of a
// key.
//
// All of it takes and returns values; nothing here does I/O or asks for the time.
// Who copies, deletes, backfills, compares or explains asks this package and knows
// no rule of its own.
package policy

import (
	"maps"
	"time"
)

// Presence is what a bucket shows under a key.
type Presence int

// The kinds of presence.
const (
	Unknown Presence = iota // nobody has asked, or S3 did not tell
	Absent
	Deleted // absent, because a delete marker is the newest version
	Present
)

// State is what is known of a key in one bucket. The zero value is that nothing
// is.
type State struct {
	Presence  Presence
	VersionID string // of the object; empty if unknown
	Figures          // of the object
	// Modified is the date of the object, of one that was uploaded in parts when
	// that began, or the date of the delete marker; zero if unknown.
	Modified time.Time
	// Tags are the object's; nil if they are not known.
	Tags map[string]string
}

// Here says that there is an object.
func (s State) Here() bool { return s.Presence == Present }

// DeletedSince says of a deleted key that it was deleted after a write of that
// date, so that its absence is what somebody wanted. It is where the delete
// marker's date is not known.
func (s State) DeletedSince(written time.Time) bool {
	return s.Presence == Deleted && (s.Modified.IsZero() || !s.Modified.Before(written))
}

// Equal says that two looks at a bucket saw the same.
func (s State) Equal(t State) bool {
	return s.Presence == t.Presence && s.VersionID == t.VersionID && s.ETag == t.ETag && s.Size == t.Size &&
		maps.Equal(s.Tags, t.Tags) && (!s.Here() || s.Modified.Equal(t.Modified))
}

// compare compares two objects, and their tags where both are known.
func compare(a, b State) (Result, string) {
	result, why := Compare(a.Figures, b.Figures)
	if result != Differ && a.Tags != nil && b.Tags != nil && !maps.Equal(a.Tags, b.Tags) {
		return Differ, "tags"
	}
	return result, why
}
