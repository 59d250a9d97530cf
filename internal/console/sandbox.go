package console

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Sandbox is one on this machine, in which the console shows what becomes of each
// event. Its methods must be safe for concurrent use.
type Sandbox interface {
	// Upload writes an object, as a user.
	Upload(ctx context.Context, region, key string, body io.Reader, size int64) error
	// Faults says which kinds there are, and of each in which Regions it strikes.
	Faults() []Fault
	// SwitchFault has it strike always, or never.
	SwitchFault(region, kind string, on bool) error
	// Steps are those of the newest events, the earliest first.
	Steps() []Step
	// Changed receives when there are new ones.
	Changed() <-chan struct{}
}

// Fault is a kind of fault.
type Fault struct {
	Kind string
	On   []string // Regions
}

// Step is how far an event has come: announced, filtered, delivered, failed, done,
// dead letter or undelivered.
type Step struct {
	At             time.Time
	Stage          string
	Source, Target string
	Key, VersionID string
	Detail         string
}

// flow is one version's way to all Regions.
type flow struct {
	Key, VersionID, Source string
	Began                  time.Time
	Lanes                  []lane
}

// lane is what happened in one Region. The steps of the source are the announcement.
type lane struct {
	Region string
	Steps  []flowStep
	End    string // the newest stage
	Detail string // of a failure
}

type flowStep struct {
	Stage string
	After float64 // milliseconds
	X     float64
}

// mostFlows is how many events are shown.
const mostFlows = 8

// newFlows puts steps together by what was written, the newest first. What copies
// cause, which the filters drop, has steps of its own under other versions, and is
// left out.
func newFlows(steps []Step, regions []string) []flow {
	type id struct{ key, version, source string }
	var order []id
	byID := map[id][]Step{}
	for _, s := range steps {
		i := id{s.Key, s.VersionID, s.Source}
		if byID[i] == nil {
			order = append(order, i)
		}
		byID[i] = append(byID[i], s)
	}
	var flows []flow
	for _, i := range slices.Backward(order) {
		if len(flows) == mostFlows {
			break
		}
		all := byID[i]
		if !slices.ContainsFunc(all, func(s Step) bool { return s.Target != "" && s.Stage != "filtered" }) {
			continue // a replica's event, or one that has come nowhere yet
		}
		flows = append(flows, newFlow(i.key, i.version, i.source, all, regions))
	}
	return flows
}

func newFlow(key, version, source string, steps []Step, regions []string) flow {
	slices.SortStableFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	f := flow{Key: key, VersionID: version, Source: source, Began: steps[0].At}
	longest := max(float64(steps[len(steps)-1].At.Sub(f.Began))/float64(time.Millisecond), 1)
	for _, region := range regions {
		l := lane{Region: region}
		for _, s := range steps {
			if cmp.Or(s.Target, s.Source) != region {
				continue
			}
			after := float64(s.At.Sub(f.Began)) / float64(time.Millisecond)
			l.Steps = append(l.Steps, flowStep{s.Stage, after, laneFrom + (laneTo-laneFrom)*after/longest})
			l.End = s.Stage
			if s.Detail != "" {
				l.Detail = s.Detail
			}
		}
		f.Lanes = append(f.Lanes, l)
	}
	return f
}

// follow shows new steps as they come, a few times a second at most.
func (s *Server) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.o.Sandbox.Changed():
		}
		s.hub.set("flow", s.fragment("flow", newFlows(s.o.Sandbox.Steps(), s.o.Regions)))
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// sandboxView is what the page about the sandbox shows.
type sandboxView struct {
	Regions []sandboxRegion
	Flows   []flow
}

type sandboxRegion struct {
	Name   string
	Faults []regionFault
}

type regionFault struct {
	Kind string
	On   bool
}

func (s *Server) showSandbox(w http.ResponseWriter, _ *http.Request) {
	v := sandboxView{Flows: newFlows(s.o.Sandbox.Steps(), s.o.Regions)}
	faults := s.o.Sandbox.Faults()
	for _, region := range s.o.Regions {
		r := sandboxRegion{Name: region}
		for _, f := range faults {
			r.Faults = append(r.Faults, regionFault{f.Kind, slices.Contains(f.On, region)})
		}
		v.Regions = append(v.Regions, r)
	}
	s.show(w, http.StatusOK, "sandbox", "Sandbox", v)
}

// maxUpload is how large an object can be that a browser uploads here.
const maxUpload = 1 << 30

func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	region, key := r.URL.Query().Get("region"), r.URL.Query().Get("key")
	switch err := checkKey(key); {
	case err != nil || key == "":
		http.Error(w, "The key is empty, too long, or not UTF-8.", http.StatusBadRequest)
	case !slices.Contains(s.o.Regions, region):
		http.Error(w, "There is no such Region.", http.StatusBadRequest)
	case r.ContentLength < 0 || r.ContentLength > maxUpload:
		http.Error(w, "An upload has 1 GiB at most.", http.StatusRequestEntityTooLarge)
	default:
		if err := s.o.Sandbox.Upload(r.Context(), region, key, http.MaxBytesReader(w, r.Body, maxUpload), r.ContentLength); err != nil {
			http.Error(w, fmt.Sprintf("It was not uploaded: %v", err), http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) switchFault(w http.ResponseWriter, r *http.Request) {
	if err := s.o.Sandbox.SwitchFault(r.FormValue("region"), r.FormValue("kind"), r.FormValue("on") == "true"); err != nil {
		http.Error(w, strings.ToUpper(err.Error()[:1])+err.Error()[1:], http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
