package cloudwatch

import "time"

// resolution is how finely CloudWatch keeps data of an age
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricStat.html).
type resolution struct {
	until time.Duration // age
	finest,
	round time.Duration // what periods are multiples of; what start times are rounded down to
}

// kept are the resolutions by age. What is older than the last is gone.
var kept = []resolution{
	{3 * time.Hour, time.Second, time.Minute},
	{15 * 24 * time.Hour, time.Minute, time.Minute},
	{63 * 24 * time.Hour, 5 * time.Minute, 5 * time.Minute},
	{455 * 24 * time.Hour, time.Hour, time.Hour},
}

// window is the time from which a request gets data: its start rounded down as
// CloudWatch does, and not before what is kept. A period finer than the data of
// the start's age gets none of it: ok is false.
func window(start, now time.Time, period time.Duration) (begin time.Time, ok bool) {
	last := kept[len(kept)-1]
	if now.Sub(start) > last.until {
		start = now.Add(-last.until)
	}
	for _, r := range kept {
		if now.Sub(start) <= r.until {
			return start.Truncate(min(period, r.round)), period%r.finest == 0
		}
	}
	return start, false
}
