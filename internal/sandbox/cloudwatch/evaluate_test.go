package cloudwatch

import (
	"strings"
	"testing"
	"time"
)

// The examples of AWS's page, of its present and of its former edition
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html):
// five data points are retrieved, the latest on the right. 0 is within the
// threshold, X is not, - is missing.
func TestAlarmsTreatMissingDataAsAWSDoes(t *testing.T) {
	const keep = InsufficientData // what the alarm had
	for _, c := range []struct {
		points                                   string
		toAlarm                                  int
		missing, ignore, breaching, notBreaching State
	}{
		{"0-X-X", 3, OK, OK, OK, OK},
		{"----0", 3, OK, OK, OK, OK},
		{"0----", 3, OK, OK, OK, OK},
		{"-----", 3, InsufficientData, keep, Raised, OK},
		{"0XX-X", 3, Raised, Raised, Raised, Raised},
		{"--X--", 3, Raised, keep, Raised, OK},
		{"X----", 3, Raised, keep, Raised, OK},
		{"----X", 3, InsufficientData, keep, Raised, OK},
		{"---X-", 3, InsufficientData, keep, Raised, OK},
		{"0-X-X", 2, Raised, Raised, Raised, Raised},
		{"00X0X", 2, Raised, Raised, Raised, Raised},
		{"0-X--", 2, OK, OK, Raised, OK},
		{"----0", 2, OK, OK, Raised, OK},
		{"---X-", 2, Raised, keep, Raised, OK},
		{"----X", 2, InsufficientData, keep, Raised, OK},
		{"XX000", 2, OK, OK, OK, OK}, // the two are beyond the evaluation periods
	} {
		for treatment, want := range map[string]State{
			missing: c.missing, ignore: c.ignore, breaching: c.breaching, notBreaching: c.notBreaching,
		} {
			a := alarm{state: keep, reason: "as before", AlarmConfig: AlarmConfig{
				EvaluationPeriods: 3, DatapointsToAlarm: c.toAlarm, Comparison: "GreaterThanThreshold", Threshold: 5,
				MissingData: treatment,
			}}
			points := make([]*point, len(c.points))
			for i, p := range c.points {
				if value, ok := map[rune]float64{'0': 5, 'X': 6}[p]; ok {
					points[len(points)-1-i] = &point{noon.Add(time.Duration(i) * time.Minute), value}
				}
			}
			if got, reason := a.decide(points); got != want || reason == "" {
				t.Errorf("%s, %d of 3, missing data are %s: %s, want %s (%s)", c.points, c.toAlarm, treatment, got, want, reason)
			}
		}
	}
}

// The running minute counts at once, but where the rest of it can lower the figure: AWS
// waits for its end, and would see no breach.
func TestRunningMinuteRaisesNoAlarmTooSoon(t *testing.T) {
	now := noon.Add(20 * time.Second) // the first value of the minute is high, what follows is low
	high := func(_ MetricStat, begin, end time.Time) []value {
		if begin.After(noon) || !end.After(noon) {
			return nil
		}
		return []value{{time: noon.Add(10 * time.Second), number: 9}}
	}
	stat := func(s string) *MetricStat { return &MetricStat{Stat: s, Period: time.Minute} }
	query := func(expression string) []MetricQuery {
		return []MetricQuery{{ID: "m1", Stat: stat("Sum")}, {ID: "e", Expression: expression, ReturnData: true}}
	}
	for _, c := range []struct {
		what       string
		stat       *MetricStat
		queries    []MetricQuery
		comparison string
		want       State
	}{
		{"Sum", stat("Sum"), nil, "GreaterThanThreshold", Raised},
		{"SampleCount", stat("SampleCount"), nil, "GreaterThanOrEqualToThreshold", Raised},
		{"Maximum", stat("Maximum"), nil, "GreaterThanThreshold", Raised},
		{"p99", stat("p99"), nil, "GreaterThanThreshold", OK},
		{"Average", stat("Average"), nil, "GreaterThanThreshold", OK},
		{"Minimum", stat("Minimum"), nil, "GreaterThanThreshold", OK},
		{"Sum", stat("Sum"), nil, "LessThanThreshold", OK},
		{"a sum of sums", nil, query("m1 + m1"), "GreaterThanThreshold", Raised},
		{"a difference", nil, query("9 - m1 + 9"), "GreaterThanThreshold", OK},
	} {
		a := alarm{AlarmConfig: AlarmConfig{
			Stat: c.stat, Queries: c.queries, EvaluationPeriods: 1, DatapointsToAlarm: 1, Comparison: c.comparison, Threshold: 1,
			MissingData: notBreaching,
		}}
		if got, reason := a.evaluate(now, high); got != c.want {
			t.Errorf("%s, %s: %s in the running minute, want %s (%s)", c.what, c.comparison, got, c.want, reason)
		}
	}
}

