package undelete_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/policy"
	"s3fanout/internal/proof/buckets"
)

const a, b = "us-east-1", "eu-west-1"

// lately is a span that has all that a test does.
func lately() undelete.Span {
	return undelete.Span{Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}
}

// A key that is named comes back, and none that begins like it.
func TestRunBringsBackNamedKeysAlone(t *testing.T) {
	w := newWorld(t, a, b)
	for _, key := range []string{"films/one", "films/one.srt", "music/two"} {
		w.Put(a, key, "x")
		w.Remove(a, key)
	}
	for range 3 { // markers on top of each other
		w.Remove(a, "music/two")
	}
	report, err := undelete.Run(t.Context(), undelete.Options{
		Members: w.members(), Span: lately(), Keys: []string{"films/one", "music/two", "none"},
	}, undelete.Observer{})
	if sum := report.Sum(); err != nil || sum.Objects != 2 || sum.Restored != 2 || report.Lists != 6 {
		t.Fatalf("got %+v, %v; want two restored, at a list request for each key and bucket", report, err)
	}
	for key, want := range map[string]bool{"films/one": true, "music/two": true, "films/one.srt": false} {
		_, err := w.Clients[a].HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(buckets.Name(a)), Key: &key})
		if (err == nil) != want {
			t.Errorf("%s: %v, want it back: %v", key, err, want)
		}
	}
}

// What was deleted comes back with all that it had, in the Region where it was
// written, once, and by a dry run not at all. Running it again does nothing.
func TestRunBringsBackWhatWasDeleted(t *testing.T) {
	w := newWorld(t, a, b)
	w.Put(a, "films/one", "first", "who", "ü me")
	w.Put(a, "films/one", "one", "who", "me")
	// A replica, made by the function of the other Region.
	w.Put(b, "films/one", "one", "who", "me", policy.EntryName, "1,us-east-1")
	w.Put(b, "films/two", "two", policy.EntryName, "1,us-east-1")
	w.Put(a, "films/kept", "kept")
	w.Put(a, "films/again", "old")
	w.Put(a, "music/three", "three")
	for _, key := range []string{"films/one", "films/again", "music/three"} {
		w.Remove(a, key)
	}
	w.Remove(b, "films/one")
	w.Remove(b, "films/two")
	w.Put(a, "films/again", "new")
	w.Remove(a, "films/never-there")

	options := undelete.Options{Members: w.members(), Span: lately(), Prefix: "films/"}
	dry := options
	dry.DryRun = true
	report, err := undelete.Run(t.Context(), dry, undelete.Observer{})
	if sum := report.Sum(); err != nil || sum.Objects != 2 || sum.Bytes != 6 || sum.Restored != 0 || report.Lost != 1 ||
		w.Calls("CopyObject") != 0 {
		t.Fatalf("a dry run: got %+v, %v", report, err)
	}
	slices.SortFunc(report.Found, func(a, b undelete.Found) int { return strings.Compare(a.Key, b.Key) })
	if want := []undelete.Found{
		{Key: "films/never-there", Verdict: undelete.Lost},
		{Key: "films/one", Verdict: undelete.Restore, Region: a, Bytes: 3},
		{Key: "films/two", Verdict: undelete.Restore, Region: b, Bytes: 3},
	}; !slices.Equal(report.Found, want) || report.Unnamed != 0 {
		t.Errorf("found %+v, want %+v", report.Found, want)
	}

	var progress undelete.Progress
	report, err = undelete.Run(t.Context(), options, undelete.Observer{Progress: func(p undelete.Progress) { progress = p }})
	if err != nil {
		t.Fatal(err)
	}
	sum := report.Sum()
	if sum.Objects != 2 || sum.Restored != 2 || sum.RestoredBytes != 6 || sum.Left() != 0 || report.Interrupted {
		t.Errorf("got %+v", report)
	}
	if want := (copier.Requests{Head: 2, Copy: 2}); sum.Requests != want || w.Calls("CopyObject") != 2 {
		t.Errorf("got %+v, want %+v", sum.Requests, want)
	}
	if want := (undelete.Progress{Keys: report.Keys, Objects: 2, Bytes: 6, Ended: 2, Listed: true}); progress != want {
		t.Errorf("got progress %+v, want %+v", progress, want)
	}
	for key, want := range map[string][2]string{
		"films/one": {"one", "-"}, "films/two": {"-", "two"}, "films/kept": {"kept", "-"}, "films/again": {"new", "-"},
		"music/three": {"-", "-"},
	} {
		if got := [2]string{w.Body(a, key), w.Body(b, key)}; got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	head, err := w.Clients[b].HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("b-" + b), Key: aws.String("films/two")})
	w.check(err)
	if head.Metadata[policy.EntryName] != "" || aws.ToString(head.ContentType) != "text/x-test" || aws.ToInt32(head.TagCount) != 1 ||
		head.StorageClass != "STANDARD_IA" {
		t.Errorf("it came back as %+v", head)
	}
	head, err = w.Clients[a].HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("b-" + a), Key: aws.String("films/one")})
	w.check(err)
	if head.Metadata["who"] != "me" {
		t.Errorf("it came back as %+v", head)
	}

	// No event brings it to the other Region here, where it was deleted too.
	for _, want := range []int{1, 0} {
		report, err = undelete.Run(t.Context(), options, undelete.Observer{})
		if sum := report.Sum(); err != nil || sum.Objects != want || sum.Restored != want {
			t.Errorf("again: got %+v, %v, want %d more", report, err, want)
		}
	}
	if w.Body(a, "films/one") != "one" || w.Body(b, "films/one") != "one" || w.Body(a, "films/again") != "new" {
		t.Error("running it again has changed what was there")
	}
}

