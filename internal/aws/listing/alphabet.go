package listing

import (
	"math"
	"slices"
	"sort"
	"unicode/utf8"
)

// alphabet is the characters that keys were seen to have. Between two keys
// there is room for very many others; those of known characters are the ones
// to expect.
type alphabet []rune // sorted

const (
	// mostRunes bounds what is remembered; a few of each script are enough.
	mostRunes = 128
	// deepest is how many characters of a key are looked at to find a place.
	deepest = 256
	// digits is how many characters are looked at to guess how many keys lie
	// between two.
	digits = 12
)

// add notes the characters of a key.
func (a *alphabet) add(key string) {
	for _, r := range key {
		if i := a.rank(r); (i == len(*a) || (*a)[i] != r) && len(*a) < mostRunes && utf8.ValidRune(r) {
			*a = slices.Insert(*a, i, r)
		}
	}
}

// rank is how many known characters come before r.
func (a alphabet) rank(r rune) int {
	return sort.Search(len(a), func(i int) bool { return a[i] >= r })
}

// ratio guesses how many times as many keys there are from at to end as from
// first to at, if they are spread evenly over all that the alphabet could spell.
func (a alphabet) ratio(first, at, end string) float64 {
	n := commonPrefix(first, end)
	low, middle, high := a.fraction(first[n:]), a.fraction(at[min(n, len(at)):]), a.fraction(end[n:])
	switch {
	case high <= middle:
		return 0
	case middle <= low:
		return math.Inf(1)
	}
	return (high - middle) / (middle - low)
}

// fraction reads a key as the digits of a number between 0 and 1.
func (a alphabet) fraction(key string) float64 {
	value, unit, n := 0.0, 1.0, 0
	for _, r := range key {
		if n++; n > digits {
			break
		}
		unit /= float64(len(a) + 1)
		value += unit * float64(a.rank(r)+1)
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
func (a alphabet) between(fixed int, lower, upper string, bounded bool) splitPoints {
	p := splitPoints{lower: lower}
	common := len(lower)
	if bounded {
		common = commonPrefix(lower, upper)
	}
	n := 0
	for i, r := range lower {
		if n++; n > deepest {
			break
		}
		if i < fixed || r == utf8.RuneError {
			continue
		}
		from, to := a.rank(r), len(a)
		if from < to && a[from] == r {
			from++
		}
		switch {
		case !bounded || i > common:
		case i < common:
			continue // would come after upper
		default:
			next, size := utf8.DecodeRuneInString(upper[i:])
			to = a.rank(next)
			if i+size < len(upper) && to < len(a) && a[to] == next {
				to++
			}
		}
		if from < to {
			p.depths = append(p.depths, depth{size: i, runes: a[from:to:to]})
		}
	}
	slices.Reverse(p.depths)
	for i := range p.depths {
		p.depths[i].runes = slices.Clone(p.depths[i].runes)
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

// middle is the place halfway among those up to i that share the same
// beginning.
func (p splitPoints) middle(i int) int {
	d := p.at(i)
	return (d.start + i + 1) / 2
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
