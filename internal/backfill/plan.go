package backfill

import (
	"strings"

	"s3fanout/internal/listing"
)

// This file decides and does nothing: what is missing where, and from where it
// comes.

// places are indexes of members.
type places struct {
	from int // -1: the oldest
	to   []int
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
		if o != nil && differ(*o, *objects[oldest]) {
			out.different = true
		}
	}
	return out
}

// differ says that two objects certainly have different contents, if neither
// is encrypted with a key of KMS. The ETag of an object that was made of parts
// depends on the parts.
func differ(a, b listing.Object) bool {
	if a.Size != b.Size {
		return true
	}
	parts := strings.Contains(a.ETag, "-") || strings.Contains(b.ETag, "-")
	return !parts && a.ETag != b.ETag
}
