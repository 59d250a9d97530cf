package sim

import "time"

// seed is what a schedule follows from.
type seed uint64

// die is what is rolled for one thing: of(a).roll(b) is of().roll(a, b), and
// the thing's name is read once for all that is decided on it.
type die uint64

func (s seed) of(words ...string) die {
	return die(uint64(s)*0x9e3779b97f4a7c15 ^ 0xcbf29ce484222325).of(words)
}

func (d die) of(words []string) die {
	h := uint64(d)
	for _, w := range words {
		for i := range len(w) {
			h = (h ^ uint64(w[i])) * 0x100000001b3
		}
		h = (h ^ 0xff) * 0x100000001b3
	}
	return die(h)
}

// roll is a number that depends on the seed and the words alone.
func (d die) roll(words ...string) uint64 { return mix(uint64(d.of(words))) }

// mix is the finalizer of splitmix64.
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// chance is true for so many of a thousand rolls.
func (d die) chance(perMille int, words ...string) bool {
	return int(d.roll(words...)%1000) < perMille
}

// below is a number from 0 to n-1.
func (d die) below(n int, words ...string) int {
	return int(d.roll(words...) % uint64(n))
}

// between is a time from one to the other, to the nanosecond, so that no two
// things happen at the same moment.
func (d die) between(from, to time.Duration, words ...string) time.Duration {
	return from + time.Duration(d.roll(words...)%uint64(to-from))
}

func (s seed) roll(words ...string) uint64 { return s.of().roll(words...) }

func (s seed) chance(perMille int, words ...string) bool { return s.of().chance(perMille, words...) }

func (s seed) below(n int, words ...string) int { return s.of().below(n, words...) }

func (s seed) between(from, to time.Duration, words ...string) time.Duration {
	return s.of().between(from, to, words...)
}
