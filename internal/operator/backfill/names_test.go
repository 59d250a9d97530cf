package backfill

import (
	"context"
	"fmt"
	"testing"

	"s3fanout/internal/copier"
)

// What is missing side by side is named by pages of versions, what is scattered by
// a HEAD each: whichever costs less.
func TestVersionsAreAskedForByWhatCostsLess(t *testing.T) {
	for _, c := range []struct {
		name                 string
		missing, there       int // side by side, then at the target as well
		pages, heads         int
		planLists, planHeads int // of the dry run, lists beside those of objects
	}{
		{"one", 1, 0, 0, 1, 0, 1},
		{"not worth a page", 12, 0, 0, 12, 0, 12},
		{"worth a page", 13, 0, 1, 0, 1, 0},
		// Pages have 100 keys with an old version each, listings of objects 200.
		{"two pages", 200, 0, 2, 0, 1, 0},
		{"the rest is not worth a page", 112, 0, 1, 12, 1, 0},
		{"far from each other", 1, 150, 0, 1, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, dry := range []bool{true, false} {
				w := newWorld("a", "b", "c")
				w.fill(c.missing + c.there)
				for i := range c.there {
					key := fmt.Sprintf("key-%05d", c.missing+i)
					w.put("b", key, 100, 0)
					w.put("c", key, 100, 0)
				}
				report := w.fillIn(t, func(o *Options) { o.DryRun, o.RestoreDeleted = dry, true }, Observer{})
				if dry {
					if e := report.Estimate; e.Lists-report.Lists != c.planLists || e.Requests.Head != c.planHeads || w.versions["a"] != 0 {
						t.Errorf("estimate %+v with %d lists, want %d more and %d HEADs", e, report.Lists, c.planLists, c.planHeads)
					}
					continue
				}
				lists := report.Lists - w.pages()
				if w.versions["a"] != c.pages || lists != c.pages || w.heads["a"] != c.heads || report.Heads != c.heads {
					t.Errorf("%d pages of versions, %d reported, %d HEADs; want %d and %d",
						w.versions["a"], lists, w.heads["a"], c.pages, c.heads)
				}
				for _, target := range report.Targets[1:] {
					if target.Copied != c.missing {
						t.Errorf("%s: %+v", target.Region, target)
					}
				}
			}
		})
	}
}

// Many old versions would cost pages after pages: the first that tells about
// too few is the last.
func TestPagesOfOldVersionsAreNotPaidFor(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(200)
	for i := range 200 {
		if i%10 > 0 {
			w.put("b", fmt.Sprintf("key-%05d", i), 100, 0)
		}
	}
	report := w.fillIn(t, nil, Observer{})
	if report.Targets[1].Copied != 20 || w.versions["a"] != 1 || w.heads["a"] != 10 {
		t.Errorf("%d copied with %d pages and %d HEADs, want 20 with 1 and 10", report.Targets[1].Copied, w.versions["a"], w.heads["a"])
	}
}

// Large objects may wait for long: their versions are asked for when they are
// copied, and not by what was there when they were listed.
func TestLargeObjectsAreNamedLate(t *testing.T) {
	for _, dry := range []bool{true, false} {
		w := newWorld("a", "b")
		w.fill(40)
		report := w.fillIn(t, func(o *Options) { o.DryRun, o.Threshold = dry, 1 }, Observer{})
		if dry {
			// The dry run itself has read a page of versions to know what was deleted.
			if e := report.Estimate; e.Lists != report.Lists || report.Lists != w.pages()+1 || e.Requests.List != 40 {
				t.Errorf("the estimate has %d lists and %d of uploads, want %d, 40 and no pages of versions",
					e.Lists, e.Requests.List, report.Lists)
			}
			continue
		}
		if report.Targets[1].Copied != 40 || w.versions["a"] != 0 || w.heads["a"] != 40 {
			t.Errorf("%d copied with %d pages and %d HEADs, want 40 with none and 40",
				report.Targets[1].Copied, w.versions["a"], w.heads["a"])
		}
	}
}

// Whoever may not list versions pays for HEADs instead, and asks once.
func TestBackfillWithoutListingVersions(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(500)
	w.onVersions = func(string) error { return answer(403, "AccessDenied") }
	report := w.fillIn(t, nil, Observer{})
	if report.Targets[1].Copied != 500 || report.Heads != 500 || w.versions["a"] != 1 {
		t.Errorf("%+v with %d HEADs and %d questions", report.Targets[1], report.Heads, w.versions["a"])
	}
}

// What is written and removed after the versions were listed: a replica is of
// the version that was named or there is none, and nothing is invented.
func TestSourcesChangeAfterTheirVersionsWereListed(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(20)
	done := false
	w.onCopy = func(context.Context, string, copier.Object) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !done {
			done = true
			delete(w.buckets["a"], "key-00019")
			w.put("a", "key-00018", 200, 9)
		}
		return nil
	}
	report := w.fillIn(t, func(o *Options) { o.Concurrency = 1 }, Observer{})
	if b := report.Targets[1]; b.Copied != 18 || b.SourceGone != 2 || report.Heads != 0 {
		t.Errorf("%+v with %d HEADs", b, report.Heads)
	}
	again := w.fillIn(t, nil, Observer{}).Targets[1]
	if again.Missing != 1 || again.Copied != 1 || w.buckets["b"]["key-00018"].size != 200 {
		t.Errorf("again: %+v", again)
	}
}
