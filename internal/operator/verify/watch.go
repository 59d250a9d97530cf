package verify

import (
	"slices"
	"time"

	"s3fanout/internal/policy"
)

// longestUpload is for how long after its date an object in parts can be new.
const longestUpload = 24 * time.Hour

// mostGraces is for how many graces a key is looked at that does not come to
// rest. After the first one a Region that has stood still can be named; the
// second one is for those that began to stand still meanwhile.
const mostGraces = 2

// watch is what was seen of a key in several looks. It decides when there is
// no use in looking again. All times are S3's.
type watch struct {
	began  time.Time      // of the first look
	now    time.Time      // of the last one
	states []policy.State // as of the last one
	// changed is when a Region was seen to have changed, zero if it was not.
	changed []time.Time
	// behind is since when a Region has not changed and has been without what
	// others have, zero if it is not.
	behind []time.Time
	// undated is, for a Region that does not tell when a key was deleted, when the
	// comparison began; else zero.
	undated []time.Time
	// standing is how the key stands, as of the last look, if it is followed.
	standing *policy.Standing
	outdated []int // the places whose deletion the latest write comes after
}

// see takes note of a look. listed says for the first one which Regions had the
// key when they were listed.
func (w *watch) see(states []policy.State, listed []bool, now time.Time) {
	first := w.states == nil
	if first {
		w.began = now
		w.changed = make([]time.Time, len(states))
		w.behind = make([]time.Time, len(states))
		w.undated = make([]time.Time, len(states))
	}
	before := w.states
	w.now, w.states = now, states
	for i := range states {
		s := &states[i]
		if !first && s.Presence == policy.Deleted && before[i].Presence == policy.Deleted {
			s.Modified = before[i].Modified // that of the marker, if it is known
		}
		switch {
		case first && listed[i] && !s.Here(), !first && !s.Equal(before[i]):
			w.changed[i] = now
			w.behind[i] = time.Time{}
		}
		if !w.isBehind(i) {
			w.behind[i] = time.Time{}
		} else if w.behind[i].IsZero() {
			w.behind[i] = now
		}
	}
}

// isBehind says that a Region has not followed the others. One that was seen to
// lose the key has changed later than they did.
func (w *watch) isBehind(i int) bool {
	if s := w.standing; s != nil {
		return slices.Contains(s.Missing, i) || slices.Contains(s.Stale, i) || slices.Contains(s.Undeleted, i)
	}
	return policy.Behind(w.states, i) && (w.states[i].Presence != policy.Absent || w.changed[i].IsZero())
}

// judge says what the looks so far come to.
func (w *watch) judge(grace time.Duration) verdict {
	v := w.compare()
	// Without a grace not even a date in the future counts.
	if len(v.findings) == 0 || grace <= 0 {
		return v
	}
	var newest time.Time
	for i := range w.states {
		if t := w.since(i); t.After(newest) {
			newest = t
		}
	}
	young := grace - w.now.Sub(newest)
	if young <= 0 {
		return v
	}
	// Something is new. It may be rewritten again and again, so what counts from
	// here on is which Regions have not followed for a grace.
	end := mostGraces*grace - w.now.Sub(w.began)
	for _, since := range w.behind {
		if !since.IsZero() {
			end = min(end, grace-w.now.Sub(since))
		}
	}
	if end > 0 {
		return verdict{young: min(young, end)}
	}
	if still := w.still(grace); len(still) > 0 {
		return verdict{findings: still}
	}
	unsettled := finding{kind: Unsettled, why: "changing"}
	for _, f := range v.findings {
		unsettled.indexes = append(unsettled.indexes, f.indexes...)
	}
	slices.Sort(unsettled.indexes)
	return verdict{findings: []finding{unsettled}}
}

// compare is what the last look alone comes to.
func (w *watch) compare() verdict {
	if w.standing != nil {
		return stand(*w.standing, w.states, w.outdated)
	}
	return compare(w.states)
}

// still are the findings about the Regions that have been behind for a grace.
func (w *watch) still(grace time.Duration) []finding {
	if w.standing != nil {
		return w.stillOf(w.compare().findings, grace)
	}
	missing, stale := finding{kind: Missing, why: "absent"}, finding{kind: Different, why: "stale"}
	for i, since := range w.behind {
		switch {
		case since.IsZero() || w.now.Sub(since) < grace:
		case w.states[i].Here():
			stale.indexes = append(stale.indexes, i)
		default:
			missing.indexes = append(missing.indexes, i)
			if w.states[i].Presence == policy.Deleted {
				missing.why = "deleted"
			}
		}
	}
	var list []finding
	for _, f := range []finding{missing, stale} {
		if len(f.indexes) > 0 {
			list = append(list, f)
		}
	}
	return list
}

// stillOf are those of the findings about Regions that have been behind for a grace.
func (w *watch) stillOf(findings []finding, grace time.Duration) []finding {
	var list []finding
	for _, f := range findings {
		f.indexes = slices.DeleteFunc(slices.Clone(f.indexes), func(i int) bool {
			return w.behind[i].IsZero() || w.now.Sub(w.behind[i]) < grace
		})
		if len(f.indexes) > 0 {
			list = append(list, f)
		}
	}
	return list
}

// since is when a Region's state may have come at the latest.
//
// The date of an object that was uploaded in parts is when its upload began
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html),
// so that it can be new hours later; it is taken to have come when it was first
// seen. So is a delete marker whose date is not known yet; one whose date may not
// be asked is taken to have come when the comparison began, since a grace for
// each such key would take days.
func (w *watch) since(i int) time.Time {
	s := w.states[i]
	seen := later(w.began, w.changed[i])
	switch {
	case s.Presence == policy.Absent:
		return w.changed[i]
	case s.Presence == policy.Deleted && s.Modified.IsZero() && !w.undated[i].IsZero():
		return later(w.undated[i], w.changed[i])
	case s.Presence == policy.Deleted && s.Modified.IsZero():
		return seen
	case s.Here() && s.InParts() && s.Modified.Before(seen) && seen.Sub(s.Modified) < longestUpload:
		return seen
	case s.Here() && s.Modified.Before(w.changed[i]):
		return w.changed[i] // as where an older version is the current one again
	}
	return s.Modified
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// markers are the Regions whose delete markers have no known date yet.
func (w *watch) markers() (indexes []int) {
	for i, s := range w.states {
		if s.Presence == policy.Deleted && s.Modified.IsZero() {
			indexes = append(indexes, i)
		}
	}
	return indexes
}
