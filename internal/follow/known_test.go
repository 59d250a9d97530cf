package follow

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/copier"
)

// Two writes of one second are ordered by the stack of their Region, which is asked
// wherever it is.
func TestWritesOfOneSecond(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "one")
	w.follow(request("k"), copier.Copied)
	w.put(here, "k", "two")
	w.follow(request("k"), copier.Replaced)
	w.want("HEAD target", "HEAD source", "COPY target", "HEAD target", "HEAD source", "LIST source", "COPY target")
	// Of a Region that is neither.
	w.put(third, "k2", "one")
	one := w.write(third, "k2")
	w.put(third, "k2", "two")
	two := w.write(third, "k2")
	w.replica(here, "k2", "one", one)
	w.replica(there, "k2", "two", two)
	r := request("k2")
	r.Replicas = true
	w.follow(r, copier.Superseded)
	w.want("HEAD target", "HEAD source", "HEAD "+third, "LIST "+third)
	w.replica(here, "k3", "two", two)
	w.replica(there, "k3", "one", one)
	// Of one that is no member any more nobody asks: the order is one all the same.
	w.follower.origin = func(string) (string, bool) { return "", false }
	r = request("k3")
	r.Replicas = true
	got, err := w.follower.Follow(t.Context(), r)
	if want := map[bool]copier.Outcome{true: copier.Replaced, false: copier.Superseded}[two.VersionID > one.VersionID]; err != nil ||
		got.Outcome != want {
		t.Errorf("%+v, %v, want %s", got, err, want)
	}
}

// What s3fanout copied is copied on where that is asked for, unless its origin has
// destroyed it.
func TestARegionThatJoins(t *testing.T) {
	w := newWorld(t)
	version := w.put(third, "k", "theirs")
	w.replica(here, "k", "theirs", w.write(third, "k"))
	w.replica(here, "k2", "theirs", w.write(third, "k"))
	joins := func(key string) Request { r := request(key); r.Replicas = true; return r }
	w.follow(request("k"), copier.Superseded)
	w.follow(joins("k"), copier.Copied)
	w.want("HEAD target", "HEAD source", "HEAD target", "HEAD source", "HEAD "+third, "COPY target")
	if w.write(there, "k") != w.write(third, "k") {
		t.Errorf("the replica is of %+v", w.write(there, "k"))
	}
	w.remove(third, "k", version)
	w.follow(joins("k2"), copier.Superseded)
	if w.look(there, "k2") != nil {
		t.Error("what its origin has destroyed was copied")
	}
}

// Replicas from before following carry no origin. Those with the same contents are
// one write, up to the time that is configured.
func TestReplicasWithoutAnOrigin(t *testing.T) {
	for _, since := range []time.Duration{time.Hour, -time.Hour, 0} {
		var options []Option
		if since != 0 {
			options = append(options, WithSince(time.Now().Add(since)))
		}
		t.Run(since.String(), func(t *testing.T) {
			w := newWorld(t, options...)
			w.put(here, "k", "x")
			w.later()
			w.put(there, "k", "x")
			outcome := copier.Superseded
			if since > 0 {
				outcome = copier.Exists
			}
			w.follow(request("k"), outcome)
			w.remove(here, "k", "")
			outcome = copier.Superseded // a later write of the same bytes is none
			if since > 0 {
				outcome = copier.Deleted
			}
			w.follow(deletion("k"), outcome)
			// Other contents are another write.
			w.put(here, "k2", "x")
			w.later()
			w.put(there, "k2", "y")
			w.remove(here, "k2", "")
			w.follow(deletion("k2"), copier.Superseded)
		})
	}
}

// A deletion that fails is tried again, after other looks.
func TestDeletionsAreTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "x")
	w.follow(request("k"), copier.Copied)
	w.remove(here, "k", "")
	w.requests()
	w.refuse("DELETE "+there, 1, http.StatusServiceUnavailable, "SlowDown")
	w.follow(deletion("k"), copier.Deleted)
	round := []string{"HEAD target", "HEAD source", "LIST source", "DELETE target"}
	w.want(append(round, round...)...)
}

// The marker over a greater write is looked under: what was deleted here stays so.
func TestWrittenOverADeletion(t *testing.T) {
	w := newWorld(t)
	w.put(there, "k", "theirs")
	theirs := w.write(there, "k")
	w.remove(there, "k", "")
	w.replica(here, "k", "theirs", theirs)
	r := request("k")
	r.Replicas = true // as a backfill asks
	w.follow(r, copier.Superseded)
	w.later()
	w.put(here, "k", "again")
	w.requests()
	w.follow(request("k"), copier.Copied)
	w.want("HEAD target", "HEAD source", "LIST target", "HEAD target", "COPY target")
}

// So does one while the clock is waited for.
func TestCancellationOfAWait(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "x")
	w.ahead[there] = -time.Second
	w.follower.sleep = func(context.Context, time.Duration) error { return context.Canceled }
	w.refused(request("k"), copier.Retryable, "context canceled")
}

// A cancellation ends at once, and says so.
func TestCancellation(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "x")
	ctx, cancel := context.WithCancel(t.Context())
	w.before = func(op string, _ *http.Request) *http.Response {
		if strings.HasPrefix(op, "COPY") {
			cancel()
		}
		return nil
	}
	got, err := w.follower.Follow(ctx, request("k"))
	e, is := err.(*copier.Error) //nolint:errorlint // that it is one is the contract
	if !is || e.Class != copier.Retryable || got.Outcome != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if n := strings.Count(strings.Join(w.requests(), " "), "COPY"); n != 1 {
		t.Errorf("%d copies", n)
	}
}
