package sim

import "time"

// seed is what a schedule follows from.
type seed uint64

// roll is a number that depends on the seed and the words alone.
func (s seed) roll(words ...string) uint64 {
	h := uint64(s)*0x9e3779b97f4a7c15 ^ 0xcbf29ce484222325
	for _, w := range words {
		for i := range len(w) {
			h = (h ^ uint64(w[i])) * 0x100000001b3
		}
		h = (h ^ 0xff) * 0x100000001b3
	}
	return mix(h)
}

// mix is the finalizer of splitmix64.
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// chance is true for so many of a thousand rolls.
func (s seed) chance(perMille int, words ...string) bool {
	return int(s.roll(words...)%1000) < perMille
}

// below is a number from 0 to n-1.
func (s seed) below(n int, words ...string) int {
	return int(s.roll(words...) % uint64(n))
}

// between is a time from one to the other, to the nanosecond, so that no two
// things happen at the same moment.
func (s seed) between(from, to time.Duration, words ...string) time.Duration {
	return from + time.Duration(s.roll(words...)%uint64(to-from))
}
