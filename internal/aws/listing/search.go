package listing

import "slices"

const (
	// probesAtOnce are sent side by side while nothing is known about where keys end.
	probesAtOnce = 2
	// probesOfMany are sent side by side once many keys are known to come, of which
	// nobody walks through most yet.
	probesOfMany = 4
)

// search narrows down where the keys of a range end, among places in order: after low
// come enough keys, after high do not.
type search struct {
	low, high int
	tries     []int // to probe next, in order
	atOnce    int
	gated     bool // the first try says whether it is worth going on
	whole     bool // if a whole page comes after it
	small     bool // it was not
	many      bool // it was
}

// newSearch looks among so many places, between none of which much is known.
func newSearch(places int) search {
	return search{low: -1, high: places, tries: spread(-1, places, probesAtOnce), atOnce: probesAtOnce}
}

// gate has the search end, as small, if not enough keys come after a place.
func (s *search) gate(place int) {
	s.tries, s.gated = append([]int{place}, spread(place, s.high, probesAtOnce-1)...), true
}

// last has the search begin with the last place, as keys probably come after it.
func (s *search) last() { s.tries = []int{s.high - 1} }

// next is up to n places to probe; none ends the search.
func (s *search) next(n int) []int {
	s.tries = s.tries[:min(n, len(s.tries))]
	return s.tries
}

// learn says after which of the places that next named enough keys come. Were keys
// written meanwhile, the first one after which there were not counts.
func (s *search) learn(enough []bool) {
	if s.small = s.gated && !enough[0]; s.small {
		s.tries = nil
		return
	}
	if s.gated {
		s.gated, s.many, s.atOnce = false, true, probesOfMany
	}
	if first := slices.Index(enough, false); first >= 0 {
		s.high, s.tries = s.tries[first], s.tries[:first]
	}
	if n := len(s.tries); n > 0 {
		s.low = s.tries[n-1]
	}
	s.tries = spread(s.low, s.high, s.atOnce)
}

// shares is at which parts of the rest of a range to cut it for up to so many who help its
// owner, who has a lead to walk through before the rest: then all have the same to do,
// and no less than is worth it. There is always one cut.
func shares(rest, lead, worth float64, helpers int) []float64 {
	if rest <= lead {
		return []float64{0}
	}
	if n := (rest + lead) / worth; n < float64(helpers+1) {
		helpers = max(1, int(n)-1)
	}
	var cuts []float64
	each := (1 + lead/rest) / float64(helpers+1)
	for i := range helpers {
		cuts = append(cuts, max(0, each*float64(i+1)-lead/rest))
	}
	return cuts
}

// spread is up to n places between two others, at even distances.
func spread(low, high, n int) []int {
	n = min(n, high-low-1)
	var all []int
	for i := range n {
		all = append(all, low+(i+1)*(high-low)/(n+1))
	}
	return all
}
