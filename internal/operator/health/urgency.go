package health

import (
	"cmp"
	"slices"
)

// ByUrgency returns the findings in the order in which to act on them: what loses
// events, then what failed otherwise, dead letters, which wait for that to be fixed,
// what is unknown, warnings, notes. Among those alike it keeps their order.
func ByUrgency(findings []Finding) []Finding {
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b Finding) int { return cmp.Compare(urgency(a), urgency(b)) })
	return sorted
}

// urgency is the less, the sooner somebody should act.
func urgency(f Finding) int {
	switch {
	case f.Severity == Failed && losesEvents(f):
		return 0
	case f.Severity == Failed && f.Check != CheckDeadLetters:
		return 1
	case f.Severity == Failed:
		return 2
	case f.Severity == Unknown:
		return 3
	case f.Severity == Warning:
		return 4
	}
	return 5
}