// Outside of the span nothing comes back.
func TestRunOutsideOfTheSpan(t *testing.T) {
	w := newWorld(t, a)
	w.Put(a, "k", "v")
	w.Remove(a, "k")
	for _, span := range []undelete.Span{
		{Since: time.Now().Add(time.Minute), Until: time.Now().Add(time.Hour)},
		{Since: time.Now().Add(-time.Hour), Until: time.Now().Add(-time.Minute)},
	} {
		report, err := undelete.Run(t.Context(), undelete.Options{Members: w.members(), Span: span}, undelete.Observer{})
		if err != nil || report.Sum().Objects != 0 || w.Body(a, "k") != "-" {
			t.Errorf("got %+v, %v", report, err)
		}
	}
	none := func(string) bool { return false }
	report, err := undelete.Run(t.Context(), undelete.Options{Members: w.members(), Span: lately(), Match: none}, undelete.Observer{})
	if err != nil || report.Sum().Objects != 0 {
		t.Errorf("not replicated: got %+v, %v", report, err)
	}
}

// copying is a Copier with something done before each copy.
type copying struct {
	undelete.Copier
	before func(ctx context.Context, source copier.Object) error
}

func (c copying) Copy(ctx context.Context, req copier.Request) (copier.Result, error) {
	if err := c.before(ctx, req.Source); err != nil {
		return copier.Result{Requests: copier.Requests{Copy: 1}}, err
	}
	return c.Copier.Copy(ctx, req)
}

func (w world) membersThat(before func(context.Context, copier.Object) error) []undelete.Member {
	members := w.members()
	for i := range members {
		members[i].Copier = copying{members[i].Copier, before}
	}
	return members
}

// A key that is written while it is being brought back stays as it was written,
// and a version that is destroyed meanwhile is gone.
func TestRunLeavesWhatChangesMeanwhile(t *testing.T) {
	w := newWorld(t, a)
	for _, key := range []string{"written", "destroyed"} {
		w.Put(a, key, "old")
		w.Remove(a, key)
	}
	members := w.membersThat(func(ctx context.Context, o copier.Object) error {
		if o.Key == "written" {
			w.Put(a, o.Key, "new")
			return nil
		}
		_, err := w.Clients[a].DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &o.Bucket, Key: &o.Key, VersionId: &o.VersionID})
		return err
	})
	report, err := undelete.Run(t.Context(), undelete.Options{Members: members, Span: lately()}, undelete.Observer{})
	if sum := report.Sum(); err != nil || sum.Present != 1 || sum.Gone != 1 || sum.Left() != 0 {
		t.Errorf("got %+v, %v", report, err)
	}
	if got := w.Body(a, "written"); got != "new" {
		t.Errorf("it was overwritten: %q", got)
	}
}

