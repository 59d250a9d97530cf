package cloudwatch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What an alarm takes missing data points for.
const (
	missing      = "missing"
	notBreaching = "notBreaching"
	breaching    = "breaching"
	ignore       = "ignore"
)

// comparison tells when a value breaches a threshold, and how that is called.
type comparison struct {
	breaches func(value, threshold float64) bool
	words    string
	// above: what only rises breaches no earlier than when it has risen.
	above bool
}

var compares = map[string]comparison{
	"GreaterThanThreshold":          {func(v, t float64) bool { return v > t }, "greater than", true},
	"GreaterThanOrEqualToThreshold": {func(v, t float64) bool { return v >= t }, "greater than or equal to", true},
	"LessThanThreshold":             {func(v, t float64) bool { return v < t }, "less than", false},
	"LessThanOrEqualToThreshold":    {func(v, t float64) bool { return v <= t }, "less than or equal to", false},
}

// moreRetrieved is how many periods beyond EvaluationPeriods are looked at for data
// points, the evaluation range. AWS does not say how many in general; its examples
// have two, and so have alarms that were watched.
const moreRetrieved = 2

// window is the evaluation range: how many periods it has, and where it ends. It
// moves by the minute, not by the period. The minute that runs counts where it can
// raise no alarm too soon: on AWS it has to end first, and data arrive later still.
func (a AlarmConfig) window(now time.Time) (periods int, end time.Time) {
	step := min(a.period(), time.Minute)
	end = now.Truncate(step)
	if compares[a.Comparison].above && a.onlyRises() {
		end = end.Add(step)
	}
	return a.EvaluationPeriods + moreRetrieved, end
}

// onlyRises says that what the alarm looks at falls by no further data of its minute: a
// first slow replica makes a percentile or a mean higher than the whole minute's.
func (a AlarmConfig) onlyRises() bool {
	falls := func(m MetricStat) bool { return m.Stat != "Sum" && m.Stat != "SampleCount" && m.Stat != "Maximum" }
	return !slices.ContainsFunc(a.stats(), falls) &&
		!slices.ContainsFunc(a.Queries, func(q MetricQuery) bool { return strings.ContainsAny(q.Expression, "-/") })
}

// evaluate returns the state that the alarm should have now, and the reason.
func (a alarm) evaluate(now time.Time, values func(m MetricStat, begin, end time.Time) []value) (State, string) {
	periods, end := a.window(now)
	begin := end.Add(-time.Duration(periods) * a.period())
	byID := map[string]map[time.Time]float64{}
	read := func(id string, m MetricStat) {
		statistic, err := parseStatistic(m.Stat)
		if err != nil {
			return // check refused it
		}
		byID[id] = map[time.Time]float64{}
		for _, p := range summarize(values(m, begin, end), begin, m.Period, statistic) {
			byID[id][p.time] = p.value
		}
	}
	result := ""
	if a.Stat != nil {
		read(result, *a.Stat)
	}
	for _, q := range a.Queries {
		if q.Stat != nil {
			read(q.ID, *q.Stat)
		}
		if q.ReturnData {
			result = q.ID
		}
	}
	of := func(at time.Time) (float64, bool) { v, ok := byID[result][at]; return v, ok }
	if i := slices.IndexFunc(a.Queries, func(q MetricQuery) bool { return q.ReturnData && q.Expression != "" }); i >= 0 {
		e, err := parseExpression(a.Queries[i].Expression)
		if err != nil {
			return a.state, a.reason // check refused it
		}
		of = func(at time.Time) (float64, bool) {
			return e.value(func(id string) (float64, bool) { v, ok := byID[id][at]; return v, ok })
		}
	}
	points := make([]*point, periods) // the latest first; nil: missing
	for i := range points {
		at := end.Add(-time.Duration(i+1) * a.period())
		if v, ok := of(at); ok {
			points[i] = &point{at, v}
		}
	}
	return a.decide(points)
}

// decide goes by CloudWatch's rules for missing data
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html).
// The points are the latest first.
func (a alarm) decide(points []*point) (State, string) {
	c := compares[a.Comparison]
	var real []point
	var over []point
	oldestOver := 0 // its place, counted from 1 for the latest
	for i, p := range points {
		if p == nil || len(real) == a.EvaluationPeriods {
			continue
		}
		real = append(real, *p)
		if c.breaches(p.value, a.Threshold) {
			over, oldestOver = append(over, *p), i+1
		}
	}
	filled := a.EvaluationPeriods - len(real)
	state := OK
	switch {
	case len(over) >= a.DatapointsToAlarm:
		state = Raised
	case filled == 0, a.MissingData == notBreaching:
	case a.MissingData == breaching:
		if len(over)+filled >= a.DatapointsToAlarm {
			state = Raised
		}
	case len(over) < len(real): // some are within the threshold
	case a.MissingData == ignore:
		return a.state, a.reason
	case len(real) > 0 && oldestOver >= a.DatapointsToAlarm:
		state = Raised // breaching for long enough, as far as is known
	default:
		return InsufficientData, "Insufficient Data: " + count(filled, "datapoint") + " " + were(filled) + " unknown."
	}
	return state, a.why(state, real, over, filled)
}

// why is the reason in CloudWatch's words.
func (a alarm) why(state State, real, over []point, filled int) string {
	treated := fmt.Sprintf("%s %s treated as [%s].", count(filled, "missing datapoint"), were(filled), treatments[a.MissingData])
	periods := count(a.EvaluationPeriods, "period")
	if len(real) == 0 {
		return "Threshold Crossed: no datapoints were received for " + periods + " and " + treated
	}
	shown, not, needed := over, "", a.DatapointsToAlarm
	transition := "OK -> ALARM"
	if state == OK {
		shown, not, needed = nil, "not ", a.EvaluationPeriods-a.DatapointsToAlarm+1
		transition = "ALARM -> OK"
		for _, p := range real {
			if !slices.Contains(over, p) {
				shown = append(shown, p)
			}
		}
	}
	if (a.MissingData == breaching || a.MissingData == notBreaching) && (filled > 0 && len(shown) < needed) {
		return fmt.Sprintf(
			"Threshold Crossed: %s %s received for %s and %s", count(len(real), "datapoint"), were(len(real)), periods, treated,
		)
	}
	var values []string
	for _, p := range shown {
		values = append(values, number(p.value)+" ("+p.time.UTC().Format("02/01/06 15:04:05")+")")
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s%s the threshold (%s) "+
		"(minimum %s for %s transition).",
		len(shown), a.EvaluationPeriods, strings.Join(values, ", "), were(len(shown)), not, compares[a.Comparison].words,
		number(a.Threshold), count(needed, "datapoint"), transition)
}

var treatments = map[string]string{breaching: "Breaching", notBreaching: "NonBreaching", missing: "Missing", ignore: "Ignored"}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

func were(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// number always has a decimal point, as CloudWatch's.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
