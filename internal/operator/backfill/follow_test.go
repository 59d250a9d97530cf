package backfill_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/proof/buckets"
)

const a, b, c = "us-east-1", "eu-west-1", "ap-northeast-1"

// following is what brings everything into all Regions.
func following(w *buckets.Buckets, change func(*backfill.Options)) backfill.Options {
	w.Pass(2 * time.Second) // what is acted on has to be older than a second
	o := backfill.Options{To: w.Regions, Follow: func(string) (bool, bool) { return true, true }}
	for _, region := range w.Regions {
		client, target := w.Clients[region], copier.Target{Region: region, Bucket: buckets.Name(region)}
		copies := copier.New(client, target, copier.WithLogger(slog.New(slog.DiscardHandler)))
		o.Members = append(o.Members, backfill.Member{
			Region: region, Bucket: target.Bucket, S3: client, Copier: copies,
			Follower: follow.New(client, copies, target, follow.WithOrigins(func(region string) (string, bool) {
				return buckets.Name(region), slices.Contains(w.Regions, region)
			})),
		})
	}
	if change != nil {
		change(&o)
	}
	return o
}

// bring follows everything into all Regions, and returns how each target stands.
func bring(t *testing.T, w *buckets.Buckets, change func(*backfill.Options)) (map[string]backfill.Target, backfill.Report) {
	t.Helper()
	report, err := backfill.Run(t.Context(), following(w, change), backfill.Observer{})
	if err != nil || len(report.Failures) > 0 {
		t.Fatalf("%v: %+v", err, report)
	}
	targets := map[string]backfill.Target{}
	for _, target := range report.Targets {
		target.Requests = copier.Requests{}
		targets[target.Region] = target
	}
	return targets, report
}

func shows(t *testing.T, w *buckets.Buckets, key string, want ...string) {
	t.Helper()
	var got []string
	for _, region := range w.Regions {
		got = append(got, w.Body(region, key))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", key, got, want)
	}
}

func wantTargets(t *testing.T, got map[string]backfill.Target, want ...backfill.Target) {
	t.Helper()
	for _, target := range want {
		if !reflect.DeepEqual(got[target.Region], target) {
			t.Errorf("got  %+v\nwant %+v", got[target.Region], target)
		}
	}
}

// Of what is followed no more is copied either than was approved of.
func TestNoMoreIsFollowedThanWasApprovedOf(t *testing.T) {
	w := buckets.New(t, a, b)
	put := func(from, to int) {
		for i := from; i < to; i++ {
			w.Put(a, fmt.Sprintf("key-%02d", i), "1")
		}
		w.Pass(2 * time.Second)
	}
	put(0, 20)
	o := following(w, func(o *backfill.Options) {
		o.Approve = func(_ context.Context, e backfill.Estimate) (float64, error) {
			put(20, 90)
			return 1.1 * e.Dollars(), nil
		}
	})
	report, err := backfill.RunHolding(t.Context(), o, backfill.Observer{}, 5)
	if !errors.Is(err, backfill.ErrGrown) || report.Targets[1].Copied > 25 {
		t.Errorf("error %v, want %v; of 90 copied %+v, want a tenth more than 20, and for the price of the listing a few",
			err, backfill.ErrGrown, report.Targets[1])
	}
}

// What differed before follow mode, with the same size, is told apart though one was
// copied in parts: by what its own Region has.
func TestReplicasInPartsFromBeforeAreToldApart(t *testing.T) {
	w := buckets.New(t, a, b, c)
	w.Put(a, "key", "earlier")
	w.Pass(time.Second)
	w.PutWithSHA256(c, "key", "later..")
	o := following(w, func(o *backfill.Options) {
		o.FollowSince = w.Now()
		for i, m := range o.Members {
			target := copier.Target{Region: m.Region, Bucket: m.Bucket}
			copies := copier.New(w.Clients[m.Region], target, copier.WithMultipart(4, 1))
			o.Members[i].Follower = follow.New(w.Clients[m.Region], copies, target, follow.WithSince(o.FollowSince))
		}
	})
	source := copier.Object{Region: a, Bucket: buckets.Name(a), Key: "key"}
	if r, err := o.Members[1].Follower.Follow(t.Context(), follow.Request{Source: source}); err != nil || r.PartsTotal == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	shows(t, w, "key", "earlier", "earlier", "later..")
	w.Pass(2 * time.Second)
	if report, err := backfill.Run(t.Context(), o, backfill.Observer{}); err != nil || len(report.Failures) > 0 {
		t.Fatalf("%v: %+v", err, report)
	}
	shows(t, w, "key", "later..", "later..", "later..")
}

// The latest write goes everywhere, and a dry run says whose that is.
func TestRunBringsTheLatestWriteEverywhere(t *testing.T) {
	w := buckets.New(t, a, b, c)
	w.Put(a, "same", "1")
	w.Replicate(a, b, "same")
	w.Replicate(a, c, "same")
	w.Put(a, "overwritten", "first")
	w.Replicate(a, b, "overwritten")
	w.Replicate(a, c, "overwritten")
	w.Pass(time.Second)
	w.Put(b, "overwritten", "second!")
	written := w.Now()

	dry, report := bring(t, w, func(o *backfill.Options) { o.DryRun = true })
	wantTargets(t, dry,
		backfill.Target{Region: a, Stale: 1, MissingBytes: 7}, backfill.Target{Region: b}, backfill.Target{
			Region: c, Stale: 1, MissingBytes: 7,
		})
	want := []backfill.Conflict{{Key: "overwritten", Wins: b, Written: written.UTC(), Loses: []string{a, c}}}
	if !reflect.DeepEqual(report.Conflicts, want) || report.Wins[b] != 1 {
		t.Errorf("got %+v and %v, want %+v", report.Conflicts, report.Wins, want)
	}
	if e := report.Estimate; e == nil || e.Requests.Copy != 2 || e.Requests.Head != 4 {
		t.Errorf("got the estimate %+v", e)
	}
	shows(t, w, "overwritten", "first", "second!", "first")

	real, _ := bring(t, w, nil)
	wantTargets(t, real, backfill.Target{Region: a, Stale: 1, MissingBytes: 7, Replaced: 1, Bytes: 7}, backfill.Target{Region: b})
	shows(t, w, "overwritten", "second!", "second!", "second!")
	shows(t, w, "same", "1", "1", "1")
	again, report := bring(t, w, nil)
	wantTargets(t, again, backfill.Target{Region: a}, backfill.Target{Region: b}, backfill.Target{Region: c})
	if report.Heads != 0 {
		t.Errorf("%d HEADs where listings say that all is the same", report.Heads)
	}
}

