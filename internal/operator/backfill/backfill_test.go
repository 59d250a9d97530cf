package backfill

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/copier"
)

func TestEveryTargetGetsWhatItLacksFromTheOldest(t *testing.T) {
	w := newWorld("a", "b", "c")
	w.put("a", "only in a", 10, 5)
	w.put("b", "first in b", 20, 1)
	w.put("c", "first in b", 20, 2)
	w.put("c", "only in c", 30, 1)
	for _, r := range []string{"a", "b", "c"} {
		w.put(r, "everywhere", 40, 3)
	}
	sources := map[string]string{}
	w.onCopy = func(_ context.Context, region string, o copier.Object) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		sources[o.Key+" to "+region] = o.Region + " " + o.VersionID + " " + o.ETag
		return nil
	}
	report := w.fillIn(t, nil, Observer{})
	want := []string{"everywhere", "first in b", "only in a", "only in c"}
	for _, r := range []string{"a", "b", "c"} {
		if got := w.keys(r); !slices.Equal(got, want) {
			t.Errorf("%s has %q", r, got)
		}
	}
	wantSources := map[string]string{
		"only in a to b":  "a a-only in a-5 etag10",
		"only in a to c":  "a a-only in a-5 etag10",
		"first in b to a": "b b-first in b-1 etag20",
		"only in c to a":  "c c-only in c-1 etag30",
		"only in c to b":  "c c-only in c-1 etag30",
	}
	if !reflect.DeepEqual(sources, wantSources) {
		t.Errorf("sources %v\nwant %v", sources, wantSources)
	}
	wantTargets := []Target{
		{Region: "a", Missing: 2, MissingBytes: 50, Copied: 2, Bytes: 50, Requests: copier.Requests{Copy: 2, Head: 2}},
		{Region: "b", Missing: 2, MissingBytes: 40, Copied: 2, Bytes: 40, Requests: copier.Requests{Copy: 2, Head: 2}},
		{Region: "c", Missing: 1, MissingBytes: 10, Copied: 1, Bytes: 10, Requests: copier.Requests{Copy: 1, Head: 1}},
	}
	if !reflect.DeepEqual(report.Targets, wantTargets) {
		t.Errorf("targets %+v\nwant %+v", report.Targets, wantTargets)
	}
	// One for each source, however many targets, and one for each target.
	if report.Heads != 3 || w.heads["a"] != 1+2 || w.heads["b"] != 1+2 || w.heads["c"] != 1+1 {
		t.Errorf("HEADs: %d, %v; want one for each of three keys, and one for each that a target lacks", report.Heads, w.heads)
	}
	if report.Left() != 0 || report.Failed() != 0 || report.Different != 0 || report.Interrupted {
		t.Errorf("report %+v", report)
	}
}

func TestRunningAgainCopiesOnlyWhatIsLeft(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(120)
	w.onCopy = func(_ context.Context, _ string, o copier.Object) error {
		if o.Key < "key-00020" {
			return failed(copier.Permanent, 403, "InvalidObjectState")
		}
		return nil
	}
	report := w.fillIn(t, nil, Observer{})
	if b := report.Targets[1]; b.Copied != 100 || b.Failed != 20 || len(report.Failures) != 20 {
		t.Fatalf("first run: %+v with %d failures named", b, len(report.Failures))
	}
	f := report.Failures[0]
	if f.Region != "b" || f.Class != copier.Permanent || !strings.HasPrefix(f.Key, "key-000") ||
		!strings.Contains(f.Reason, "InvalidObjectState") {
		t.Errorf("failure %+v", f)
	}
	w.onCopy = nil
	report = w.fillIn(t, nil, Observer{})
	if b := report.Targets[1]; b.Missing != 20 || b.Copied != 20 {
		t.Errorf("second run: %+v", b)
	}
	for key, n := range w.copies {
		if want := map[bool]int{true: 2, false: 1}[key < "b/key-00020"]; n != want {
			t.Errorf("%s: %d copies, want %d", key, n, want)
		}
	}
	if report = w.fillIn(t, nil, Observer{}); report.Targets[1].Missing != 0 || report.Heads != 0 {
		t.Errorf("third run: %+v", report)
	}
}

