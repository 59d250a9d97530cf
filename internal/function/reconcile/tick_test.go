package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/replicaset"
)

// copying calls a function before each copy.
type copying struct {
	reconcile.Copier
	before func(context.Context, copier.Request) error
}

func (c copying) Copy(ctx context.Context, r copier.Request) (copier.Result, error) {
	if err := c.before(ctx, r); err != nil {
		return copier.Result{}, err
	}
	return c.Copier.Copy(ctx, r)
}

// Each tick is one read until a comparison is due again.
func TestATickWithNothingDueIsOneRead(t *testing.T) {
	w := newWorld(t, nil)
	w.Put(there, "a", "a")
	began := w.Now().Add(reconcile.Grace)
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 1, Missing: 1, Repaired: 1})
	if s := w.checkpoints.state(t); !s.Proof.Equal(began) || !s.Began.IsZero() || s.Lease != nil {
		t.Errorf("after a complete comparison: %+v", s)
	}
	lists, saves := w.Calls("ListObjectsV2"), w.checkpoints.saves
	w.Pass(w.config.Every - 3*reconcile.Grace)
	if a := w.tick(); a.Status != reconcile.Idle || !a.Done {
		t.Errorf("got %+v", a)
	}
	if w.Calls("ListObjectsV2") != lists || w.checkpoints.saves != saves {
		t.Error("a tick with nothing due lists or saves something")
	}
	w.Pass(reconcile.Grace)
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 1})
}

// Before its time is up an invocation ends between two keys, and the next tick goes on
// there: each key is compared once.
func TestTheNextTickGoesOn(t *testing.T) {
	for _, parallel := range []int{1, 8} {
		t.Run(fmt.Sprint(parallel), func(t *testing.T) {
			w := newWorld(t, nil)
			const n = 40
			for i := range n {
				w.Put(there, fmt.Sprintf("%02d/lost", i), "body")
				w.everywhere(fmt.Sprintf("%02d/same", i), "body")
			}
			w.change = func(h *reconcile.Handler) {
				h.Parallel = parallel
				h.Copier = copying{h.Copier, func(context.Context, copier.Request) error {
					w.Pass(time.Minute) // a slow copy, though not for the checkpoints
					return nil
				}}
			}
			var sum reconcile.Counts
			ticks := 0
			for ; ; ticks++ {
				w.Pass(reconcile.Grace)
				ctx, cancel := context.WithDeadline(t.Context(), w.Now().Add(15*time.Minute))
				_, err := w.handler().Invoke(ctx, []byte(`{"tick": true}`))
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				if s := w.checkpoints.state(t); s.Lease != nil {
					t.Fatalf("an invocation that has ended holds a lease: %+v", s)
				} else if s.Began.IsZero() {
					break
				}
			}
			for _, line := range w.lines("reconcile") {
				count := func(name string) int64 { n, _ := line[name].(float64); return int64(n) }
				sum.Compared += count("KeysCompared")
				sum.Missing += count("KeysMissing")
				sum.Repaired += count("KeysRepaired")
			}
			if want := (reconcile.Counts{Compared: 2 * n, Missing: n, Repaired: n}); sum != want {
				t.Errorf("metrics say %+v, want %+v", sum, want)
			}
			if ticks < 2 || w.Calls("CopyObject") != n {
				t.Errorf("%d ticks, %d copies", ticks, w.Calls("CopyObject"))
			}
		})
	}
}

// Of two invocations at once the second ends at once, and also if it takes the first
// one for dead: then the first one ends.
func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 9 {
		w.Put(there, fmt.Sprint(i), "body")
	}
	nested, takes := 0, time.Duration(0)
	var second reconcile.Answer
	w.change = func(h *reconcile.Handler) {
		h.Parallel = 1
		h.Copier = copying{h.Copier, func(context.Context, copier.Request) error {
			if nested++; nested != 4 {
				return nil
			}
			w.Pass(takes)
			var err error
			second, err = w.invoke(`{"tick": true}`)
			return err
		}}
	}
	if first := w.tick(); first.Status != reconcile.Complete || second.Status != reconcile.Busy {
		t.Errorf("the first is %s, the second %s", first.Status, second.Status)
	}
	w.shows("8", "body", "body", "-")

	nested, takes = 0, time.Hour
	for i := range 9 {
		w.Put(there, fmt.Sprint("more/", i), "body")
	}
	if first := w.tomorrow(); first.Status != reconcile.Busy || second.Status != reconcile.Complete {
		t.Errorf("the first is %s, the second %s, want the second to have taken over", first.Status, second.Status)
	}
	if len(w.lines("another invocation is running; this one ends")) != 1 ||
		len(w.lines("an earlier invocation did not finish; its work is resumed")) != 1 {
		t.Errorf("log: %s", w.log)
	}
	w.shows("more/8", "body", "body", "-")
	var repaired float64
	for _, line := range w.lines("reconcile") {
		n, _ := line["KeysRepaired"].(float64)
		repaired += n
	}
	if repaired != 18 {
		t.Errorf("metrics say that %v keys were repaired, want those of the invocation that ended early as well", repaired)
	}
	if n := w.Calls("CopyObject"); n != 18+1 {
		t.Errorf("%d copies of 18 keys, want one more: that in flight", n)
	}
}

