package report

import (
	"fmt"
	"time"

	"s3fanout/internal/aws/metricdata"
)

// Month is a month of the calendar, in UTC as all of CloudWatch.
type Month struct{ begin time.Time }

// monthLayout is how a month is written.
const monthLayout = "2006-01"

// ParseMonth reads a month such as "2026-11".
func ParseMonth(s string) (Month, error) {
	begin, err := time.Parse(monthLayout, s)
	if err != nil {
		return Month{}, fmt.Errorf("%q is not a month; write it as 2026-11", s)
	}
	return Month{begin}, nil
}

// MonthOf is the month of a time.
func MonthOf(t time.Time) Month {
	t = t.UTC()
	return Month{time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)}
}

// Before is the month before it.
func (m Month) Before() Month { return Month{m.begin.AddDate(0, -1, 0)} }

// Begin is the month's first moment.
func (m Month) Begin() time.Time { return m.begin }

// End is the first moment after it.
func (m Month) End() time.Time { return m.begin.AddDate(0, 1, 0) }

// String is the month as ParseMonth reads it.
func (m Month) String() string { return m.begin.Format(monthLayout) }

// Kept is the part of the month that has been and that CloudWatch still has
// figures of, both ends in whole hours but for now. It fails if there is none.
func (m Month) Kept(now time.Time) (from, until time.Time, err error) {
	now = now.UTC()
	if !m.begin.Before(now) {
		return from, until, fmt.Errorf("%s has not begun; this month is %s (UTC)", m, MonthOf(now))
	}
	oldest := now.Add(-metricdata.Retention).Truncate(time.Hour).Add(time.Hour)
	if !oldest.Before(m.End()) {
		return from, until, fmt.Errorf("CloudWatch keeps figures for 455 days, and has none of %s any more; "+
			"the oldest month that it has is %s", m, MonthOf(oldest))
	}
	from, until = m.begin, m.End()
	if oldest.After(from) {
		from = oldest
	}
	if now.Before(until) {
		until = now
	}
	return from, until, nil
}
