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
type statistic struct {
	of func(values []float64) float64
	// distribution: it needs the values' distribution, which CloudWatch does not
	// keep of a metric with negative values: those periods have no point.
	distribution bool
}

var (
	percentile = regexp.MustCompile(`^p([0-9]{1,2}(\.[0-9]{1,10})?|100)$`)
	// rank has one bound or both, each a value and no percentage.
	rank = regexp.MustCompile(`^PR\(([0-9]+(?:\.[0-9]{1,10})?)?:([0-9]+(?:\.[0-9]{1,10})?)?\)$`)
)

// parseStatistic reads the name of a statistic
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html).
func parseStatistic(name string) (statistic, error) {
	switch name {
	case "Sum":
		return statistic{of: sum}, nil
	case "Average":
		return statistic{of: func(v []float64) float64 { return sum(v) / float64(len(v)) }}, nil
	case "Minimum":
		return statistic{of: slices.Min[[]float64]}, nil
	case "Maximum":
		return statistic{of: slices.Max[[]float64]}, nil
	case "SampleCount":
		return statistic{of: func(v []float64) float64 { return float64(len(v)) }}, nil
	}
	if m := percentile.FindStringSubmatch(name); m != nil {
		return parsePercentile(m[1])
	}
	if m := rank.FindStringSubmatch(name); m != nil {
		return parseRank(m[1], m[2])
	}
	return statistic{}, errors.New(
		"it has Sum, Average, Minimum, Maximum, SampleCount, percentiles as p99, and percentile ranks as PR(:300)",
	)
}

// parsePercentile makes the smallest value that so many percent of all do not
// exceed. CloudWatch estimates; for few values it comes to the same.
func parsePercentile(percent string) (statistic, error) {
	p, err := strconv.ParseFloat(percent, 64)
	if err != nil {
		return statistic{}, err
	}
	return statistic{distribution: true, of: func(v []float64) float64 {
		slices.Sort(v)
		at := int(math.Ceil(p / 100 * float64(len(v))))
		return v[max(at, 1)-1]
	}}, nil
}

// parseRank makes the percentage of values above the lower bound and up to the
// upper one. CloudWatch interpolates near the bounds.
func parseRank(lower, upper string) (statistic, error) {
	over, upTo := math.Inf(-1), math.Inf(1)
	for _, bound := range []struct {
		text string
		into *float64
	}{{lower, &over}, {upper, &upTo}} {
		if bound.text == "" {
			continue
		}
		v, err := strconv.ParseFloat(bound.text, 64)
		if err != nil {
			return statistic{}, err
		}
		*bound.into = v
	}
	switch {
	case lower == "" && upper == "":
		return statistic{}, errors.New("a percentile rank has a lower bound, an upper one or both")
	case over >= upTo:
		return statistic{}, errors.New("the lower bound of a percentile rank is below the upper one")
	}
	return statistic{distribution: true, of: func(v []float64) float64 {
		within := 0
		for _, x := range v {
			if x > over && x <= upTo {
				within++
			}
		}
		return float64(within) / float64(len(v)) * 100
	}}, nil
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
		if s.distribution && slices.Min(numbers) < 0 {
			continue
		}
		points = append(points, point{begin, s.of(numbers)})
	}
	slices.SortFunc(points, func(a, b point) int { return cmp.Compare(b.time.UnixNano(), a.time.UnixNano()) })
	return points
}
