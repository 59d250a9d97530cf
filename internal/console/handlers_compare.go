package console

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/printable"
)

// comparePage is the page about the comparison, of which a part changes.
type comparePage struct {
	compareView

	Jobs []jobView
}

func (s *Server) comparison(r *http.Request) compareView {
	version := s.news["compared"].now()
	v := s.compared.view(r.URL.Query().Get("within"), r.URL.Query().Get("kind"))
	v.Version = version
	return v
}

// showComparison says of a run that it has ended only beside the list that it left.
func (s *Server) showComparison(w http.ResponseWriter, r *http.Request) {
	s.show(w, http.StatusOK, "compare", "Compare", comparePage{
		Jobs: s.running("verify", "plan", "backfill"), compareView: s.comparison(r),
	})
}

func (s *Server) comparisonPart(w http.ResponseWriter, r *http.Request) {
	s.showPart(w, "compare-part", s.comparison(r))
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
	ok := s.jobs.start("verify", title, func(ctx context.Context, tell progress) (string, error) {
		s.compared.begin(prefix)
		s.news["compared"].changed()
		defer s.news["compared"].changed()
		found := int64(0)
		summary, err := s.o.Source.Verify(ctx, prefix, func(keys, waiting int64) {
			text := fmt.Sprintf("%s, %s not the same everywhere", plural(keys, "key"), count(found))
			if waiting > 0 {
				text += fmt.Sprintf(", waiting for %s that are new", count(waiting))
			}
			tell(text, keys, 0)
		}, func(d document.VerifyDifference) {
			found++
			s.compared.add(d)
			s.news["compared"].changed()
		})
		s.compared.end(summary, err != nil)
		text := fmt.Sprintf("%s compared, %s equal.", plural(summary.Keys, "key"), count(summary.Equal))
		switch {
		case ctx.Err() != nil:
			return text, ctx.Err()
		case err != nil:
			return "", fmt.Errorf("%w; %s compared until then", err, plural(summary.Keys, "key"))
		}
		return text, nil
	})
	s.started(w, r, ok, "/compare")
}

// missing reads what a form wants copied.
func missing(r *http.Request) (Missing, error) {
	if err := decodeFields(r); err != nil {
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
		http.Error(w, sentence(err.Error()), http.StatusBadRequest)
		return
	}
	m.DryRun = true
	const title = "See what is missing, and what it costs to copy it"
	ok := s.jobs.start("plan", title, func(ctx context.Context, tell progress) (string, error) {
		s.compared.forgetPlan()
		s.news["compared"].changed()
		defer s.news["compared"].changed()
		d, err := s.o.Source.Backfill(ctx, m, func(_, missing int) { tell(count(missing)+" missing so far", int64(missing), 0) })
		if ctx.Err() != nil {
			return "There is no plan.", ctx.Err()
		}
		if err != nil {
			return "", err
		}
		m.DryRun = false
		if d.Estimate != nil {
			m.Limit = limitOf(*d.Estimate)
		}
		s.compared.setPlan(d, plan{ID: rand.Text(), Missing: m})
		return "The plan is below.", nil
	})
	s.started(w, r, ok, "/compare")
}

// startBackfill carries a plan out that somebody saw, once, for at most what it says.
func (s *Server) startBackfill(w http.ResponseWriter, r *http.Request) {
	p, ok := s.compared.takePlan(r.PostFormValue("plan"))
	if !ok {
		http.Error(w, "This plan is not the newest, or was carried out; make a new one.", http.StatusConflict)
		return
	}
	m := p.Missing
	ok = s.jobs.start("backfill", "Copy what is missing", func(ctx context.Context, tell progress) (string, error) {
		s.news["compared"].changed()
		defer s.news["ended"].changed()
		defer s.news["compared"].changed()
		d, err := s.o.Source.Backfill(ctx, m, func(done, missing int) {
			tell(fmt.Sprintf("%s of %s copied", count(done), count(missing)), int64(done), int64(missing))
		})
		if errors.Is(err, ErrOverLimit) {
			s.compared.endPlan(p, d, err.Error())
			return "", fmt.Errorf("nothing was copied: %w; make a new plan", err)
		}
		s.compared.endPlan(p, d, "")
		copied, failed := 0, 0
		for _, t := range d.Targets {
			copied, failed = copied+copiedTo(t), failed+t.Failed
		}
		text := fmt.Sprintf("%s copied, %s failed, %s left.", count(copied), count(failed), count(d.Left))
		switch {
		case ctx.Err() != nil:
			return text, ctx.Err()
		case err != nil:
			return "", fmt.Errorf("%w; %s", err, text)
		case failed > 0 || d.Left > 0:
			return "", errors.New(text + " What failed is below, with its reasons.")
		}
		return text, nil
	})
	if !ok {
		s.compared.givePlanBack(p)
	}
	s.started(w, r, ok, "/compare")
}