// An interrupted run says so, has copied whole objects alone, and another run does
// the rest.
func TestRunCanBeInterrupted(t *testing.T) {
	const keys = 30
	w := newWorld(t, a)
	for i := range keys {
		w.Put(a, fmt.Sprint("k", i), "v")
		w.Remove(a, fmt.Sprint("k", i))
	}
	ctx, interrupt := context.WithCancel(t.Context())
	var begun atomic.Int32
	members := w.membersThat(func(context.Context, copier.Object) error {
		if begun.Add(1) == 3 {
			interrupt()
		}
		return nil
	})
	report, err := undelete.Run(ctx, undelete.Options{Members: members, Span: lately(), Concurrency: 2}, undelete.Observer{})
	sum := report.Sum()
	if err != nil || !report.Interrupted || sum.Restored < 1 || sum.Restored > 4 || sum.Failed != 0 {
		t.Fatalf("got %+v, %v", report, err)
	}
	report, err = undelete.Run(t.Context(), undelete.Options{Members: w.members(), Span: lately()}, undelete.Observer{})
	if err != nil || report.Interrupted || report.Sum().Restored != keys-sum.Restored {
		t.Errorf("the rest: got %+v, %v after %d", report, err, sum.Restored)
	}
}

// What fails is named; where everything is denied the rest is not tried.
func TestRunTellsOfFailures(t *testing.T) {
	w := newWorld(t, a)
	for i := range 40 {
		w.Put(a, fmt.Sprint("k", i), "v")
		w.Remove(a, fmt.Sprint("k", i))
	}
	refused := &copier.Error{Class: copier.Denied, Err: errors.New("no")}
	var mu sync.Mutex
	reported := map[string]bool{}
	observer := undelete.Observer{Failed: func(f backfill.Failure) {
		mu.Lock()
		defer mu.Unlock()
		reported[f.Key] = true
	}}
	one := w.membersThat(func(_ context.Context, o copier.Object) error {
		if o.Key == "k7" {
			return &copier.Error{Class: copier.Permanent, Err: errors.New("archived")}
		}
		return nil
	})
	dry, err := undelete.Run(t.Context(),
		undelete.Options{
			Members: w.membersThat(func(context.Context, copier.Object) error { return refused }), Span: lately(), Concurrency: 1,
		}, undelete.Observer{})
	if err == nil || dry.Sum().Failed < 10 || dry.Sum().Left() == 0 {
		t.Errorf("all denied: got %+v, %v", dry.Sum(), err)
	}
	report, err := undelete.Run(t.Context(), undelete.Options{Members: one, Span: lately()}, observer)
	sum := report.Sum()
	if err != nil || sum.Failed != 1 || sum.Restored != 39 || len(report.Failures) != 1 || report.Failures[0].Key != "k7" ||
		!reported["k7"] {
		t.Errorf("one fails: got %+v, %v", report, err)
	}
}

// No more copies are under way than asked for.
func TestRunBoundsWhatIsUnderWay(t *testing.T) {
	w := newWorld(t, a)
	for i := range 30 {
		w.Put(a, fmt.Sprint("k", i), "v")
		w.Remove(a, fmt.Sprint("k", i))
	}
	var now, most atomic.Int32
	members := w.members()
	inner := members[0].Copier
	members[0].Copier = counting(func(ctx context.Context, r copier.Request) (copier.Result, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		return inner.Copy(ctx, r)
	})
	report, err := undelete.Run(t.Context(), undelete.Options{Members: members, Span: lately(), Concurrency: 3}, undelete.Observer{})
	if err != nil || report.Sum().Restored != 30 || most.Load() > 3 {
		t.Errorf("got %+v, %v with %d at once", report, err, most.Load())
	}
}

