package main

import (
	"slices"
)

// series are the figures of several rounds.
type series []float64

// spread is the least, the middle and the greatest of a series.
type spread struct{ least, median, most float64 }

func (s series) spread() (spread, bool) {
	if len(s) == 0 {
		return spread{}, false
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := sorted[len(sorted)/2]
	if len(sorted)%2 == 0 {
		middle = (sorted[len(sorted)/2-1] + middle) / 2
	}
	return spread{sorted[0], middle, sorted[len(sorted)-1]}, true
}

// figures returns a contestant's figures, by round; none if it has not all.
func (r result) figures(contestant int, metric string) series {
	var out series
	for _, s := range r.samples[contestant] {
		v, ok := s[metric]
		if !ok {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// beside returns our figures of the rounds that another contestant ran too.
func (r result) beside(contestant int, metric string) series {
	ours := r.figures(0, metric)
	if theirs := r.samples[contestant]; theirs != nil && len(theirs) < len(ours) {
		ours = ours[:len(theirs)]
	}
	return ours
}

// ratios compares ours with another's, round by round: what the machine was
// busy with in a round hits both.
func (r result) ratios(contestant int, m metric) series {
	ours, theirs := r.figures(0, m.key), r.figures(contestant, m.key)
	if contestant == 0 || len(ours) < len(theirs) || !r.contest.contestants[contestant].once && len(ours) != len(theirs) {
		return nil
	}
	var out series
	for i := range theirs {
		a, b := ours[i], theirs[i]
		if m.ratio == theirsToOurs {
			a, b = b, a
		}
		if b == 0 {
			return nil
		}
		out = append(out, a/b)
	}
	return out
}

// meets says whether medians are what was aimed at, and whether that was
// measured at all.
func (r result) meets(t target) (met, measured bool) {
	met = true
	check := func(s series) {
		if sp, ok := s.spread(); ok {
			measured = true
			met = met && sp.median >= t.atLeast && (t.atMost == 0 || sp.median <= t.atMost)
		}
	}
	if len(t.against) == 0 {
		check(r.figures(0, t.metric))
		return met, measured
	}
	for i, c := range r.contest.contestants {
		if slices.Contains(t.against, c.name) {
			check(r.ratios(i, r.contest.metric(t.metric)))
		}
	}
	return met, measured
}

func (c contest) metric(key string) metric {
	return c.metrics[slices.IndexFunc(c.metrics, func(m metric) bool { return m.key == key })]
}
