package behind

import (
	"math"
	"slices"
	"time"

	"s3fanout/internal/aws/metricdata"
)

// estimate is published minus finished. What ended otherwise than with a replica
// is known for the target as a whole alone; it is taken from the sources in
// proportion to what they have left.
func estimate(region string, sources []string, published map[string]sent, finished done, now time.Time) Target {
	t := Target{Region: region, Err: finished.err, Oldest: finished.oldest}
	if finished.err != nil {
		return t
	}
	left, all := map[string]float64{}, 0.0
	for _, source := range sources {
		left[source] = max(published[source].total-finished.arrived[source], 0)
		all += left[source]
	}
	share := 0.0 // of what is left that still waits
	if all > 0 {
		share = max(all-finished.other, 0) / all
	}
	for _, source := range sources {
		s := Source{Region: source}
		if p := published[source]; p.known {
			waiting := int64(math.Round(left[source] * share))
			s.Waiting, s.ByAge = &waiting, byAge(p.minutes, waiting, now)
			total := int64(math.Round(p.total))
			s.Sent = &total
			t.Waiting = plus(t.Waiting, waiting)
		}
		t.Sources = append(t.Sources, s)
	}
	return t
}

func plus(sum *int64, n int64) *int64 {
	if sum != nil {
		n += *sum
	}
	return &n
}

// byAge counts so many of the latest events by their age.
func byAge(minutes []metricdata.Point, waiting int64, now time.Time) []int64 {
	ages := Ages()
	counts := make([]int64, len(ages))
	for _, m := range slices.Backward(minutes) {
		n := min(waiting, int64(math.Round(m.Value)))
		waiting -= n
		age := max(now.Sub(m.Time.Add(time.Minute/2)), 0) // the middle of the minute
		i, _ := slices.BinarySearch(ages, age)
		counts[min(i, len(ages)-1)] += n
	}
	counts[len(counts)-1] += waiting // what rounding has left
	return counts
}
