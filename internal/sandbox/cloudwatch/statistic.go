package cloudwatch

import (
	"cmp"
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// point is a statistic over one period.
type point struct {
	time  time.Time // when the period begins
	value float64
}

// statistic makes one number of a period's values, of which there is at least
// one; they may be put into another order.
type statistic func(values []float64) float64

var percentile = regexp.MustCompile(`^p([0-9]{1,2}(\.[0-9]{1,10})?|100)$`)

// parseStatistic reads the name of a statistic
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html).
func parseStatistic(name string) (statistic, error) {
	switch name {
	case "Sum":
		return sum, nil
	case "Average":
		return func(v []float64) float64 { return sum(v) / float64(len(v)) }, nil
	case "Minimum":
		return slices.Min[[]float64], nil
	case "Maximum":
		return slices.Max[[]float64], nil
	case "SampleCount":
		return func(v []float64) float64 { return float64(len(v)) }, nil
	}
	m := percentile.FindStringSubmatch(name)
	if m == nil {
		return nil, errors.New("it has Sum, Average, Minimum, Maximum, SampleCount and percentiles as p99")
	}
	percent, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return nil, err
	}
	// The smallest value that so many percent of all do not exceed. CloudWatch
	// estimates; for few values it comes to the same.
	return func(v []float64) float64 {
		slices.Sort(v)
		rank := int(math.Ceil(percent / 100 * float64(len(v))))
		return v[max(rank, 1)-1]
	}, nil
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// summarize makes the statistic of every period from start on that has values,
// the latest first.
func summarize(values []value, start time.Time, period time.Duration, s statistic) []point {
	periods := map[time.Time][]float64{}
	for _, v := range values {
		begin := start.Add(v.time.Sub(start).Truncate(period))
		periods[begin] = append(periods[begin], v.number)
	}
	points := make([]point, 0, len(periods))
	for begin, numbers := range periods {
		points = append(points, point{begin, s(numbers)})
	}
	slices.SortFunc(points, func(a, b point) int { return cmp.Compare(b.time.UnixNano(), a.time.UnixNano()) })
	return points
}