func TestWhatDiffersIsCountedAndLeft(t *testing.T) {
	w := newWorld("a", "b", "c")
	w.put("a", "key", 10, 1)
	w.put("b", "key", 11, 2)
	w.put("a", "same", 10, 1)
	w.put("b", "same", 10, 2)
	report := w.fillIn(t, nil, Observer{})
	if report.Different != 1 {
		t.Errorf("%d differ, want 1", report.Different)
	}
	if got := w.buckets["b"]["key"].size; got != 11 {
		t.Errorf("b's own object was replaced: %d bytes", got)
	}
	if got := w.buckets["c"]["key"].size; got != 10 {
		t.Errorf("c has %d bytes, want the first write's 10", got)
	}
}

func TestFromOneRegionAndToSome(t *testing.T) {
	w := newWorld("a", "b", "c")
	w.put("a", "x/both", 10, 1)
	w.put("b", "x/both", 10, 2)
	w.put("a", "x/not in b", 10, 1)
	w.put("b", "y/other prefix", 10, 1)
	report := w.fillIn(t, func(o *Options) { o.From, o.To, o.Prefix = "b", []string{"c"}, "x/" }, Observer{})
	if got := w.keys("c"); !slices.Equal(got, []string{"x/both"}) {
		t.Errorf("c has %q", got)
	}
	want := Target{
		Region: "c", Missing: 2, MissingBytes: 10, NoSource: 1, Copied: 1, Bytes: 10, Requests: copier.Requests{Copy: 1, Head: 1},
	}
	if report.Targets[0] != want || report.Left() != 0 {
		t.Errorf("got %+v, want %+v", report.Targets[0], want)
	}
	if w.heads["b"] != 1 || w.heads["a"] != 0 || w.heads["c"] != 1 {
		t.Errorf("HEADs %v, want one of b, and one of c", w.heads)
	}
}

func TestWhatComesOrGoesMeanwhileIsNoFailure(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(3)
	w.onHead = func(_ context.Context, _, key string) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch key {
		case "key-00000":
			return answer(404, "NotFound")
		case "key-00001":
			w.buckets["b"][key] = thing{size: 7}
		}
		return nil
	}
	report := w.fillIn(t, nil, Observer{})
	if b := report.Targets[1]; b.SourceGone != 1 || b.Exists != 1 || b.Copied != 1 || b.Failed != 0 {
		t.Errorf("%+v", b)
	}
	if w.buckets["b"]["key-00001"].size != 7 {
		t.Error("an object that was written meanwhile was replaced")
	}
}

func TestFailuresAreBoundedAndAllCounted(t *testing.T) {
	w := newWorld("a", "b")
	const n = MaxFailures + 300
	w.fill(n)
	w.onCopy = func(context.Context, string, copier.Object) error {
		return failed(copier.Permanent, 400, "InvalidRequest")
	}
	reports := 0
	report := w.fillIn(t, nil, Observer{Failed: func(Failure) { reports++ }})
	if len(report.Failures) != MaxFailures || report.Failed() != n || reports != n {
		t.Errorf("%d named, %d counted, %d told; want %d, %d, %d", len(report.Failures), report.Failed(), reports, MaxFailures, n, n)
	}
}

func TestRunStopsWhereTheRestIsHopeless(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		// from is the number of copies that succeed before.
		from int
		stop bool
	}{
		{"all denied", failed(copier.Denied, 403, "AccessDenied"), 0, true},
		{"some denied", failed(copier.Denied, 403, "AccessDenied"), 1, false},
		{"credentials expired on the way", failed(copier.Denied, 400, "ExpiredToken"), 200, true},
		{"no target bucket", failed(copier.Permanent, 404, "NoSuchBucket"), 0, true},
		{"all refused for reasons of their own", failed(copier.Permanent, 400, "InvalidRequest"), 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld("a", "b")
			w.fill(3000)
			n := 0
			w.onCopy = func(context.Context, string, copier.Object) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				if n++; n > c.from {
					return c.err
				}
				return nil
			}
			report, err := Run(t.Context(), w.options(func(o *Options) { o.To = []string{"b"}; o.Concurrency = 1 }), Observer{})
			if c.stop {
				if err == nil || !errors.Is(err, c.err) || n > c.from+50 {
					t.Errorf("after %d copies: %v, want a stop", n, err)
				}
				return
			}
			if err != nil || n != 3000 || report.Targets[0].Failed != 3000-c.from {
				t.Errorf("after %d copies: %v, want all tried", n, err)
			}
		})
	}
}