// Reasons have CloudWatch's words: people and programs look for them.
func TestReasonsOfStates(t *testing.T) {
	at := time.Date(2022, 9, 25, 18, 49, 0, 0, time.UTC)
	for _, c := range []struct {
		values  []float64 // the latest first; negative: missing
		periods int
		toAlarm int
		missing string
		want    string
	}{
		{[]float64{6}, 1, 1, missing,
			"Threshold Crossed: 1 out of the last 1 datapoints [6.0 (25/09/22 18:49:00)] was greater than the threshold (5.0) " +
				"(minimum 1 datapoint for OK -> ALARM transition)."},
		{[]float64{4.5, 2}, 2, 2, missing,
			"Threshold Crossed: 2 out of the last 2 datapoints [4.5 (25/09/22 18:49:00), 2.0 (25/09/22 18:48:00)] were not " +
				"greater than the threshold (5.0) (minimum 1 datapoint for ALARM -> OK transition)."},
		{[]float64{-1}, 1, 1, notBreaching,
			"Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching]."},
		{[]float64{-1, -1}, 2, 2, breaching,
			"Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching]."},
		{[]float64{9, -1, -1}, 3, 2, breaching,
			"Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as [Breaching]."},
		{[]float64{-1}, 1, 1, missing, "Insufficient Data: 1 datapoint was unknown."},
		{[]float64{-1, -1, -1, -1, -1}, 5, 5, missing, "Insufficient Data: 5 datapoints were unknown."},
	} {
		a := alarm{AlarmConfig: AlarmConfig{
			EvaluationPeriods: c.periods, DatapointsToAlarm: c.toAlarm, Comparison: "GreaterThanThreshold", Threshold: 5,
			MissingData: c.missing,
		}}
		var points []*point
		for i, v := range c.values {
			points = append(points, nil)
			if v >= 0 {
				points[i] = &point{at.Add(-time.Duration(i) * time.Minute), v}
			}
		}
		if _, got := a.decide(points); got != c.want {
			t.Errorf("%v:\n got %s\nwant %s", c.values, got, c.want)
		}
	}
}

func TestExpressionsAreArithmetic(t *testing.T) {
	values := map[string]float64{"m1": 3, "m2": 4, "zero": 0}
	of := func(id string) (float64, bool) { v, ok := values[id]; return v, ok }
	for text, want := range map[string]float64{"m1 + m2": 7, "m1+m2*2": 11, "(m1 + m2) * 2": 14, "-m1/m2": -0.75, "100 * m1": 300} {
		e, err := parseExpression(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, ok := e.value(of); !ok || got != want {
			t.Errorf("%s = %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"m1 / zero", "m1 + m3"} {
		e, err := parseExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := e.value(of); ok {
			t.Errorf("%s = %v, want no value", text, got)
		}
	}
	for _, text := range []string{"", "m1 +", "SUM([m1, m2])", "FILL(m1, 0)", "m1 > 2", "m1 ^ 2", "m1.x", `"m1"`, "m1; m2", "!m1", "+m1"} {
		if _, err := parseExpression(text); err == nil || !strings.Contains(err.Error(), "Expression") {
			t.Errorf("%q is taken: %v", text, err)
		}
	}
}
