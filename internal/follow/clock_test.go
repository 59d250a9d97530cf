package follow

import (
	"context"
	"fmt"
	"testing"
	"time"

	"s3fanout/internal/copier"
)

// The function acts on a write in a later second of the target's clock only, and
// that is the Date of its answers.
func TestTheClockIsWaitedOut(t *testing.T) {
	w := newWorld(t)
	w.ahead[there] = 0
	w.put(here, "k", "x")
	got := w.follow(request("k"), copier.Copied)
	written, made := w.write(there, "k").Seconds, w.look(there, "k").LastModified.Unix()
	if got.Waited == 0 || made <= written {
		t.Errorf("waited %s; the write is of second %d, its replica of %d", got.Waited, written, made)
	}
	w.ahead[there] = 10 * time.Second
	w.later()
	w.put(here, "k", "y")
	if got := w.follow(request("k"), copier.Replaced); got.Waited != 0 {
		t.Errorf("waited %s for nothing", got.Waited)
	}
}

func TestTheClockIsWaitedOutForDeletions(t *testing.T) {
	w := newWorld(t)
	w.put(there, "k", "theirs")
	w.later()
	w.put(here, "k", "x")
	w.remove(here, "k", "")
	w.ahead[there] = 0
	if got := w.follow(deletion("k"), copier.Deleted); got.Waited == 0 {
		t.Error("did not wait")
	}
}

// A Region with nothing to delete keeps no trace of a deletion. What is written there
// next has to be greater than what was deleted, or it would be shown there, and be
// beaten in the Region of the deletion.
func TestTheClockIsWaitedOutForDeletionsOfNothing(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "x")
	w.remove(here, "k", "")
	r := deletion("k")
	r.At = w.now
	w.ahead[there] = -3 * time.Second
	if got := w.follow(r, copier.SourceGone); got.Waited < 3*time.Second {
		t.Errorf("waited %s", got.Waited)
	}
	w.ahead[there] = -10 * time.Minute
	w.refused(r, copier.Retryable, "ahead")
}

func TestClocksApart(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "x")
	w.ahead[there] = -10 * time.Minute
	w.refused(request("k"), copier.Retryable, "the clock of S3 in us-east-1 is ahead of that in eu-west-1 by")
	if w.slept != 0 {
		t.Errorf("slept %s for nothing", w.slept)
	}
	// By less it is waited for.
	w.ahead[there] = -3 * time.Second
	if got := w.follow(request("k"), copier.Copied); got.Waited < 3*time.Second || got.Waited > MaxWait || got.Waited != w.slept {
		t.Errorf("waited %s, and slept %s", got.Waited, w.slept)
	}
	// A clock that stands is not waited for without end.
	w.follower.sleep = func(ctx context.Context, d time.Duration) error { w.slept += d; return ctx.Err() }
	w.later()
	w.put(here, "k", "y")
	w.slept = 0
	w.refused(request("k"), copier.Retryable, "ahead")
	if w.slept < MaxWait || w.slept > MaxWait+time.Second {
		t.Errorf("slept %s", w.slept)
	}
	// Redriven once the time has passed.
	w.ahead[there] = 10 * time.Second
	w.follow(request("k"), copier.Replaced)
	// What is not greater is not waited for.
	w.ahead[there] = -10 * time.Minute
	w.follow(request("k"), copier.Exists)
}

// A key that is written again and again, faster than its seconds pass, was taken for
// a clock that is ahead "by 0s or more": three tries of six seconds each ended as a
// dead letter for every write. What is newer is announced itself, and the last write
// is followed.
func TestAKeyThatIsWrittenWithoutRest(t *testing.T) {
	w := newWorld(t)
	w.ahead[there] = 0
	w.put(here, "k", "first")
	for _, every := range []time.Duration{100 * time.Millisecond, waitStep} {
		var since time.Duration
		writes := 0
		w.follower.sleep = func(ctx context.Context, d time.Duration) error {
			w.mu.Lock()
			w.now, w.slept = w.now.Add(d), w.slept+d
			w.mu.Unlock()
			for since += d; since >= every; since -= every {
				w.put(here, "k", fmt.Sprint(every, writes))
				writes++
			}
			return ctx.Err()
		}
		w.slept = 0
		got, err := w.follower.Follow(t.Context(), request("k"))
		if err != nil || got.Outcome != copier.Superseded && got.Outcome != copier.Copied && got.Outcome != copier.Replaced {
			t.Errorf("written every %s: %s, %v", every, got.Outcome, err)
		}
		if w.slept > MaxWait+time.Second {
			t.Errorf("written every %s: slept %s", every, w.slept)
		}
	}
	w.follower.sleep = func(ctx context.Context, d time.Duration) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now = w.now.Add(d)
		return ctx.Err()
	}
	if _, err := w.follower.Follow(t.Context(), request("k")); err != nil {
		t.Error(err)
	}
	if got, want := w.body(there, "k"), w.body(here, "k"); got != want {
		t.Errorf("the last write is %q there and %q here", got, want)
	}
	// A write that was destroyed makes nothing newer of the one beneath it.
	w.ahead[there] = -4 * time.Second
	w.put(here, "k", "kept")
	version := w.put(here, "k", "destroyed")
	w.follower.sleep = func(ctx context.Context, d time.Duration) error {
		w.mu.Lock()
		w.now = w.now.Add(d)
		w.mu.Unlock()
		if version != "" {
			w.remove(here, "k", version)
			version = ""
		}
		return ctx.Err()
	}
	w.follow(request("k"), copier.Replaced)
	if got := w.body(there, "k"); got != "kept" {
		t.Errorf("%q is shown there", got)
	}
}

// Where a user writes five times a second, some looks still find a second that has
// passed, since their steps vary: of ten calls not one gets through once in ten million
// runs.
func TestAKeyThatIsWrittenWithoutRestGetsThrough(t *testing.T) {
	w := newWorld(t)
	w.ahead[there] = 0
	w.put(here, "k", "first")
	const every = 211 * time.Millisecond
	var since time.Duration
	writes := 0
	w.follower.sleep = func(ctx context.Context, d time.Duration) error {
		for d > 0 {
			step := min(d, every-since)
			w.mu.Lock()
			w.now = w.now.Add(step)
			w.mu.Unlock()
			d, since = d-step, since+step
			if since == every {
				since = 0
				writes++
				w.put(here, "k", fmt.Sprint(writes))
			}
		}
		return ctx.Err()
	}
	copied := 0
	for range 10 {
		got, err := w.follower.Follow(t.Context(), request("k"))
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome == copier.Copied || got.Outcome == copier.Replaced {
			copied++
		}
		writes++
		w.put(here, "k", fmt.Sprint(writes)) // which the next call is told of
	}
	if copied == 0 {
		t.Errorf("none of %d writes is there", writes)
	}
}
