package policy

import (
	"strings"
	"time"
)

// Expiry is what a lifecycle rule of a bucket deletes. What S3 deletes by a rule is
// no deletion that others follow, and nothing tells its delete markers from a user's
// but their dates.
type Expiry struct {
	// Prefix, Least and Under choose objects: those with the prefix, of Least bytes or
	// more and, if Under is not zero, of fewer than Under. Tagged says that tags
	// choose as well, which nobody asks for here: the rule may be for any object then.
	Prefix       string
	Least, Under int64
	Tagged       bool
	// Days after which, or the Date at which, a current version is hidden; zero for
	// neither.
	Days int
	Date time.Time
	// Noncurrent days after it was hidden a version is destroyed; zero for never.
	Noncurrent int
	// Markers says that delete markers are removed under which nothing is left. A
	// rule with Days or a Date does so too.
	Markers bool
}

// Expiries are the rules of a bucket.
type Expiries []Expiry

const day = 24 * time.Hour

// MayHaveHidden reports whether a rule may have made the delete marker, made at a
// time, that hides a version of a size that was written at another.
func (l Expiries) MayHaveHidden(key string, size int64, written, hidden time.Time) bool {
	for _, e := range l {
		// A rule acts some days after the write, from the next midnight on, and never
		// earlier (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html).
		switch {
		case !e.chooses(key, size):
		case e.Days > 0 && !hidden.Before(written.Add(time.Duration(e.Days)*day)):
			return true
		case !e.Date.IsZero() && !hidden.Before(e.Date):
			return true
		}
	}
	return false
}

// MayHaveForgotten reports whether the bucket may have had a key that others have
// since a time, and have had it deleted, by a user or a rule, so long ago that its
// rules have left no trace of it.
func (l Expiries) MayHaveForgotten(key string, size int64, written, now time.Time) bool {
	destroys, clears := false, false
	for _, e := range l {
		if !e.chooses(key, size) {
			continue
		}
		destroys = destroys || e.Noncurrent > 0 && !now.Before(written.Add(time.Duration(e.Noncurrent)*day))
		clears = clears || e.Markers || e.Days > 0 || !e.Date.IsZero()
	}
	return destroys && clears
}

func (e Expiry) chooses(key string, size int64) bool {
	return strings.HasPrefix(key, e.Prefix) && size >= e.Least && (e.Under == 0 || size < e.Under)
}