func TestDeniedReadingStopsTheRunToo(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(500)
	w.onVersions = func(string) error { return answer(403, "AccessDenied") }
	w.onHead = func(context.Context, string, string) error { return answer(403, "Forbidden") }
	for restore, want := range map[bool]string{
		true: "s3:GetObject on the source is denied", false: "region b: s3:GetObject on bucket b-b is denied",
	} {
		_, err := Run(t.Context(), w.options(func(o *Options) { o.RestoreDeleted = restore }), Observer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
		if len(w.copies) != 0 {
			t.Errorf("%d copies", len(w.copies))
		}
	}
}

func TestListingFails(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(10)
	w.onList = func(region string) error {
		if region == "b" {
			return answer(403, "AccessDenied")
		}
		return nil
	}
	_, err := Run(t.Context(), w.options(nil), Observer{})
	if err == nil || !strings.Contains(err.Error(), "region b") {
		t.Errorf("got %v, want an error of region b", err)
	}
}

func TestDryRunOnlyLists(t *testing.T) {
	w := newWorld("ap-northeast-1", "eu-west-1", "xx-new-1")
	const gib = 1 << 30
	w.put("ap-northeast-1", "small", gib/8, 1)
	w.put("eu-west-1", "large", gib, 1)
	w.put("eu-west-1", "small", gib/8, 2)
	report := w.fillIn(t, func(o *Options) { o.DryRun = true }, Observer{})
	if len(w.copies) != 0 || w.heads["eu-west-1"] != 0 || w.heads["ap-northeast-1"] != 1 || w.heads["xx-new-1"] != 2 {
		t.Errorf("a dry run copied %v and asked %v; want targets asked about what they lack", w.copies, w.heads)
	}
	e := report.Estimate
	// small goes to xx-new-1; large, in 64 parts, to both others. A copy in parts
	// takes two HEADs and a source two; each target is asked about each.
	want := copier.Requests{Copy: 1, Head: 2 + 2*2 + 3, Tags: 2, Create: 2, Part: 128, List: 2, Complete: 2}
	if e.Requests != want || e.Lists != report.Lists {
		t.Errorf("requests %+v with %d lists, want %+v", e.Requests, e.Lists, want)
	}
	wantTransfer := []Transfer{
		{"ap-northeast-1", "xx-new-1", gib / 8}, {"eu-west-1", "ap-northeast-1", gib}, {"eu-west-1", "xx-new-1", gib},
	}
	if !slices.Equal(e.Transfer, wantTransfer) {
		t.Errorf("transfer %v, want %v", e.Transfer, wantTransfer)
	}
	if got, want := fmt.Sprintf("%.5f", e.TransferDollars), fmt.Sprintf("%.5f", 0.09/8+2*0.02); got != want {
		t.Errorf("transfer costs $%s, want $%s", got, want)
	}
	if e.RequestDollars < 0.0006 || e.RequestDollars > 0.001 {
		t.Errorf("requests cost $%v, want some 130 writes", e.RequestDollars)
	}
	if !slices.Equal(e.Assumed, []string{"xx-new-1"}) {
		t.Errorf("assumed %v", e.Assumed)
	}
	if got := report.Targets[2]; got.Missing != 2 || got.MissingBytes != gib+gib/8 || got.Copied != 0 {
		t.Errorf("xx-new-1: %+v", got)
	}
}

func TestRegionsHaveToBeMembers(t *testing.T) {
	w := newWorld("a", "b")
	for _, change := range []func(*Options){
		func(o *Options) { o.From = "z" },
		func(o *Options) { o.To = []string{"z"} },
		func(o *Options) { o.From, o.To = "a", []string{"a"} },
	} {
		if _, err := Run(t.Context(), w.options(change), Observer{}); err == nil {
			t.Error("no error")
		}
	}
}

// Under keys of KMS each replica has an ETag of its own.
func TestETagsUnderKeysOfKMSSayNothing(t *testing.T) {
	w := newWorld("a", "b")
	w.put("a", "same", 10, 0)
	w.put("b", "same", 10, 1)
	w.put("a", "longer", 10, 0)
	w.put("b", "longer", 11, 1)
	thing := w.buckets["b"]["same"]
	thing.etag = "other"
	w.buckets["b"]["same"] = thing
	for kms, want := range map[bool]int{false: 2, true: 1} {
		report := w.fillIn(t, func(o *Options) { o.KMS = kms }, Observer{})
		if report.Different != want {
			t.Errorf("KMS %v: %d differ, want %d", kms, report.Different, want)
		}
	}
}
