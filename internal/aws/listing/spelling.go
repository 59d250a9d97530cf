package listing

import (
	"math"
	"slices"
	"sort"
	"unicode/utf8"
)

// spelling is what keys were seen to be made of. Between two keys there is room for
// very many others; those that are spelled alike are the ones to expect.
type spelling struct {
	known  [kinds]alphabet
	places []kindSet // kinds that characters have at each place of a key
}

// alphabet is known characters, sorted.
type alphabet []rune

// Kinds of characters. Where keys have digits, they hardly have a to z.
const (
	digit = iota
	upper
	lower
	other
	kinds
)

type kindSet uint8

const allKinds kindSet = 1<<kinds - 1

func kindOf(r rune) int {
	switch {
	case '0' <= r && r <= '9':
		return digit
	case 'A' <= r && r <= 'Z':
		return upper
	case 'a' <= r && r <= 'z':
		return lower
	}
	return other
}

const (
	// mostRunes bounds what is remembered of a kind; a few of each script are enough.
	mostRunes = 64
	// deepest is how many characters of a key are looked at to find a place.
	deepest = 256
	// digits is how many characters are looked at to guess how many keys lie
	// between two.
	digits = 12
)

// common are characters that keys may have though none was seen, far apart: how far
// unknown keys go is sought at these too.
var common = alphabet([]rune("AEIMQUZ_adgjmpsvz~\u00ff\U0010ffff"))

func newSpelling() *spelling {
	s := &spelling{}
	s.known[digit] = alphabet([]rune("0123456789"))
	return s
}

// add notes the characters of a key.
func (s *spelling) add(key string) {
	n := 0
	for _, r := range key {
		if n == deepest {
			return
		}
		kind := kindOf(r)
		if n == len(s.places) {
			s.places = append(s.places, 0)
		}
		s.places[n] |= 1 << kind
		a := &s.known[kind]
		if !a.has(r) && len(*a) < mostRunes && utf8.ValidRune(r) {
			*a = slices.Insert(*a, a.rank(r), r)
		}
		n++
	}
}

// at is which kinds of characters keys have at a place.
func (s *spelling) at(place int) kindSet {
	if place < len(s.places) {
		return s.places[place]
	}
	return allKinds
}

// rank is how many known characters come before r.
func (a alphabet) rank(r rune) int {
	return sort.Search(len(a), func(i int) bool { return a[i] >= r })
}

func (a alphabet) has(r rune) bool {
	i := a.rank(r)
	return i < len(a) && a[i] == r
}

// rank is how many known characters of some kinds come before r, and how many there are.
func (s *spelling) rank(of kindSet, r rune) (rank, all int) {
	for kind, a := range s.known {
		if of&(1<<kind) != 0 {
			rank, all = rank+a.rank(r), all+len(a)
		}
	}
	return rank, all
}

// ratio guesses how many times as many keys there are from at to end as from
// first to at, if they are spread evenly over all that could be spelled.
func (s *spelling) ratio(first, at, end string) float64 {
	n := commonPrefix(first, end)
	place := utf8.RuneCountInString(first[:n])
	low, middle, high := s.fraction(place, first[n:]), s.fraction(place, at[min(n, len(at)):]), s.fraction(place, end[n:])
	switch {
	case high <= middle:
		return 0
	case middle <= low:
		return math.Inf(1)
	}
	return (high - middle) / (middle - low)
}

// fraction reads a key from a place on as the digits of a number between 0 and 1.
func (s *spelling) fraction(place int, rest string) float64 {
	value, unit, n := 0.0, 1.0, 0
	for _, r := range rest {
		if n == digits {
			break
		}
		rank, all := s.rank(s.at(place+n), r)
		unit /= float64(all + 1)
		value += unit * float64(rank+1)
		n++
	}
	return value
}

// splitPoints are keys between two others, in order: the beginning of the lower one
// with a later character after it.
type splitPoints struct {
	lower  string
	depths []depth // the more of lower they share, the earlier
	total  int
}

// depth is the places that share the same beginning of the lower key.
type depth struct {
	size  int // of the beginning, in bytes
	runes []rune
	start int // the index of the first
}

// between lists the places after lower and before upper, if bounded, that
// begin with lower's first bytes, as many as fixed says.
func (s *spelling) between(fixed int, lower, upper string, bounded bool) splitPoints {
	p := splitPoints{lower: lower}
	shared := len(lower)
	if bounded {
		shared = commonPrefix(lower, upper)
	}
	n := -1
	for i, r := range lower {
		if n++; n == deepest {
			break
		}
		if i < fixed || r == utf8.RuneError || bounded && i < shared {
			continue
		}
		var runes []rune
		for kind, a := range s.known {
			if s.at(n)&(1<<kind) != 0 {
				runes = append(runes, a...)
			}
		}
		if !bounded {
			runes = append(runes, common...)
		}
		runes = slices.DeleteFunc(runes, func(c rune) bool {
			return c <= r || bounded && i == shared && string(c) >= upper[i:]
		})
		if len(runes) > 0 {
			slices.Sort(runes)
			p.depths = append(p.depths, depth{size: i, runes: slices.Compact(runes)})
		}
	}
	slices.Reverse(p.depths)
	for i := range p.depths {
		p.depths[i].start = p.total
		p.total += len(p.depths[i].runes)
	}
	return p
}

func (p splitPoints) len() int { return p.total }

// at finds the depth of a place.
func (p splitPoints) at(i int) depth {
	d := sort.Search(len(p.depths), func(d int) bool { return p.depths[d].start > i })
	return p.depths[d-1]
}

func (p splitPoints) key(i int) string {
	d := p.at(i)
	return p.lower[:d.size] + string(d.runes[i-d.start])
}

// upTo is the places up to one that share its beginning, of characters that are known by
// now, and that one.
func (s *spelling) upTo(p splitPoints, i int) []string {
	d := p.at(i)
	var places []string
	for j, r := range d.runes[:i+1-d.start] {
		if j == i-d.start || s.known[kindOf(r)].has(r) {
			places = append(places, p.lower[:d.size]+string(r))
		}
	}
	return places
}

// commonPrefix is the size of the longest common beginning, in bytes of whole
// characters.
func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	for i > 0 && i < len(a) && !utf8.RuneStart(a[i]) || i > 0 && i < len(b) && !utf8.RuneStart(b[i]) {
		i--
	}
	return i
}
