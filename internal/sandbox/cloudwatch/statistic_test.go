package cloudwatch

import (
	"slices"
	"testing"
	"time"
)

// AWS: "exclusive on the lower bound and inclusive on the upper bound".
func TestPercentileRanks(t *testing.T) {
	values := []float64{0, 100, 300, 301, 2000, 2000, 2001, 60_000}
	for name, want := range map[string]float64{
		"PR(:300)": 37.5, "PR(:299.9)": 25, "PR(:0)": 12.5, "PR(100:2000)": 50, "PR(2000:)": 25, "PR(60000:)": 0, "PR(:60000)": 100,
	} {
		s, err := parseStatistic(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.of(slices.Clone(values)); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

// Percentile statistics are not available where any value is negative
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html).
func TestDistributionsOfNegativeValuesAreNotKept(t *testing.T) {
	w := newWorld(t, admin())
	for i, v := range []float64{5, -1, 7} {
		w.Put(region, Datum{Metric: Metric{Namespace: "n", Name: "m"}, Time: noon.Add(-time.Duration(i/2+1) * time.Hour), Value: v})
	}
	got, err := w.ask(t.Context(), noon.Add(-3*time.Hour), noon,
		stat("rank", "n", "m", "PR(:6)", 3600), stat("median", "n", "m", "p50", 3600), stat("sum", "n", "m", "Sum", 3600))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][]float64{"rank": {0}, "median": {7}, "sum": {4, 7}} {
		if !slices.Equal(got[id].Values, want) {
			t.Errorf("%s = %v, want %v", id, got[id].Values, want)
		}
	}
}

// Data of an age have the periods alone that AWS keeps at that age, and start
// times are rounded down as there.
func TestPeriodsOfOldData(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name   string
		ago    time.Duration
		period int32
		want   []float64
	}{
		{"seconds of two hours ago", 2 * time.Hour, 10, []float64{1}},
		{"seconds of four hours ago", 4 * time.Hour, 10, nil},
		{"minutes of two weeks ago", 14 * day, 60, []float64{1}},
		{"minutes of sixteen days ago", 16 * day, 60, nil},
		{"five minutes of sixteen days ago", 16 * day, 300, []float64{1}},
		{"five minutes of 64 days ago", 64 * day, 300, nil},
		{"hours of 64 days ago", 64 * day, 3600, []float64{1}},
		{"days of 450 days ago", 450 * day, 86400, []float64{1}},
		{"days of 456 days ago", 456 * day, 86400, nil},
	} {
		w := newWorld(t, admin())
		w.Put(region, Datum{Metric: Metric{Namespace: "n", Name: "m"}, Time: noon.Add(-c.ago), Value: 1, HighResolution: c.period < 60})
		got, err := w.ask(t.Context(), noon.Add(-c.ago), noon.Add(-c.ago).Add(10*time.Minute), stat("m", "n", "m", "Sum", c.period))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got["m"].Values, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got["m"].Values, c.want)
		}
	}
	for _, c := range []struct {
		ago  time.Duration
		want string
	}{{time.Hour, "12:34:00"}, {20 * day, "12:30:00"}, {70 * day, "12:00:00"}} {
		start := noon.Add(-c.ago).Truncate(day).Add(12*time.Hour + 34*time.Minute + 56*time.Second)
		if begin, ok := window(start, start.Add(c.ago), time.Hour); !ok || begin.Format(time.TimeOnly) != c.want {
			t.Errorf("%v ago: from %v, %v; want %s", c.ago, begin, ok, c.want)
		}
	}
}
