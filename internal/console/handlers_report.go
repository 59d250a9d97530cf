package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/report"
)

// reportView is a month's report.
type reportView struct {
	Month  string
	Months []string // that CloudWatch has figures of, the newest first
	Region string
	Error  string
	Report *document.Report
	Pairs  []document.ReportPair // those that are listed, the worst first
	Of     int                   // how many the Region has, or the set
}

// made is a report that was asked for lately: each one is thousands of figures, which
// CloudWatch charges for.
type made struct {
	report document.Report
	at     time.Time
}

// reportTime is for how long a report is shown again.
const reportTime = 5 * time.Minute

func (s *Server) showReport(w http.ResponseWriter, r *http.Request) {
	now := s.o.Now()
	v := reportView{Month: r.URL.Query().Get("month"), Months: monthsKept(now), Region: r.URL.Query().Get("region")}
	if v.Month == "" {
		v.Month = v.Months[0]
	}
	status := http.StatusOK
	switch {
	case v.Region != "" && !slices.Contains(s.o.Regions, v.Region):
		v.Error, v.Region, status = "The set has no such Region.", "", http.StatusBadRequest
	case !slices.Contains(v.Months, v.Month):
		v.Error, status = "CloudWatch has no figures of this month; choose one of the list.", http.StatusBadRequest
	default:
		d, err := s.report(r.Context(), v.Month)
		if err != nil {
			v.Error, status = err.Error(), http.StatusBadGateway
			break
		}
		v.Report = &d
		v.list()
	}
	s.show(w, status, "report", "Report", v)
}

// monthsKept are those that a report can be made of.
func monthsKept(now time.Time) (months []string) {
	for m := report.MonthOf(now); ; m = m.Before() {
		if _, _, err := m.Kept(now); err != nil && len(months) > 0 {
			return months
		}
		months = append(months, m.String())
	}
}

func (s *Server) report(ctx context.Context, month string) (document.Report, error) {
	s.mu.Lock()
	last, ok := s.reports[month]
	s.mu.Unlock()
	if ok && s.o.Now().Sub(last.at) < reportTime {
		return last.report, nil
	}
	d, err := s.o.Source.Report(ctx, month)
	if err != nil {
		return d, err
	}
	away := func(r document.ReportRegion) bool { return r.Unavailable != "" }
	if !slices.ContainsFunc(d.Regions, away) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reports[month] = made{d, s.o.Now()}
	}
	return d, nil
}

// list chooses the pairs of the Region: those with most late arrivals first.
func (v *reportView) list() {
	for _, p := range v.Report.Pairs {
		if v.Region == "" || p.SourceRegion == v.Region || p.TargetRegion == v.Region {
			v.Pairs = append(v.Pairs, p)
		}
	}
	worst := func(p document.ReportPair) float64 {
		if p.Worst == nil {
			return -1
		}
		return p.Worst.Seconds
	}
	slices.SortStableFunc(v.Pairs, func(a, b document.ReportPair) int {
		return cmp.Or(cmp.Compare(b.Late, a.Late), cmp.Compare(worst(b), worst(a)))
	})
	v.Of = len(v.Pairs)
	v.Pairs = v.Pairs[:min(mostRows, v.Of)]
}
