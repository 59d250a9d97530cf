package cost

import "s3fanout/internal/copier"

// BreakEven is the least mean size of objects, in bytes, at which s3fanout costs
// no more than S3's replication with Replication Time Control, for the same
// number of uploads. Below it and without Time Control, S3's replication is the
// cheaper one. ok is false if there is none up to copier.MaxObject: then
// there are so few uploads that the fixed part of the bill decides.
func BreakEven(u Usage) (bytes int64, ok bool) {
	cheaper := func(size int64) bool {
		v := u
		v.Size = size
		return v.fanout().Dollars() <= v.replication(true).Dollars()
	}
	low, high := int64(-1), copier.MaxObject // not at low, at high
	if !cheaper(high) {
		return 0, false
	}
	for high-low > 1 {
		if middle := low + (high-low)/2; cheaper(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high, true
}