// What was deleted in another Region is hidden if that is asked for, and counted
// else; what was written later survives.
func TestRunFollowsDeletionsIfAsked(t *testing.T) {
	w := buckets.New(t, a, b, c)
	for _, key := range []string{"deleted", "survives"} {
		w.Put(a, key, "1")
		w.Replicate(a, b, key)
		w.Replicate(a, c, key)
	}
	w.Pass(time.Second)
	w.Put(c, "survives", "22")
	w.Remove(a, "deleted")
	w.Remove(a, "survives")
	kept, report := bring(t, w, nil)
	wantTargets(t, kept,
		backfill.Target{Region: a, Missing: 1, MissingBytes: 2, Copied: 1, Bytes: 2},
		backfill.Target{Region: b, Stale: 1, MissingBytes: 2, Replaced: 1, Bytes: 2, Undeleted: 1, Kept: 1},
		backfill.Target{Region: c, Undeleted: 1, Kept: 1})
	if report.Kept() != 2 || report.Left() != 0 {
		t.Errorf("%d kept, %d left", report.Kept(), report.Left())
	}
	shows(t, w, "deleted", "-", "1", "1")
	shows(t, w, "survives", "22", "22", "22")
	hidden, _ := bring(t, w, func(o *backfill.Options) { o.HideDeleted = true })
	wantTargets(t, hidden, backfill.Target{Region: b, Undeleted: 1, Hidden: 1}, backfill.Target{Region: c, Undeleted: 1, Hidden: 1})
	shows(t, w, "deleted", "-", "-", "-")
	shows(t, w, "survives", "22", "22", "22")
}

// A Region that joins gets what the others show, and no deleted keys, from wherever
// it is; what its origin has destroyed nobody gets.
func TestRunBringsARegionThatJoins(t *testing.T) {
	w := buckets.New(t, a, b, c)
	w.Put(a, "k", "1")
	w.Replicate(a, b, "k")
	w.Put(a, "deleted", "1")
	w.Replicate(a, b, "deleted")
	w.Remove(a, "deleted")
	w.Remove(b, "deleted")
	destroyed := w.Put(a, "destroyed", "1")
	w.Replicate(a, b, "destroyed")
	w.Remove(a, "destroyed", destroyed)
	got, _ := bring(t, w, func(o *backfill.Options) { o.To = []string{c} })
	wantTargets(t, got, backfill.Target{Region: c, Missing: 2, MissingBytes: 1, Copied: 1, Bytes: 1, Destroyed: 1})
	shows(t, w, "k", "1", "1", "1")
	shows(t, w, "deleted", "-", "-", "-")
	shows(t, w, "destroyed", "-", "1", "-")
	// The same from a Region that is not the origin.
	w.Put(b, "other", "1")
	w.Replicate(b, a, "other")
	got, _ = bring(t, w, func(o *backfill.Options) { o.To = []string{c} })
	if got[c].Copied != 1 {
		t.Errorf("got %+v", got[c])
	}
}

// Where deletions do not travel, what was deleted in a Region stays so there and
// elsewhere what it was; and a key that is not followed is copied as ever.
func TestRunGoesByTheRuleOfTheKey(t *testing.T) {
	w := buckets.New(t, a, b)
	w.Put(a, "films/k", "1")
	w.Replicate(a, b, "films/k")
	w.Remove(a, "films/k")
	w.Put(a, "logs/k", "first")
	w.Pass(time.Second)
	w.Put(b, "logs/k", "second!")
	w.Put(b, "logs/new", "1")
	got, report := bring(t, w, func(o *backfill.Options) {
		o.Follow = func(key string) (bool, bool) { return key[0] == 'f', false }
	})
	wantTargets(t, got, backfill.Target{Region: a, Missing: 2, MissingBytes: 1, Deleted: 1, Copied: 1, Bytes: 1},
		backfill.Target{Region: b})
	if report.Different != 1 {
		t.Errorf("%d different", report.Different)
	}
	shows(t, w, "films/k", "-", "1")
	shows(t, w, "logs/k", "first", "second!")
	shows(t, w, "logs/new", "1", "1")
}

// Replicas that a run makes say which write they are of, so that the next overwrite
// and deletion reach them.
func TestRunMakesReplicas(t *testing.T) {
	w := buckets.New(t, a, b)
	w.Put(a, "k", "1")
	bring(t, w, nil)
	w.Remove(a, "k")
	got, _ := bring(t, w, func(o *backfill.Options) { o.HideDeleted = true })
	wantTargets(t, got, backfill.Target{Region: b, Undeleted: 1, Hidden: 1})
	shows(t, w, "k", "-", "-")
}
