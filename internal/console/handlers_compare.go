package console

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
)

func (s *Server) showComparison(w http.ResponseWriter, r *http.Request) {
	s.show(w, http.StatusOK, "compare", "Compare", struct {
		compareView

		Jobs []jobView
	}{s.compared.view(r.URL.Query().Get("within")), s.running("verify", "plan", "backfill")})
}

func (s *Server) startVerify(w http.ResponseWriter, r *http.Request) {
	prefix := r.FormValue("prefix")
	if err := checkKey(prefix); err != nil {
		http.Error(w, "The prefix: "+err.Error(), http.StatusBadRequest)
		return
	}
	title := "Compare all keys"
	if prefix != "" {
		title = "Compare keys that begin with “" + printable.Escape(prefix) + "”"
	}
	ok := s.jobs.start("verify", title, func(ctx context.Context, tell func(string, int64, int64)) (string, error) {
		s.compared.begin(prefix)
		found := int64(0)
		summary, err := s.o.Source.Verify(ctx, prefix, func(keys, waiting int64) {
			text := fmt.Sprintf("%s keys, %s not the same everywhere", count(keys), count(found))
			if waiting > 0 {
				text += fmt.Sprintf(", waiting for %s that are new", count(waiting))
			}
			tell(text, keys, 0)
		}, func(d document.VerifyDifference) {
			found++
			s.compared.add(d)
		})
		s.compared.end(summary)
		text := fmt.Sprintf("%s keys compared, %s equal.", count(summary.Keys), count(summary.Equal))
		if ctx.Err() != nil {
			return text, ctx.Err()
		}
		return text, err
	})
	s.started(w, r, ok, "/compare")
}

// missing reads what a form wants copied.
func missing(r *http.Request) (Missing, error) {
	if err := r.ParseForm(); err != nil {
		return Missing{}, err
	}
	m := Missing{Prefix: r.PostForm.Get("prefix"), Keys: r.PostForm["key"]}
	for _, key := range append(m.Keys, m.Prefix) {
		if err := checkKey(key); err != nil {
			return Missing{}, err
		}
	}
	return m, nil
}

func (s *Server) startPlan(w http.ResponseWriter, r *http.Request) {
	m, err := missing(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m.DryRun = true
	ok := s.jobs.start("plan", "See what is missing, and what it costs to copy it", func(ctx context.Context, tell func(string, int64, int64)) (string, error) {
		d, err := s.o.Source.Backfill(ctx, m, func(_, missing int) { tell(count(missing)+" missing so far", int64(missing), 0) })
		if err != nil {
			return "", err
		}
		m.DryRun = false
		if d.Estimate != nil {
			m.Limit = limitOf(*d.Estimate)
		}
		p := plan{ID: rand.Text(), Missing: m}
		s.mu.Lock()
		s.plan = &p
		s.mu.Unlock()
		s.compared.setPlan(d, p)
		return "The plan is below.", nil
	})
	s.started(w, r, ok, "/compare")
}

// startBackfill carries a plan out that somebody saw, once, for at most what it says.
func (s *Server) startBackfill(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	p := s.plan
	if p != nil && p.ID == r.PostFormValue("plan") {
		s.plan = nil
	} else {
		p = nil
	}
	s.mu.Unlock()
	if p == nil {
		http.Error(w, "This plan is not the newest, or was carried out; make a new one.", http.StatusConflict)
		return
	}
	m := p.Missing
	ok := s.jobs.start("backfill", "Copy what is missing", func(ctx context.Context, tell func(string, int64, int64)) (string, error) {
		d, err := s.o.Source.Backfill(ctx, m, func(done, missing int) {
			tell(fmt.Sprintf("%s of %s copied", count(done), count(missing)), int64(done), int64(missing))
		})
		copied, failed := 0, 0
		for _, t := range d.Targets {
			copied, failed = copied+t.Copied+t.Replaced, failed+t.Failed
		}
		text := fmt.Sprintf("%s copied, %s failed, %s left.", count(copied), count(failed), count(d.Left))
		if ctx.Err() != nil {
			return text, ctx.Err()
		}
		return text, err
	})
	s.started(w, r, ok, "/compare")
}
