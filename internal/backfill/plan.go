package backfill

import (
	"s3fanout/internal/contents"
	"s3fanout/internal/listing"
)

// This file decides and does nothing: what is missing where, and from where it
// comes.

// places are indexes of members.
type places struct {
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
func (p places) plan(objects []*listing.Object) plan {
	oldest := -1
	for i, o := range objects {
		if o != nil && (oldest < 0 || o.Modified.Before(objects[oldest].Modified)) {
			oldest = i
		}
	}
	out := plan{source: oldest}
	if p.from >= 0 {
		out.source = p.from
		if objects[p.from] == nil {
			out.source = -1
		}
	}
	for _, to := range p.to {
		if objects[to] == nil {
			out.targets = append(out.targets, to)
		}
	}
	for _, o := range objects {
		if o != nil && p.differ(*o, *objects[oldest]) {
			out.different = true
		}
	}
	return out
}

// differ says that two objects certainly have different contents.
func (p places) differ(a, b listing.Object) bool {
	result, _ := contents.Compare(p.figures(a), p.figures(b))
	return result == contents.Differ
}

func (p places) figures(o listing.Object) contents.Figures {
	return contents.Figures{Size: o.Size, ETag: o.ETag, Opaque: p.opaque}
}
