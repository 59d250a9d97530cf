package projection

import "math"

// agenda is a binary heap of what will happen, the next first. container/heap
// would allocate for each of millions.
type agenda []happening

func (a *agenda) push(h happening) {
	*a = append(*a, h)
	s := *a
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if s[parent].at <= s[i].at {
			return
		}
		s[parent], s[i] = s[i], s[parent]
		i = parent
	}
}

func (a *agenda) pop() happening {
	s := *a
	first, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	*a = s
	for i := 0; ; {
		next := 2*i + 1
		if next >= len(s) {
			return first
		}
		if next+1 < len(s) && s[next+1].at < s[next].at {
			next++
		}
		if s[i].at <= s[next].at {
			return first
		}
		s[i], s[next] = s[next], s[i]
		i = next
	}
}

// tokens come at a rate a second, and at most so many are kept.
type tokens struct{ rate, most, left, at float64 }

func (t *tokens) take(now float64) bool {
	t.left = math.Min(t.most, t.left+(now-t.at)*t.rate)
	t.at = now
	if t.left < 1 {
		return false
	}
	t.left--
	return true
}
