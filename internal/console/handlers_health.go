package console

import (
	"net/http"
	"slices"
	"time"

	"s3fanout/internal/operator/document"
)

// healthView is what the page about health shows.
type healthView struct {
	Overview *overview
	Alarms   *alarmsView
}

// alarmsView has the alarms of all Regions, those that are raised first.
type alarmsView struct {
	Alarms []Alarm
	Error  string // why they are not known
}

func newAlarmsView(alarms []Alarm, err error) *alarmsView {
	v := &alarmsView{Alarms: slices.Clone(alarms)}
	if err != nil {
		v.Error = err.Error()
	}
	order := []string{"ALARM", "", "INSUFFICIENT_DATA", "OK"} // without a state: not known
	slices.SortStableFunc(v.Alarms, func(a, b Alarm) int { return slices.Index(order, a.State) - slices.Index(order, b.State) })
	return v
}

func (s *Server) showHealth(w http.ResponseWriter, _ *http.Request) {
	v := healthView{Overview: s.newest()}
	s.mu.Lock()
	v.Alarms = s.alarms
	s.mu.Unlock()
	s.show(w, http.StatusOK, "health", "Health", v)
}

// reportView is a month's report.
type reportView struct {
	Month  string
	Error  string
	Report *document.Report
}

func (s *Server) showReport(w http.ResponseWriter, r *http.Request) {
	v := reportView{Month: r.URL.Query().Get("month")}
	status := http.StatusOK
	if v.Month == "" {
		v.Month = s.o.Now().UTC().AddDate(0, 0, 1-s.o.Now().UTC().Day()).Format("2006-01")
	}
	if _, err := time.Parse("2006-01", v.Month); err != nil {
		v.Error, v.Month, status = "A month is written as 2026-11.", "", http.StatusBadRequest
	} else if d, err := s.o.Source.Report(r.Context(), v.Month); err != nil {
		v.Error, status = err.Error(), http.StatusBadGateway
	} else {
		v.Report = &d
	}
	s.show(w, status, "report", "Report", v)
}