type counting func(context.Context, copier.Request) (copier.Result, error)

func (c counting) Copy(ctx context.Context, r copier.Request) (copier.Result, error) {
	return c(ctx, r)
}

// Of a key that is followed the latest write comes back, if that was deleted: not an
// older one that a Region which lags still hides, and nothing if a later write is
// shown somewhere.
func TestRunBringsBackTheLatestWrite(t *testing.T) {
	w := newWorld(t, a, b, "ap-northeast-1")
	const c = "ap-northeast-1"
	for _, key := range []string{"lags", "shown", "not-yet"} {
		w.Put(a, key, "old")
		w.Replicate(a, b, key)
		w.Replicate(a, c, key)
	}
	w.Pass(2 * time.Second)
	w.Put(b, "lags", "latest")
	w.Remove(b, "lags")
	w.Pass(time.Second)
	w.Remove(a, "lags") // hides the older write, later
	w.Remove(a, "shown")
	w.Put(c, "shown", "latest")
	w.Remove(a, "not-yet") // the others still show what was deleted
	options := undelete.Options{Members: w.members(), Span: lately(), Follows: func(string) bool { return true }}
	report, err := undelete.Run(t.Context(), options, undelete.Observer{})
	if sum := report.Sum(); err != nil || sum.Restored != 2 || report.Recreated != 1 || report.Heads == 0 {
		t.Errorf("got %+v, %v", report, err)
	}
	for key, want := range map[string][3]string{
		"lags": {"-", "latest", "old"}, "shown": {"-", "old", "latest"}, "not-yet": {"old", "old", "old"},
	} {
		if got := [3]string{w.Body(a, key), w.Body(b, key), w.Body(c, key)}; got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	// Again: what came back is the latest write now.
	report, err = undelete.Run(t.Context(), options, undelete.Observer{})
	if sum := report.Sum(); err != nil || sum.Objects != 0 || report.Recreated != 2 {
		t.Errorf("again: got %+v, %v", report, err)
	}
}

// ETags of what was uploaded in parts do not tell two writes of one size apart, and the
// older one of them must not come back.
func TestRunTellsWritesInPartsApart(t *testing.T) {
	w := newWorld(t, a, b)
	w.putInParts(b, "k", "the older")
	w.Pass(2 * time.Second)
	w.putInParts(a, "k", "the later")
	w.Remove(a, "k")
	w.Pass(time.Second)
	w.Remove(b, "k")
	report, err := undelete.Run(t.Context(),
		undelete.Options{Members: w.members(), Span: lately(), Follows: func(string) bool { return true }}, undelete.Observer{})
	if sum := report.Sum(); err != nil || sum.Restored != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
	if got := [2]string{w.Body(a, "k"), w.Body(b, "k")}; got != [2]string{"the later", "-"} {
		t.Errorf("got %v: the older write came back", got)
	}
}

// Somebody wrote the same bytes again after they were deleted elsewhere. Each write has
// its own deletion, and the later write counts.
func TestRunTellsEqualBytesApart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		since time.Duration // the span, from the first write on
		until time.Duration
		want  string
	}{
		{"the later write was deleted within the span", 30 * time.Second, 2 * time.Minute, "same"},
		{"the earlier one was", 0, 30 * time.Second, "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, a, b)
			began := w.Now()
			w.Put(a, "k", "same")
			w.Pass(2 * time.Second)
			w.Remove(a, "k")
			w.Pass(time.Minute)
			w.Put(b, "k", "same")
			w.Pass(2 * time.Second)
			w.Remove(b, "k")
			report, err := undelete.Run(t.Context(), undelete.Options{
				Members: w.members(), Span: undelete.Span{Since: began.Add(tt.since), Until: began.Add(tt.until)},
				Follows: func(string) bool { return true },
			}, undelete.Observer{})
			if got := [2]string{w.Body(a, "k"), w.Body(b, "k")}; err != nil || got != [2]string{"-", tt.want} {
				t.Errorf("got %v, %+v, %v", got, report, err)
			}
		})
	}
}