// A failure that may pass is tried again; one that lasts leaves the key, and ten in a
// row the rest.
func TestFailures(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 30 {
		w.Put(there, fmt.Sprintf("%02d", i), "body")
	}
	fail := func(class copier.Class) error { return &copier.Error{Class: class, Err: errors.New("as it is")} }
	tries := 0
	w.change = func(h *reconcile.Handler) {
		h.Parallel = 1
		h.Copier = copying{h.Copier, func(_ context.Context, r copier.Request) error {
			switch tries++; {
			case r.Source.Key == "03":
				return fail(copier.Permanent)
			case tries == 1:
				return fail(copier.Retryable)
			}
			return nil
		}}
	}
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 30, Missing: 30, Repaired: 29, Unrepaired: 1})
	if got := w.why("03"); got == "" {
		t.Error("the key that failed is not named")
	}
	for i := range 30 {
		w.Put(there, fmt.Sprintf("archived/%02d", i), "body")
	}
	w.change = func(h *reconcile.Handler) {
		h.Copier = copying{h.Copier, func(context.Context, copier.Request) error { return fail(copier.Permanent) }}
	}
	w.wantCounts(w.tomorrow(), reconcile.Counts{Compared: 60, Missing: 31, Unrepaired: 31}) // each for a reason of its own
	w.change = nil
	w.tomorrow()
	for i := range 30 {
		w.Put(there, fmt.Sprintf("denied/%02d", i), "body")
	}
	w.change = func(h *reconcile.Handler) {
		h.Parallel = 1
		h.Copier = copying{h.Copier, func(context.Context, copier.Request) error { return fail(copier.Denied) }}
	}
	w.Pass(w.config.Every)
	if _, err := w.invoke(`{"tick": true}`); err == nil {
		t.Error("a run in which everything is denied does not fail")
	}
	if s := w.checkpoints.state(t); s.Began.IsZero() || s.After != "denied/08" || s.Lease != nil {
		t.Errorf("the next tick goes on from %+v", s)
	}
}

// Of a bucket whose keys mostly do not matter, those that do are listed alone, in
// however many invocations.
func TestKeysThatNoFilterChoosesAreNotListed(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) {
		c.Filters = []replicaset.Filter{{Prefix: "p/"}, {Prefix: "c/"}}
	})
	for i := range 60 {
		w.Put(there, fmt.Sprintf("other/%02d", i), "body")
	}
	var keys []string
	for i := range 5 {
		for _, prefix := range []string{"c/", "p/"} {
			keys = append(keys, fmt.Sprintf("%s%d", prefix, i))
			w.Put(there, keys[len(keys)-1], "body")
		}
	}
	w.change = func(h *reconcile.Handler) {
		h.Parallel = 1
		h.Copier = copying{h.Copier, func(context.Context, copier.Request) error {
			w.Pass(5 * time.Minute)
			return nil
		}}
	}
	for ticks := 0; ; ticks++ {
		if ticks > len(keys) {
			t.Fatal("it does not come to an end")
		}
		w.Pass(reconcile.Grace)
		ctx, cancel := context.WithDeadline(t.Context(), w.Now().Add(15*time.Minute))
		_, err := w.handler().Invoke(ctx, []byte(`{"tick": true}`))
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if w.checkpoints.state(t).Began.IsZero() {
			break
		}
	}
	for _, key := range keys {
		w.shows(key, "body", "body", "-")
	}
	w.change = nil
	lists := w.Calls("ListObjectsV2")
	w.wantCounts(w.tomorrow(), reconcile.Counts{Compared: 10})
	// Two pages of two prefixes in two buckets, and of none in the third.
	if n := w.Calls("ListObjectsV2") - lists; n > 10 {
		t.Errorf("%d lists", n)
	}
}

// A pause in the keys of a second filter does not have those of the first one listed,
// and counted, once more.
func TestKeysOfAFilterAreCountedOnce(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) {
		c.Filters = []replicaset.Filter{{Prefix: "a/"}, {Prefix: "b/"}}
	})
	w.Put(there, "a/00", "lost")
	for i := range 19 {
		w.everywhere(fmt.Sprintf("a/%02d", i+1), "same")
	}
	w.Put(there, "b/large", "lost")
	w.pauses("large")
	if a := w.tick(); a.Status != reconcile.Paused || a.Compared != 20 {
		t.Errorf("got %+v", a)
	}
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 21, Missing: 2, Repaired: 2})
}

// A key whose oldest copy goes while it is looked at, or copied, is copied from the
// next Region that has it: it is missing all the same.
func TestAMissingKeyIsCopiedFromWhoeverHasIt(t *testing.T) {
	for _, when := range []string{"before the HEAD", "before the copy", "for good", "again and again"} {
		t.Run(when, func(t *testing.T) {
			w := newWorld(t, nil)
			version := w.Put(there, "lost", "body")
			w.Pass(time.Second)
			if when == "before the HEAD" || when == "before the copy" {
				w.Put(third, "lost", "body")
			}
			w.change = func(h *reconcile.Handler) {
				gone := false
				remove := func() {
					if !gone {
						w.Remove(there, "lost", version)
					}
					gone = true
				}
				if when == "before the HEAD" {
					read := h.Read
					h.Read = func(region string) reconcile.S3 { return beforeHead{read(region), remove} }
				}
				h.Copier = copying{h.Copier, func(context.Context, copier.Request) error {
					if when == "again and again" {
						w.Remove(there, "lost", version)
						version = w.Put(there, "lost", "body")
						w.Pass(reconcile.Grace)
					} else {
						remove()
					}
					return nil
				}}
			}
			want := reconcile.Counts{Compared: 1, Missing: 1, Repaired: 1}
			switch when {
			case "for good":
				want = reconcile.Counts{Compared: 1}
			case "again and again":
				want = reconcile.Counts{Compared: 1, Missing: 1, Unrepaired: 1}
			}
			w.wantCounts(w.tick(), want)
		})
	}
}

// beforeHead calls a function before each HEAD.
type beforeHead struct {
	reconcile.S3
	do func()
}

func (b beforeHead) HeadObject(ctx context.Context, in *s3.HeadObjectInput, o ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	b.do()
	return b.S3.HeadObject(ctx, in, o...)
}
