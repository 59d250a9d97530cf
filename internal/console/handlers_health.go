package console

import (
	"net/http"
	"time"

	"s3fanout/internal/operator/document"
)

// healthView is what the page about health shows.
type healthView struct {
	Overview *overview
	Alarms   []Alarm
	Error    string // why the alarms are not known
}

func (s *Server) showHealth(w http.ResponseWriter, r *http.Request) {
	v := healthView{Overview: s.newest()}
	alarms, err := s.o.Source.Alarms(r.Context())
	if v.Alarms = alarms; err != nil {
		v.Error = err.Error()
	}
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
