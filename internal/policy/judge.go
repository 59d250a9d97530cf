package policy

import (
	"cmp"
	"slices"
	"time"
)

// Verdict is what the states of a key in several buckets come to. Places are
// indexes of the states. The zero value is that all known buckets have the same.
type Verdict struct {
	Nowhere bool  // no known bucket has an object
	Absent  []int // places without an object
	Deleted []int // those of Absent where a delete marker hides the key
	// Different are the places whose object certainly is another one than the
	// original or another of the same. Why is a word for how the first differs:
	// size, checksum, etag or tags.
	Different []int
	Why       string
	// SizeOnly says that nothing is known to differ, but that not all contents
	// could be compared.
	SizeOnly bool
}

// Judge compares the states of a key, however old they are. The first write wins,
// so what was written first is taken for the original.
func Judge(states []State) Verdict {
	if sameEverywhere(states) {
		return Verdict{} // as nearly always
	}
	var v Verdict
	var present []int
	for i, s := range states {
		switch s.Presence {
		case Present:
			present = append(present, i)
		case Deleted:
			v.Deleted = append(v.Deleted, i)
			fallthrough
		case Absent:
			v.Absent = append(v.Absent, i)
		}
	}
	if len(present) == 0 {
		v.Nowhere = true
		return v
	}
	slices.SortStableFunc(present, func(i, j int) int { return states[i].Modified.Compare(states[j].Modified) })
	for n, i := range present {
		for _, j := range present[:n] {
			if slices.Contains(v.Different, j) {
				continue
			}
			if result, why := compare(states[j], states[i]); result == Differ {
				v.Different = append(v.Different, i)
				v.Why = cmp.Or(v.Why, why)
				break
			}
		}
	}
	slices.Sort(v.Different)
	v.SizeOnly = len(v.Different) == 0 && len(Groups(states)) > 1
	return v
}

// sameEverywhere says that every bucket has an object, the first one's.
func sameEverywhere(states []State) bool {
	for i := range states {
		if !states[i].Here() {
			return false
		}
		if result, _ := compare(states[0], states[i]); result != Same {
			return false
		}
	}
	return len(states) > 0
}

// Original is the place of the object that was written first, the first of
// several; -1 if there is no object.
func Original(states []State) int {
	oldest, written := -1, time.Time{}
	for i, s := range states {
		if s.Here() && (oldest < 0 || s.Modified.Before(written)) {
			oldest, written = i, s.Modified
		}
	}
	return oldest
}

// Behind says that a place lacks what others have, or certainly has another
// object than the newest. One where the key was deleted after that was written is
// not behind but ahead.
func Behind(states []State, index int) bool {
	newest, written := -1, time.Time{}
	for i, s := range states {
		if s.Here() && (newest < 0 || s.Modified.After(written)) {
			newest, written = i, s.Modified
		}
	}
	if newest < 0 || newest == index {
		return false
	}
	switch s := states[index]; s.Presence {
	case Absent:
		return true
	case Deleted:
		return !s.DeletedSince(written)
	case Present:
		result, _ := compare(s, states[newest])
		return result == Differ
	}
	return false
}

// Groups partitions the places that have an object by contents, those with the
// oldest object first. Tags do not count.
func Groups(states []State) [][]int {
	var found [][]int
	for i, s := range states {
		if !s.Here() {
			continue
		}
		// An object can tell of two that could not be compared that they are the
		// same: as one has its ETag, and the other its checksum.
		joined, rest := []int{i}, [][]int(nil)
		for _, g := range found {
			if slices.ContainsFunc(g, func(j int) bool { return same(s, states[j]) }) {
				joined = append(joined, g...)
			} else {
				rest = append(rest, g)
			}
		}
		slices.Sort(joined)
		rest = append(rest, joined)
		found = rest
	}
	slices.SortStableFunc(found, func(g, h []int) int {
		return cmp.Or(Written(states, g).Compare(Written(states, h)), cmp.Compare(g[0], h[0]))
	})
	return found
}

func same(a, b State) bool {
	result, _ := Compare(a.Figures, b.Figures)
	return result == Same
}

// Written is when the first of a group's objects was written; the others are its
// replicas, as far as times tell.
func Written(states []State, group []int) time.Time {
	first := states[group[0]].Modified
	for _, i := range group[1:] {
		if t := states[i].Modified; t.Before(first) {
			first = t
		}
	}
	return first
}

// LastWritten is when the key was last written by somebody, not replicated, as
// far as times tell; zero if no place has an object.
func LastWritten(states []State, groups [][]int) time.Time {
	var last time.Time
	for _, g := range groups {
		if t := Written(states, g); t.After(last) {
			last = t
		}
	}
	return last
}
