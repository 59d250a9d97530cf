package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"s3fanout/internal/operator/document"
)

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
	Key      string
	Version  int
	Jobs     []jobView
	Error    string
	Found    *document.Explain
	Unread   bool // the dead letters were not read: a run has them
	Moments  []moment
	Past     string // why not all of them are known
	Backfill bool   // can copy it
}

// Query names the key in a link.
func (v keyView) Query() string { return url.Values{"key": {v.Key}}.Encode() }

func (s *Server) showKey(w http.ResponseWriter, r *http.Request) {
	v, status := s.key(r)
	s.show(w, status, "key", "Key", v)
}

func (s *Server) keyPart(w http.ResponseWriter, r *http.Request) {
	v, _ := s.key(r) // an error is shown in its place
	s.showPart(w, "key-part", v)
}

// key asks about the key that a request names.
func (s *Server) key(r *http.Request) (v keyView, status int) {
	v = keyView{Key: r.URL.Query().Get("key"), Version: s.news["ended"].now(), Jobs: s.running("replay")}
	if err := checkKey(v.Key); err != nil {
		v.Error, v.Key = err.Error(), ""
		return v, http.StatusBadRequest
	}
	if v.Key == "" {
		return v, http.StatusOK
	}
	found, unread, err := s.explain(r.Context(), v.Key)
	v.Unread = unread
	if err != nil {
		v.Error = err.Error()
		return v, http.StatusBadGateway
	}
	past, err := s.o.Source.History(r.Context(), v.Key)
	if err != nil {
		v.Past = err.Error()
	}
	v.Found, v.Moments = &found, moments(past, found.Letters)
	v.Backfill = copyable(found)
	return v, http.StatusOK
}

// explain has the turn only while dead letters are read. While a run has it, they are
// not read, as what is held here would be missed; the rest is known without.
func (s *Server) explain(ctx context.Context, key string) (d document.Explain, unread bool, err error) {
	d, err = s.o.Source.Explain(ctx, key, func(ctx context.Context) (end func(), err error) {
		end, err = s.turn.key(ctx)
		unread = errors.Is(err, errHeld)
		return end, err
	})
	return d, unread, err
}

// completeKey lists keys that begin with what was typed.
func (s *Server) completeKey(w http.ResponseWriter, r *http.Request) {
	prefix := r.URL.Query().Get("key")
	var names []string
	if prefix != "" && checkKey(prefix) == nil {
		names, _ = s.o.Source.Keys(r.Context(), prefix) // nothing to complete with, and explain will say why
		names = slices.DeleteFunc(names, func(name string) bool { return !fits(name) })
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(s.fragment("names", names))) //nolint:gosec // the template escapes the names
}
