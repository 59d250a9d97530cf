package console

import (
	"net/http"
	"slices"
)

// healthView is what the page about health shows.
type healthView struct {
	Looked   bool
	Findings findingsView
	Alarms   *alarmsView
}

// alarmsView has the alarms of all Regions, those that are raised first.
type alarmsView struct {
	Alarms []Alarm
	Error  string // why they are not known
}

// alarmCount counts the alarms of a Region.
type alarmCount struct {
	Raised, Unknown, All int
	Unavailable          bool
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

// of counts those of a Region.
func (v *alarmsView) of(region string) *alarmCount {
	c := &alarmCount{Unavailable: v.Error != ""}
	for _, a := range v.Alarms {
		switch {
		case a.Region != region:
			continue
		case a.Unavailable != "":
			c.Unavailable = true
			continue
		case a.State == "ALARM":
			c.Raised++
		case a.State != "OK":
			c.Unknown++
		}
		c.All++
	}
	return c
}

func (s *Server) showHealth(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	v := healthView{Looked: s.look != nil, Alarms: s.alarms}
	if v.Looked {
		v.Findings = newFindings(s.look.Findings, mostRows)
	}
	s.mu.Unlock()
	s.show(w, http.StatusOK, "health", "Health", v)
}
