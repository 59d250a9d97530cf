package undelete

import (
	"time"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/policy"
)

// This file decides and does nothing: what was deleted in a span of time, whether
// it is to come back, and which version of it.

// Span is a span of time, both ends included. S3 tells times in whole seconds, and
// so does the span: the seconds in which it begins and ends belong to it, also on
// servers that tell fractions.
type Span struct{ Since, Until time.Time }

// before and after say that a time is outside.
func (s Span) before(t time.Time) bool { return t.Before(s.Since.Truncate(time.Second)) }
func (s Span) after(t time.Time) bool  { return t.Truncate(time.Second).After(s.Until) }

// holds says that a whole deletion is within the span.
func (s Span) holds(d *listing.Deletion) bool { return !s.before(d.First) && !s.after(d.Last) }

// verdict is what becomes of a key.
type verdict int

const (
	untouched verdict = iota // nothing of it was deleted in the span
	earlier                  // it was deleted before the span as well, and stays so
	later                    // it was deleted again after the span, and stays so
	lost                     // no version of it is left where it was deleted
	restore                  // it comes back
	recreated                // another Region has something newer, which stays
)

// rule says by which rule the set decides between versions.
type rule struct {
	// follows says that the greatest write wins, and not the first.
	follows bool
	// opaque says that ETags say nothing of contents.
	opaque bool
}

// decide is about a key that the Regions have as listed, nil for nothing. place
// is that of the version to bring back.
//
// A key is deleted once, however many Regions tell of it: in the Region of a user
// who deletes, and in follow mode by the functions in the others. So what was
// deleted before the span in one Region was not deleted within it by a function
// that was late.
func (r rule) decide(span Span, objects []*listing.Object) (v verdict, source int) {
	source = -1
	var chosen *listing.Object
	for i, o := range objects {
		if o == nil || o.Deletion == nil {
			continue
		}
		first, last := o.Deletion.First, o.Deletion.Last
		switch {
		case span.after(first), span.before(last):
		case span.before(first):
			v = max(v, earlier)
		case span.after(last):
			v = max(v, later)
		case o.VersionID == "":
			v = max(v, lost)
		case chosen == nil || r.preferred(o, chosen):
			v, source, chosen = restore, i, o
		}
	}
	if v != restore {
		return v, -1
	}
	for _, o := range objects {
		switch {
		case o == nil || o == chosen || o.VersionID == "": // nothing, or nothing but markers
		case o.Deletion != nil && r.same(o, chosen) && span.before(o.Deletion.First):
			return earlier, -1
		case o.Deletion == nil && r.newer(o, chosen):
			return recreated, -1
		}
	}
	return restore, source
}

// undecided says that listings do not tell which write of a key is the latest: where
// all Regions that have versions hide the same for certain, they do; unless one did so
// within the span and another outside of it, which may have been other writes with
// the same bytes.
func (r rule) undecided(span Span, v verdict, objects []*listing.Object) bool {
	if !r.follows || v == untouched {
		return false
	}
	var first *listing.Object
	within, outside := false, false
	for _, o := range objects {
		switch {
		case o == nil || o.VersionID == "":
		case o.Deletion == nil:
			return true
		case first != nil && r.compare(o, first) != policy.Same:
			return true
		default:
			first = o
			within, outside = within || span.holds(o.Deletion), outside || !span.holds(o.Deletion)
		}
	}
	return within && outside
}

// newer says that what a Region shows is not to be replaced by a version that was
// deleted elsewhere. Where overwrites travel, what is brought back would replace
// it: it has to be the same that was deleted, and there before. Else it stays
// anyway, unless what is brought back comes before what was written since.
func (r rule) newer(shown, deleted *listing.Object) bool {
	since := shown.Modified.After(deleted.Deletion.First)
	if r.follows {
		return since || !r.same(shown, deleted)
	}
	return since && !r.same(shown, deleted)
}

// preferred says that one deleted version is to come back rather than another: the
// one that wins if they are not the same, and of the same the first, which is
// where it was written.
func (r rule) preferred(a, b *listing.Object) bool {
	if r.follows && !r.same(a, b) {
		return a.Modified.After(b.Modified)
	}
	return a.Modified.Before(b.Modified)
}

// same says that two versions may have the same contents, as far as a listing tells.
func (r rule) same(a, b *listing.Object) bool { return r.compare(a, b) != policy.Differ }

func (r rule) compare(a, b *listing.Object) policy.Result {
	figures := func(o *listing.Object) policy.Figures {
		return policy.Figures{Size: o.Size, ETag: o.ETag, Opaque: r.opaque}
	}
	result, _ := policy.Compare(figures(a), figures(b))
	return result
}
