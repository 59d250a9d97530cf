package console

import (
	"net/http"
	"strings"
)

func (s *Server) showOverview(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusOK, "overview", "Overview", s.newest())
}

// live serves what changes, and counts who looks at which page meanwhile.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	tab := r.URL.Query().Get("page")
	s.countTab(tab, 1)
	defer s.countTab(tab, -1)
	s.hub.serve(w, r)
}

func (s *Server) countTab(tab string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tabs[tab] += n; s.tabs[tab] == 0 {
		delete(s.tabs, tab)
	}
}

// running are the newest runs of these kinds.
func (s *Server) running(kinds ...string) []jobView {
	var list []jobView
	for _, kind := range kinds {
		j, ok := s.jobs.get(kind)
		if !ok {
			j.Title = ""
		}
		list = append(list, jobView{Kind: kind, job: j, Now: s.o.Now()})
	}
	return list
}

func (s *Server) stopJob(w http.ResponseWriter, r *http.Request) {
	s.jobs.stop(r.PathValue("kind"))
	w.WriteHeader(http.StatusNoContent) // the run shows that it ends
}

// started answers a form: with the page that shows the run.
func (s *Server) started(w http.ResponseWriter, r *http.Request, ok bool, to string) {
	if !ok {
		http.Error(w, "Such a run is already under way; stop it, or wait until it ends.", http.StatusConflict)
		return
	}
	if r.Header.Get("HX-Request") != "" {
		w.WriteHeader(http.StatusNoContent) // the run shows itself
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// sentence begins an error's text as one.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }
