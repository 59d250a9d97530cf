package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"

	"s3fanout/internal/operator/document"
)

func (s *Server) showOverview(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusOK, "overview", "Overview", s.newest())
}

// maxKey is S3's limit, in bytes
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
const maxKey = 1024

func checkKey(key string) error {
	switch {
	case !utf8.ValidString(key):
		return errors.New("this is not UTF-8, as every key of S3 is")
	case len(key) > maxKey:
		return fmt.Errorf("this has %d bytes; a key of S3 has %d at most", len(key), maxKey)
	}
	return nil
}

// keyView is what the page about a key shows.
type keyView struct {
	Key              string
	Error            string
	Found            *document.Explain
	Moments          []moment
	Past             string // why not all of them are known
	Replay, Backfill bool
}

func (s *Server) showKey(w http.ResponseWriter, r *http.Request) {
	v := keyView{Key: r.URL.Query().Get("key")}
	status := http.StatusOK
	if err := checkKey(v.Key); err != nil {
		v.Error, v.Key, status = err.Error(), "", http.StatusBadRequest
	} else if v.Key != "" {
		found, err := s.o.Source.Explain(r.Context(), v.Key)
		if err != nil {
			v.Error, status = err.Error(), http.StatusBadGateway
		} else {
			past, err := s.o.Source.History(r.Context(), v.Key)
			if err != nil {
				v.Past = err.Error()
			}
			v.Found, v.Moments = &found, moments(past, found.Letters)
			v.Replay, v.Backfill = fixable(found)
		}
	}
	s.show(w, status, "key", "Key", v)
}

// completeKey lists keys that begin with what was typed.
func (s *Server) completeKey(w http.ResponseWriter, r *http.Request) {
	prefix := r.URL.Query().Get("key")
	var names []string
	if prefix != "" && checkKey(prefix) == nil {
		names, _ = s.o.Source.Keys(r.Context(), prefix) // nothing to complete with, and explain will say why
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(s.fragment("names", names))) //nolint:gosec // the template escapes the names
}

// choice reads which dead letters a form means.
func choice(r *http.Request) Letters {
	return Letters{Region: r.FormValue("region"), Reason: r.FormValue("reason"), Prefix: r.FormValue("prefix"), Key: r.FormValue("only")}
}

func (s *Server) showLetters(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	v := s.queues.view(choice(r))
	s.mu.Unlock()
	s.show(w, http.StatusOK, "letters", "Dead letters", struct {
		lettersView

		Jobs []jobView
	}{v, s.running("letters", "replay")})
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

func (s *Server) readLetters(w http.ResponseWriter, r *http.Request) {
	ok := s.jobs.start("letters", "Read the dead-letter queues", func(ctx context.Context, tell func(string, int64, int64)) (string, error) {
		d, err := s.o.Source.DeadLetters(ctx, func(n int) { tell(fmt.Sprintf("%s read", count(n)), int64(n), 0) })
		if err != nil && len(d.Regions) == 0 {
			return "", err
		}
		read := newQueues(d, s.o.Now()) // takes seconds for many
		s.mu.Lock()
		s.queues = read
		s.mu.Unlock()
		text := count(len(d.Letters)) + " dead letters are in the queues."
		if err != nil {
			return "", fmt.Errorf("at least %s %w", text, err)
		}
		return text, nil
	})
	s.started(w, r, ok, "/letters")
}

func (s *Server) startReplay(w http.ResponseWriter, r *http.Request) {
	chosen := choice(r)
	if chosen.Region != "" && !slices.Contains(s.o.Regions, chosen.Region) || checkKey(chosen.Prefix) != nil || checkKey(chosen.Key) != nil {
		http.Error(w, "These dead letters cannot be chosen: no such Region, or a prefix that no key has.", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	total := int64(s.queues.view(chosen).Chosen)
	s.mu.Unlock()
	ok := s.jobs.start("replay", "Replay "+chosen.title(), func(ctx context.Context, tell func(string, int64, int64)) (string, error) {
		done, left := int64(0), int64(0)
		d, err := s.o.Source.Replay(ctx, chosen, func(l document.RedriveLetter) {
			if l.Outcome == "skipped" {
				return
			}
			if done++; l.Outcome != "replayed" {
				left++
			}
			s.noteReplayed(l)
			tell(fmt.Sprintf("%s replayed, %s not", count(done-left), count(left)), done, total)
		})
		text := fmt.Sprintf("%s replayed, %s of the chosen left.", count(done-left), count(left))
		switch {
		case d.Interrupted:
			return text, ctx.Err()
		case err != nil:
			return "", fmt.Errorf("%s %w", text, err)
		case left > 0:
			return "", errors.New(text + " Their reasons are below.")
		}
		return text, nil
	})
	s.started(w, r, ok, "/letters")
}

func (s *Server) noteReplayed(l document.RedriveLetter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues.note(l)
}

func (s *Server) stopJob(w http.ResponseWriter, r *http.Request) {
	s.jobs.stop(r.PathValue("kind"))
	w.WriteHeader(http.StatusNoContent) // the run shows that it ends
}

// started answers a form: with the page that shows the run.
func (s *Server) started(w http.ResponseWriter, r *http.Request, ok bool, to string) {
	if !ok {
		http.Error(w, "One of these runs goes on already; stop it, or wait for its end.", http.StatusConflict)
		return
	}
	if r.Header.Get("HX-Request") != "" {
		w.WriteHeader(http.StatusNoContent) // the run shows itself
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
