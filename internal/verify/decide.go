package verify

import (
	"cmp"
	"slices"
	"time"

	"s3fanout/internal/contents"
)

// state is what a HEAD says of a key in one Region.
type state struct {
	present   bool
	deleted   bool // not present, as a delete marker hides it
	versionID string
	contents.Figures
	modified time.Time
}

// verdict is what the states of a key come to. Without any of its fields, they
// are the same.
type verdict struct {
	findings []finding
	sizeOnly bool          // nothing but the sizes could be compared
	gone     bool          // nobody has it
	young    time.Duration // look again, after this time at the latest
}

// finding is one way in which a key is not the same everywhere.
type finding struct {
	kind   Kind
	places []int // of the states that lack it or differ
	why    string
}

// longestUpload is for how long after its date an object in parts can be new.
const longestUpload = 24 * time.Hour

// decide judges a key by its states in all Regions. began is when it was first
// seen not to be the same everywhere.
func decide(states []state, began, now time.Time, grace time.Duration) verdict {
	var v verdict
	var present, absent []int
	var newest time.Time
	for i, s := range states {
		if !s.present {
			absent = append(absent, i)
			continue
		}
		present = append(present, i)
		if t := written(s, began); t.After(newest) {
			newest = t
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
			result, why := contents.Compare(states[j].Figures, states[i].Figures)
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
	if len(v.findings) == 0 {
		return v
	}
	v.sizeOnly = false
	// Without a grace not even a date in the future counts: clocks differ.
	if age := now.Sub(newest); grace > 0 && age < grace {
		return verdict{young: grace - age}
	}
	return v
}

// written is when a version may have become visible at the latest. The date of
// an object that was uploaded in parts is when its upload began
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html),
// so that it can be new hours later; it is taken to have come when it was seen.
func written(s state, began time.Time) time.Time {
	if s.InParts() && s.modified.Before(began) && began.Sub(s.modified) < longestUpload {
		return began
	}
	return s.modified
}
