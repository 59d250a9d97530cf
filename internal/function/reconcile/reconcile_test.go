package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/proof/buckets"
	"s3fanout/internal/replicaset"
)

// Where the first write wins, what is missing is copied, and nothing else is touched.
func TestMissingKeysAreCopied(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.Exclude = replicaset.Exclusions{{Prefix: "tmp/"}} })
	for i := range 10 {
		w.everywhere(fmt.Sprintf("same/%d", i), "same")
	}
	w.Put(there, "lost/1", "one")
	w.Put(third, "lost/2", "two")
	w.Put(here, "elsewhere", "they lack it, which is theirs to repair")
	w.Put(there, "tmp/1", "left out")
	w.everywhere("deleted", "deleted here, and to stay so")
	w.Remove(here, "deleted")
	w.Put(here, "diverged", "written here second, or not")
	w.Pass(time.Second)
	w.Put(there, "diverged", "first")
	w.Put(there, "twice", "first")
	w.Pass(time.Second)
	w.Put(here, "twice", "second")
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 16, Missing: 2, Different: 1, Repaired: 2, Deleted: 1})
	w.shows("lost/1", "one", "one", "-")
	w.shows("lost/2", "two", "-", "two")
	w.shows("tmp/1", "-", "left out", "-")
	w.shows("twice", "second", "first", "-")
	w.shows("deleted", "-", "deleted here, and to stay so", "deleted here, and to stay so")
	if n := w.Calls("CopyObject"); n != 2 {
		t.Errorf("%d copies, want 2", n)
	}
	if got := w.why("twice"); got == "" {
		t.Error("a key that has other contents is not named")
	}
	w.wantCounts(w.tomorrow(), reconcile.Counts{Compared: 16, Different: 1, Deleted: 1})
}

// Where later changes are followed, the greatest write goes everywhere, and so does
// its deletion.
func TestTheGreatestWriteIsFollowed(t *testing.T) {
	w := newWorld(t, followAll)
	for _, key := range []string{"same", "overwritten", "deleted", "again", "gone"} {
		w.everywhere(key, "first")
	}
	w.Put(there, "lost", "lost")
	w.Pass(time.Second)
	w.Put(third, "overwritten", "second")
	w.Remove(there, "deleted")
	w.Remove(there, "again")
	w.Pass(time.Second)
	w.Put(third, "again", "written again")
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 6, Missing: 1, Different: 3, Repaired: 4})
	w.shows("lost", "lost", "lost", "-")
	w.shows("overwritten", "second", "first", "second")
	w.shows("deleted", "-", "-", "first")
	w.shows("again", "written again", "-", "written again")
	w.wantCounts(w.tomorrow(), reconcile.Counts{Compared: 6})
}

// What differed before follow mode, with the same size, is told apart though one was
// copied here in parts: by what its own Region has.
func TestReplicasInPartsFromBeforeAreToldApart(t *testing.T) {
	for name, hidden := range map[string]bool{"shown": false, "hidden here": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, followAll)
			w.Put(there, "key", "earlier")
			w.Pass(time.Second)
			w.PutWithSHA256(third, "key", "later..")
			w.config.Follow.Since = w.Now().Add(time.Minute)
			w.inParts()
			w.Pass(time.Hour)
			source := copier.Object{Region: there, Bucket: buckets.Name(there), Key: "key"}
			if r, err := w.handler().Follower.Follow(t.Context(), follow.Request{Source: source}); err != nil || r.PartsTotal == 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			if hidden {
				w.Remove(here, "key")
			}
			w.Pass(time.Hour)
			want := reconcile.Counts{Compared: 1, Different: 1, Repaired: 1}
			if hidden {
				want = reconcile.Counts{Compared: 1, Missing: 1, Repaired: 1}
			}
			w.wantCounts(w.tick(), want)
			w.shows("key", "later..", "earlier", "later..")
		})
	}
}

// A write that its origin has destroyed is given to nobody, and named.
func TestWhatTheOriginDestroyedIsNotCopied(t *testing.T) {
	w := newWorld(t, followAll)
	version := w.Put(there, "destroyed", "body")
	w.Replicate(there, third, "destroyed")
	w.Remove(there, "destroyed", version)
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 1, Missing: 1})
	w.shows("destroyed", "-", "-", "body")
	if got := w.why("destroyed"); got == "" {
		t.Error("it is not named")
	}
}

