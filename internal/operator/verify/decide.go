package verify

import (
	"time"

	"s3fanout/internal/policy"
)

// verdict is what the states of a key come to. Without any of its fields, they
// are the same.
type verdict struct {
	findings []finding
	sizeOnly bool          // nothing but the sizes could be compared
	gone     bool          // no Region has it
	young    time.Duration // look again, after this time at the latest
}

// finding is one way in which a key is not the same everywhere.
type finding struct {
	kind    Kind
	indexes []int // of the states that lack it or differ
	why     string
	// behind are those of indexes where a key is followed, and hidden by a marker that
	// the latest write, which a backfill brings, comes after.
	behind []int
}

// compare compares the states of a key, however new they are.
func compare(states []policy.State) verdict {
	judged := policy.Judge(states)
	v := verdict{gone: judged.Nowhere}
	if v.gone {
		return v
	}
	if len(judged.Absent) > 0 {
		why := "absent"
		if len(judged.Deleted) > 0 {
			why = "deleted"
		}
		v.findings = append(v.findings, finding{kind: Missing, indexes: judged.Absent, why: why})
	}
	if len(judged.Different) > 0 {
		v.findings = append(v.findings, finding{kind: Different, indexes: judged.Different, why: judged.Why})
	}
	v.sizeOnly = judged.SizeOnly && len(v.findings) == 0
	return v
}
