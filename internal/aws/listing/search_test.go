package listing

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A search finds the last place that enough keys come after, wherever that is, in few
// rounds, and tells what it knows when it may send no more.
func TestSearchFindsTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(0, 3000).Draw(t, "places")
		end := rapid.IntRange(0, places).Draw(t, "enough come after so many")
		s := newSearch(places)
		switch gate := rapid.IntRange(-2, places-1).Draw(t, "gate"); {
		case gate >= 0:
			s.gate(gate)
		case gate == -2 && places > 0:
			s.last()
		}
		gated, budget := s.gated, rapid.IntRange(0, 60).Draw(t, "budget")
		asked := map[int]bool{}
		for rounds := 0; ; rounds++ {
			tries := s.next(budget)
			if budget -= len(tries); len(tries) == 0 {
				break
			}
			if rounds > 10 {
				t.Fatalf("not found in %d rounds", rounds)
			}
			var enough []bool
			for _, at := range tries {
				if asked[at] || at < 0 || at >= places {
					t.Fatalf("asks for %d, of %d places, after %v", at, places, asked)
				}
				asked[at] = true
				enough = append(enough, at < end)
			}
			if !slices.IsSorted(tries) {
				t.Fatalf("asks for %v", tries)
			}
			s.learn(enough)
		}
		if s.low >= end || s.high < end || s.low >= 0 && !asked[s.low] {
			t.Errorf("enough come after %d and not after %d, want %d", s.low, s.high, end)
		}
		if budget > 0 && !s.small && s.high != s.low+1 {
			t.Errorf("ends between %d and %d, with %d left to ask", s.low, s.high, budget)
		}
		if s.small && !gated {
			t.Error("few keys, though that was not asked")
		}
	})
}

func TestSharesAreEven(t *testing.T) {
	for _, tt := range []struct {
		rest, lead, worth float64
		helpers           int
		want              []float64
	}{
		{math.Inf(1), 2, 6, 1, []float64{0.5}},
		{math.Inf(1), 0, 6, 3, []float64{0.25, 0.5, 0.75}},
		{10, 2, 2, 1, []float64{0.4}},      // 6 and 6
		{10, 2, 2, 2, []float64{0.2, 0.6}}, // 4, 4 and 4
		{10, 2, 4, 7, []float64{0.2, 0.6}}, // for no more than two is it worth it
		{2, 2, 2, 7, []float64{0}},         // the owner has as much to do already
		{0, 0, 2, 7, []float64{0}},
		{3, 0, 2, 7, []float64{0.5}},
	} {
		got := shares(tt.rest, tt.lead, tt.worth, tt.helpers)
		if !slices.EqualFunc(got, tt.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("rest %v, lead %v, %d helpers: cut at %v, want %v", tt.rest, tt.lead, tt.helpers, got, tt.want)
		}
	}
}

// anyKeys are keys of any bytes, some of which look alike.
func anyKeys() *rapid.Generator[[]string] {
	return rapid.SliceOfNDistinct(rapid.OneOf(
		rapid.StringMatching(`logs/20[0-9]{2}/[0-9]{2}`),
		rapid.StringMatching(`[0-9a-f]{1,8}`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 8), func(b []byte) string { return string(b) }),
		rapid.StringN(1, 6, -1),
	), 3, 20, rapid.ID)
}

// Whatever keys are spelled like, places to split are in order and between what they
// have to be between, and what is guessed is a number.
func TestPlacesAreBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := anyKeys().Draw(t, "keys")
		s := newSpelling()
		for _, key := range keys[:rapid.IntRange(0, len(keys)).Draw(t, "known")] {
			s.add(key)
		}
		slices.Sort(keys)
		first, at, end := keys[0], keys[1], keys[2]
		if ratio := s.ratio(first, at, end); math.IsNaN(ratio) || ratio < 0 {
			t.Errorf("the ratio of %q, %q and %q is %v", first, at, end, ratio)
		}
		bounded := rapid.Bool().Draw(t, "bounded")
		points := s.between(0, at, end, bounded)
		last := at
		for i := range points.len() {
			key := points.key(i)
			if key <= last {
				t.Errorf("%q comes after %q", key, last)
			}
			if last = key; bounded && key >= end {
				t.Errorf("%q is not between %q and %q", key, at, end)
			}
			if up := s.upTo(points, i); up[len(up)-1] != key || !slices.IsSorted(up) || up[0] <= at {
				t.Errorf("up to %q: %q", key, up)
			}
		}
	})
}