// Differences are counted and named, and nothing is written.
func TestCheckOnly(t *testing.T) {
	for name, follow := range map[string]func(*functionenv.Reconcile){
		"first write wins": func(*functionenv.Reconcile) {}, "followed": followAll,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *functionenv.Reconcile) { follow(c); c.Copy = false })
			w.change = func(h *reconcile.Handler) { h.Copier, h.Follower = nil, nil }
			w.Put(there, "lost", "lost")
			w.wantCounts(w.tick(), reconcile.Counts{Compared: 1, Missing: 1, Unrepaired: 1})
			w.shows("lost", "-", "lost", "-")
			if got := w.why("lost"); got == "" {
				t.Error("it is not named")
			}
		})
	}
}

// A key that changed a short time ago is not judged: its event may be on the way.
func TestYoungKeysAreLeftAlone(t *testing.T) {
	for name, follow := range map[string]func(*functionenv.Reconcile){"first write wins": nil, "followed": followAll} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, follow)
			w.everywhere("deleted", "first")
			w.tick()
			w.Pass(w.config.Every)
			w.Put(there, "young", "young")
			if follow != nil {
				w.Remove(there, "deleted")
			}
			a, err := w.invoke(`{"tick": true}`)
			if err != nil {
				t.Fatal(err)
			}
			young := int64(1)
			if follow != nil {
				young = 2
			}
			w.wantCounts(a, reconcile.Counts{Compared: 2, Young: young})
			w.shows("young", "-", "young", "-")
			w.tomorrow()
			w.shows("young", "young", "young", "-")
		})
	}
}

// The functions of all Regions compare at about the same time. What one of them has
// repaired is young there, and the others repair it nonetheless: their next comparison
// is a day away.
func TestWhatAnotherRegionHasRepairedIsNotYoung(t *testing.T) {
	for name, follow := range map[string]func(*functionenv.Reconcile){"first write wins": nil, "followed": followAll} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, follow)
			w.everywhere("deleted", "first")
			w.Put(there, "lost", "lost")
			w.Pass(time.Hour)
			if follow == nil {
				w.Put(third, "lost", "lost")
			} else {
				w.Replicate(there, third, "lost")
				w.Remove(there, "deleted")
				w.Pass(reconcile.Grace)
				w.Remove(third, "deleted")
			}
			a, err := w.invoke(`{"tick": true}`)
			if err != nil {
				t.Fatal(err)
			}
			want := reconcile.Counts{Compared: 2, Missing: 1, Repaired: 1}
			if follow != nil {
				want = reconcile.Counts{Compared: 2, Missing: 1, Different: 1, Repaired: 2}
				w.shows("deleted", "-", "-", "-")
			}
			w.wantCounts(a, want)
			w.shows("lost", "lost", "lost", "lost")
		})
	}
}

// Many keys that were deleted here are told by pages of versions, and not by a HEAD of
// each.
func TestManyDeletedKeysCostPages(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.Filters = []replicaset.Filter{{Prefix: "p/"}} })
	w.change = func(h *reconcile.Handler) { h.PageSize = 0 }
	const n = 60
	for i := range 1100 { // more than a page of them
		w.Put(here, fmt.Sprintf("other/%04d", i), "body")
	}
	for i := range n {
		key := fmt.Sprintf("p/%03d", i)
		w.Put(there, key, "body")
		if i%3 > 0 {
			w.Put(here, key, "body")
			w.Remove(here, key)
		}
	}
	w.wantCounts(w.tick(), reconcile.Counts{Compared: n, Missing: n / 3, Repaired: n / 3, Deleted: n * 2 / 3})
	heads := w.Calls("HeadObject")
	if w.wantCounts(w.tomorrow(), reconcile.Counts{Compared: n, Deleted: n * 2 / 3}); w.Calls("HeadObject") != heads {
		t.Errorf("%d HEADs of keys that were deleted", w.Calls("HeadObject")-heads)
	}
}
