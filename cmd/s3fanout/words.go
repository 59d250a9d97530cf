package main

import (
	"fmt"
	"strconv"
	"time"
)

// countOf is a number with its noun.
func countOf[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func keyCount[N int | int64](n N) string    { return countOf(n, "key", "keys") }
func objectCount[N int | int64](n N) string { return countOf(n, "object", "objects") }
func letterCount(n int) string              { return countOf(n, "dead letter", "dead letters") }

// ageOf is a duration in its greatest unit, rounded down: it grows by itself.
func ageOf(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return strconv.Itoa(int(d.Hours())/24) + "d"
	case d >= 2*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h"
	case d >= 2*time.Minute:
		return strconv.Itoa(int(d.Minutes())) + "m"
	default:
		return strconv.Itoa(int(d.Seconds())) + "s"
	}
}
