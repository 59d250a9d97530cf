package follow

import (
	"testing"

	"s3fanout/internal/copier"
)

// What is asked of S3 is what the docs say that it costs.
func TestRequests(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "one")
	w.follow(request("k"), copier.Copied)
	w.want("HEAD target", "HEAD source", "COPY target")
	w.follow(request("k"), copier.Exists)
	w.want("HEAD target", "HEAD source")

	w.later()
	w.put(here, "k", "two")
	w.follow(request("k"), copier.Replaced)
	w.want("HEAD target", "HEAD source", "COPY target")
	w.follow(request("k"), copier.Exists)
	w.want("HEAD target", "HEAD source")
	if got := w.body(there, "k"); got != "two" {
		t.Errorf("the target has %q", got)
	}

	w.remove(here, "k", "")
	w.follow(deletion("k"), copier.Deleted)
	w.want("HEAD target", "HEAD source", "LIST source", "DELETE target")
	if w.look(there, "k") != nil {
		t.Error("the target still has the key")
	}
	w.follow(deletion("k"), copier.SourceGone)
	w.follow(request("k"), copier.SourceGone)
	w.want("HEAD target", "HEAD source", "HEAD target", "HEAD source")
	if n := w.versions(there, "k"); n != 2 {
		t.Errorf("the target keeps %d versions, want both", n)
	}

	w.put(here, "short", "lived")
	w.remove(here, "short", "")
	w.follow(request("short"), copier.SourceGone)
	w.follow(deletion("short"), copier.SourceGone)
	w.want("HEAD target", "HEAD source", "HEAD target", "HEAD source")
	if n := w.versions(there, "short"); n != 0 {
		t.Errorf("the target got %d versions", n)
	}

	// A replica event, as when the filter is gone: the other way round.
	w.put(there, "e", "theirs")
	w.replica(here, "e", "theirs", w.write(there, "e"))
	w.follow(request("e"), copier.Superseded)
	w.want("HEAD target", "HEAD source")

	// The first write of a function asks whether versions are kept.
	w.follower.versioned = w.follower.versioned.Add(-versioningHolds)
	w.put(here, "v", "x")
	w.follow(request("v"), copier.Copied)
	w.later()
	w.put(here, "v", "y")
	w.follow(request("v"), copier.Replaced)
	w.want("HEAD target", "HEAD source", "VERSIONING target", "COPY target", "HEAD target", "HEAD source", "COPY target")
}
