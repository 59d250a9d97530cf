package console

import (
	"context"
	"encoding/json"
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
	// SwitchFault has it strike always, or never. One with a number can only be
	// switched off.
	SwitchFault(region, kind string, on bool) error
	// Steps are those of the newest events, the earliest first.
	Steps() []Step
	// Changed receives when there are new ones, Switched when faults were switched.
	Changed() <-chan struct{}
	Switched() <-chan struct{}
	// Reset switches all faults off, and removes objects, dead letters and steps.
	Reset(ctx context.Context) error
	// Stop ends the sandbox, and the console with it.
	Stop()
}

// Fault is a kind of fault.
type Fault struct {
	Kind string
	On   map[string]float64 // by Region, how often it strikes: above 0 and up to 1
	// Number says that it needs one, as a bandwidth, which this page does not ask for.
	Number bool
}

// follow shows new steps and switched faults as they come, a few times a second at most.
func (s *Server) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.o.Sandbox.Changed():
			s.hub.set("flow", s.fragment("flow", newFlows(s.o.Sandbox.Steps(), s.o.Regions)))
		case <-s.o.Sandbox.Switched():
			s.hub.set("switches", switches(s.o.Sandbox.Faults()))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// switches are the faults that are on, as the script reads them: by Region and kind,
// how often they strike.
func switches(faults []Fault) string {
	on := map[string]float64{}
	for _, f := range faults {
		for region, rate := range f.On {
			on[region+" "+f.Kind] = rate
		}
	}
	text, err := json.Marshal(on)
	if err != nil {
		panic(err) // they are texts and numbers
	}
	return string(text)
}

// sandboxView is what the page about the sandbox shows.
type sandboxView struct {
	Regions  []sandboxRegion
	Flows    []flow
	Switches string
}

type sandboxRegion struct {
	Name   string
	Faults []Fault
}

func (s *Server) showSandbox(w http.ResponseWriter, _ *http.Request) {
	faults := s.o.Sandbox.Faults()
	v := sandboxView{Flows: newFlows(s.o.Sandbox.Steps(), s.o.Regions), Switches: switches(faults)}
	for _, region := range s.o.Regions {
		v.Regions = append(v.Regions, sandboxRegion{region, faults})
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

func (s *Server) resetSandbox(w http.ResponseWriter, r *http.Request) {
	if err := s.o.Sandbox.Reset(r.Context()); err != nil {
		http.Error(w, fmt.Sprintf("The sandbox was not reset: %v", err), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) stopSandbox(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNoContent)
	_ = http.NewResponseController(w).Flush() // the connection ends with the console
	s.o.Sandbox.Stop()
}
