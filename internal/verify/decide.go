package verify

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"s3fanout/internal/contents"
)

// state is what is known of a key in one Region.
type state struct {
	present   bool
	deleted   bool // not present, as a delete marker hides it
	versionID string
	contents.Figures
	// modified is the date of the object or, once somebody asked for it, of the
	// delete marker.
	modified time.Time
	tags     map[string]string // nil unless they are compared
}

// equal says that nothing has happened to the key in a Region between two looks.
func (s state) equal(t state) bool {
	return s.present == t.present && s.deleted == t.deleted && s.versionID == t.versionID && s.ETag == t.ETag && s.Size == t.Size &&
		maps.Equal(s.tags, t.tags) && (!s.present || s.modified.Equal(t.modified))
}

// verdict is what the states of a key come to. Without any of its fields, they
// are the same.
type verdict struct {
	findings []finding
	sizeOnly bool          // nothing but the sizes could be compared
	gone     bool          // no Region has it
	young    time.Duration // look again, after this time at the latest
}

// finding is one way in which a key is not the same everywhere.
type finding struct {
	kind   Kind
	places []int // of the states that lack it or differ
	why    string
}

// compare compares the states of a key, however new they are.
func compare(states []state) verdict {
	var v verdict
	var present, absent []int
	for i, s := range states {
		if s.present {
			present = append(present, i)
		} else {
			absent = append(absent, i)
		}
	}
	if len(present) == 0 {
		return verdict{gone: true}
	}
	if len(absent) > 0 {
		why := "absent"
		if slices.ContainsFunc(absent, func(i int) bool { return states[i].deleted }) {
			why = "deleted"
		}
		v.findings = append(v.findings, finding{Missing, absent, why})
	}
	// What was written first is taken for the original.
	slices.SortStableFunc(present, func(i, j int) int { return states[i].modified.Compare(states[j].modified) })
	unequal := finding{kind: Different}
	for n, i := range present {
		for _, j := range present[:n] {
			if slices.Contains(unequal.places, j) {
				continue
			}
			result, why := compareTwo(states[j], states[i])
			v.sizeOnly = v.sizeOnly || result == contents.SameSize
			if result == contents.Differ {
				unequal.places = append(unequal.places, i)
				unequal.why = cmp.Or(unequal.why, why)
				break
			}
		}
	}
	slices.Sort(unequal.places)
	if len(unequal.places) > 0 {
		v.findings = append(v.findings, unequal)
	}
	v.sizeOnly = v.sizeOnly && len(v.findings) == 0
	return v
}

// compareTwo compares two objects, and their tags where both are known.
func compareTwo(a, b state) (contents.Result, string) {
	result, why := contents.Compare(a.Figures, b.Figures)
	if result != contents.Differ && !maps.Equal(a.tags, b.tags) {
		return contents.Differ, "tags"
	}
	return result, why
}
