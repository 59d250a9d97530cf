package follow

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/copier"
	"s3fanout/internal/policy"
)

// What changes between look and write is seen by the condition, and decided anew.
func TestRivals(t *testing.T) {
	copied := []string{"HEAD target", "HEAD source", "COPY target"}
	for _, tt := range []struct {
		name    string
		before  func(w *world) // with "k" written at the source, and followed
		rival   func(w *world) // between look and write
		want    copier.Outcome
		shows   string
		request Request
		asked   []string
	}{
		{"a greater write over nothing", func(w *world) { w.put(here, "k2", "x") },
			func(w *world) { w.later(); w.put(there, "k2", "theirs") }, copier.Superseded, "theirs", request("k2"),
			append(copied, "HEAD target", "HEAD source")},
		{"a lesser write over nothing", func(w *world) { w.put(here, "k2", "x") },
			func(w *world) { w.replica(there, "k2", "old", policy.Write{Region: third, VersionID: "v", Seconds: 7}) },
			copier.Replaced, "x", request("k2"), append(copied, copied...)},
		{"a greater write over another", func(w *world) { w.put(here, "k", "x") },
			func(w *world) { w.later(); w.put(there, "k", "theirs") }, copier.Superseded, "theirs", request("k"),
			append(copied, "HEAD target", "HEAD source")},
		{"a deletion at the target", func(w *world) { w.put(here, "k", "x") },
			func(w *world) { w.remove(there, "k", "") }, copier.Copied, "x", request("k"),
			append(copied, "HEAD target", "HEAD source", "LIST target", "HEAD target", "COPY target")},
		{"a deletion at the source", func(w *world) { w.put(here, "k", "x") },
			func(w *world) { w.remove(here, "k", "") }, copier.Replaced, "x", request("k"), copied}, // its event comes
		{"the version destroyed at the source", func(w *world) { w.put(here, "k2", "x") },
			func(w *world) { w.remove(here, "k2", *w.look(here, "k2").VersionId) }, copier.SourceGone, "", request("k2"),
			append(copied, "HEAD target", "HEAD source", "LIST source")},
		{"a greater write while it is deleted", func(w *world) { w.remove(here, "k", "") },
			func(w *world) { w.later(); w.put(there, "k", "theirs") }, copier.Superseded, "theirs", deletion("k"),
			[]string{"HEAD target", "HEAD source", "LIST source", "DELETE target", "HEAD target", "HEAD source", "LIST source"}},
		{"a deletion while it is deleted", func(w *world) { w.remove(here, "k", "") },
			func(w *world) { w.remove(there, "k", "") }, copier.SourceGone, "", deletion("k"),
			[]string{"HEAD target", "HEAD source", "LIST source", "DELETE target", "HEAD target", "HEAD source"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.put(here, "k", "first")
			w.follow(request("k"), copier.Copied)
			w.requests()
			w.later()
			tt.before(w)
			w.interfere(map[bool]string{true: "DELETE ", false: "COPY "}[tt.request.Kind == Deleted]+there, func() { tt.rival(w) })
			w.follow(tt.request, tt.want)
			w.want(tt.asked...)
			if got := w.body(there, tt.request.Source.Key); got != tt.shows {
				t.Errorf("the target has %q, want %q", got, tt.shows)
			}
		})
	}
}

// A copy over nothing that took long may have come after its own deletion.
func TestASlowCopyIsLookedAfter(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "x")
	w.interfere("COPY "+there, func() {
		w.remove(here, "k", "")
		w.mu.Lock()
		defer w.mu.Unlock()
		w.spent += slowCopy + 1
	})
	w.follow(request("k"), copier.Deleted)
	if w.look(there, "k") != nil {
		t.Error("the target has what was deleted")
	}
	w.want("HEAD target", "HEAD source", "COPY target", "HEAD target", "HEAD source", "LIST source", "DELETE target")
}

// A write whose answer is a failure begins with other looks, and another second:
// the entry is of the copy that was made.
func TestWritesAreTriedAgain(t *testing.T) {
	for status, code := range map[int]string{http.StatusServiceUnavailable: "SlowDown", http.StatusInternalServerError: "InternalError"} {
		t.Run(code, func(t *testing.T) { testTriedAgain(t, status, code) })
	}
}

func testTriedAgain(t *testing.T, status int, code string) {
	w := newWorld(t)
	w.put(here, "k", "x")
	w.refuse("COPY "+there, 2, status, code)
	refuse := w.before
	var entries []string
	w.before = func(op string, r *http.Request) *http.Response {
		if strings.HasPrefix(op, "COPY") {
			entries = append(entries, r.Header.Get("X-Amz-Meta-"+policy.EntryName))
			w.later()
		}
		return refuse(op, r)
	}
	w.follow(request("k"), copier.Copied)
	round := []string{"HEAD target", "HEAD source", "COPY target"}
	w.want(slices.Concat(round, round, round)...)
	if len(entries) != 3 || entries[0] == entries[1] || entries[1] == entries[2] {
		t.Errorf("entries %q, want another second in each", entries)
	}
	w.refuse("COPY "+there, 99, status, code)
	w.later()
	w.put(here, "k", "y")
	w.refused(request("k"), copier.Retryable, code)
	if n := strings.Count(strings.Join(w.requests(), " "), "COPY"); n != maxFailures {
		t.Errorf("%d copies, want %d", n, maxFailures)
	}
}

func TestWhatIsDeniedIsNotTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "x")
	w.refuse("COPY "+there, 99, http.StatusForbidden, "AccessDenied")
	w.refused(request("k"), copier.Denied, "AccessDenied")
	w.want("HEAD target", "HEAD source", "COPY target")
}

// An endless quarrel ends as an error.
func TestAKeyThatNeverRests(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "x")
	w.refuse("COPY "+there, 99, http.StatusPreconditionFailed, "PreconditionFailed")
	w.refused(request("k"), copier.Retryable, "the key changed 12 times")
}
