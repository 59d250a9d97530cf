package console

import (
	"time"
)

// rateWindow is what a rate is the mean of: the last three periods of five minutes, of
// which the newest is not over yet.
const rateWindow = 15 * time.Minute

// rate is how many replicas arrived a minute at the end of the trend, nil without data.
func (t Trend) rate() *float64 {
	if t.Period <= 0 {
		return nil
	}
	first := max(len(t.Replicas)-int(rateWindow/t.Period), 0)
	n := sum(t.Replicas[first:])
	minutes := t.Asked.Sub(t.Start.Add(time.Duration(first) * t.Period)).Minutes()
	if n == nil || minutes <= 0 {
		return nil
	}
	*n /= minutes
	return n
}

// trendTo is what arrived in a Region from all others: the replicas together, and the
// worst p99 of them.
func trendTo(region string, trends []Trend) Trend {
	all := Trend{TargetRegion: region}
	for _, t := range trends {
		switch {
		case t.TargetRegion != region:
			continue
		case t.Unavailable != "":
			return Trend{TargetRegion: region, Unavailable: t.Unavailable}
		case all.Replicas == nil:
			all.Start, all.Asked, all.Period = t.Start, t.Asked, t.Period
			all.Replicas, all.P99Seconds = make([]*float64, len(t.Replicas)), make([]*float64, len(t.P99Seconds))
		}
		merge(all.Replicas, t.Replicas, func(a, b float64) float64 { return a + b })
		merge(all.P99Seconds, t.P99Seconds, func(a, b float64) float64 { return max(a, b) })
	}
	return all
}

// merge puts points together; what only one of them has stays.
func merge(into, points []*float64, both func(a, b float64) float64) {
	for i, p := range points {
		switch {
		case p == nil || i >= len(into):
		case into[i] == nil:
			v := *p
			into[i] = &v
		default:
			*into[i] = both(*into[i], *p)
		}
	}
}

// sum is nil without any point.
func sum(points []*float64) (total *float64) {
	for _, p := range points {
		if p == nil {
			continue
		}
		if total == nil {
			total = new(float64)
		}
		*total += *p
	}
	return total
}
