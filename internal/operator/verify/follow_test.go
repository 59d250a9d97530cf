package verify_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/verify"
	world "s3fanout/internal/proof/buckets"
)

const regionA, regionB, regionC = "us-east-1", "eu-west-1", "ap-northeast-1"

// followed compares the buckets with everything followed, and says what it found
// as "kind why key Regions", sorted.
func followed(t *testing.T, w *world.Buckets, change func(*verify.Options)) ([]string, verify.Summary) {
	t.Helper()
	o := verify.Options{Follow: func(string) (bool, bool) { return true, true }}
	for _, region := range w.Regions {
		o.Buckets = append(o.Buckets, verify.Bucket{Region: region, Name: world.Name(region), Client: w.Clients[region]})
	}
	if change != nil {
		change(&o)
	}
	var found []string
	summary, err := verify.Run(t.Context(), o, func(d verify.Difference) error {
		found = append(found, fmt.Sprintf("%s %s %s %s", d.Kind, d.Why, d.Key, strings.Join(append(d.Without, d.Differing...), " ")))
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found, summary
}

// What is followed is compared by what was written, not by what was there first.
func TestRunComparesWhatIsFollowed(t *testing.T) {
	w := world.New(t, regionA, regionB, regionC)
	everywhere := func(key string) {
		w.Replicate(regionA, regionB, key)
		w.Replicate(regionA, regionC, key)
	}
	put := func(region, key, body string) string {
		w.Pass(time.Second)
		return w.Put(region, key, body)
	}
	put(regionA, "same", "1")
	everywhere("same")

	put(regionA, "stale", "1")
	everywhere("stale")
	put(regionB, "stale", "22")
	w.Replicate(regionB, regionC, "stale")

	put(regionA, "missing", "1")
	w.Replicate(regionA, regionB, "missing")

	put(regionA, "deleted", "1")
	everywhere("deleted")
	w.Pass(time.Second)
	w.Remove(regionA, "deleted")
	w.Remove(regionB, "deleted")

	// A deletion that did not see the latest write does not count.
	put(regionA, "survives", "1")
	everywhere("survives")
	w.Remove(regionA, "survives")
	put(regionC, "survives", "22")

	destroyed := put(regionA, "destroyed", "1")
	w.Replicate(regionA, regionB, "destroyed")
	w.Remove(regionA, "destroyed", destroyed)

	put(regionA, "gone", "1")
	w.Replicate(regionA, regionB, "gone")
	w.Remove(regionA, "gone")
	w.Remove(regionB, "gone")

	found, summary := followed(t, w, nil)
	want := []string{
		"different stale stale us-east-1",
		"different stale survives eu-west-1",
		"missing absent missing ap-northeast-1",
		"missing deleted survives us-east-1",
		"missing destroyed destroyed us-east-1 ap-northeast-1",
		"undeleted deleted deleted ap-northeast-1",
	}
	if !slices.Equal(found, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
	if summary.Undeleted != 1 || summary.Different != 2 || summary.Missing != 3 || summary.Both != 1 || summary.Unequal() != 5 ||
		summary.Keys != 6 {
		t.Errorf("got %+v", summary)
	}
}

// Without deletions, that a key is deleted in one Region is a key that is missing
// there, as where the first write wins; and a key that is not followed is compared
// as ever.
func TestRunComparesByTheRuleOfTheKey(t *testing.T) {
	w := world.New(t, regionA, regionB)
	for _, key := range []string{"films/a", "logs/a"} {
		w.Put(regionA, key, "1")
		w.Replicate(regionA, regionB, key)
		w.Pass(time.Second)
		w.Remove(regionA, key)
	}
	w.Put(regionA, "logs/b", "first")
	w.Pass(time.Second)
	w.Put(regionB, "logs/b", "second, and longer")
	w.Put(regionA, "films/b", "first")
	w.Pass(time.Second)
	w.Put(regionB, "films/b", "second, and longer")
	found, _ := followed(t, w, func(o *verify.Options) {
		o.Follow = func(key string) (bool, bool) { return strings.HasPrefix(key, "films/"), false }
	})
	want := []string{
		"different size logs/b eu-west-1", "different stale films/b us-east-1", "missing deleted films/a us-east-1",
		"missing deleted logs/a us-east-1",
	}
	if !slices.Equal(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
}

// What was written a moment ago may be on its way, and so may a deletion; what a
// Region has lacked for a grace is named.
func TestRunWaitsForWhatIsFollowed(t *testing.T) {
	w := world.New(t, regionA, regionB)
	w.Put(regionA, "k", "1")
	w.Replicate(regionA, regionB, "k")
	w.Put(regionA, "late", "1")
	w.Replicate(regionA, regionB, "late")
	w.Put(regionB, "late", "22")
	w.Remove(regionA, "k")
	begun := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-begun
		w.Remove(regionB, "k")
		w.Replicate(regionB, regionA, "late")
	}()
	var waited bool
	o := verify.Options{Grace: time.Minute, Follow: func(string) (bool, bool) { return true, true }}
	for _, region := range w.Regions {
		o.Buckets = append(o.Buckets, verify.Bucket{Region: region, Name: world.Name(region), Client: w.Clients[region]})
	}
	summary, err := verify.Run(t.Context(), o, func(d verify.Difference) error {
		t.Errorf("got %+v", d)
		return nil
	}, func(p verify.Progress) {
		if p.Waiting == 2 && !waited {
			waited = true
			close(begun)
		}
	})
	<-done
	if err != nil || summary.Equal != 1 || summary.Gone != 1 || !waited {
		t.Errorf("got %+v, %v", summary, err)
	}
}

// Tags are compared with those of the Region in which the object was written.
func TestRunComparesTagsWithTheOrigins(t *testing.T) {
	w := world.New(t, regionA, regionB, regionC)
	w.Put(regionB, "k", "1")
	w.Replicate(regionB, regionA, "k")
	w.Replicate(regionB, regionC, "k")
	w.Tag(regionB, "k", "colour", "blue")
	found, summary := followed(t, w, func(o *verify.Options) { o.Tags = true })
	if want := []string{"different tags k us-east-1 ap-northeast-1"}; !slices.Equal(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
	w.Tag(regionA, "k", "colour", "blue")
	w.Tag(regionC, "k", "colour", "blue")
	if found, summary = followed(t, w, func(o *verify.Options) { o.Tags = true }); len(found) != 0 || summary.Equal != 1 {
		t.Errorf("got %q, %+v", found, summary)
	}
}

// Objects from before following, without an entry, are one write if they have the
// same contents.
func TestRunKnowsReplicasFromBefore(t *testing.T) {
	w := world.New(t, regionA, regionB, regionC)
	w.Put(regionA, "k", "1")
	w.Pass(time.Second)
	w.Put(regionB, "k", "1")
	w.Pass(time.Second)
	switched := w.Now()
	w.Pass(time.Minute)
	w.Remove(regionA, "k")
	since := func(at time.Time) func(*verify.Options) { return func(o *verify.Options) { o.FollowSince = at } }
	if found, _ := followed(t, w, since(switched)); !slices.Equal(found, []string{"undeleted deleted k eu-west-1"}) {
		t.Errorf("got %q", found)
	}
	// Else the other one is a later write, which the deletion did not see.
	if found, _ := followed(t, w, nil); !slices.Equal(found, []string{"missing deleted k us-east-1 ap-northeast-1"}) {
		t.Errorf("got %q", found)
	}
}

// What is deleted where it is missing stays so only if no later write comes after: that one
// a backfill brings.
func TestRunTellsWhatStaysDeleted(t *testing.T) {
	w := world.New(t, regionA, regionB)
	for _, key := range []string{"first-wins", "later", "left"} {
		w.Put(regionA, key, "1")
		w.Replicate(regionA, regionB, key)
		w.Pass(time.Second)
		w.Remove(regionA, key)
	}
	w.Pass(time.Second)
	w.Put(regionB, "later", "2")
	for _, deletions := range []bool{false, true} {
		left := map[string]bool{}
		o := verify.Options{Follow: func(key string) (bool, bool) { return key != "first-wins", deletions }}
		for _, region := range w.Regions {
			o.Buckets = append(o.Buckets, verify.Bucket{Region: region, Name: world.Name(region), Client: w.Clients[region]})
		}
		_, err := verify.Run(t.Context(), o, func(d verify.Difference) error {
			if d.Kind == verify.Missing {
				left[d.Key] = d.Left
			}
			return nil
		}, nil)
		want := map[string]bool{"first-wins": true, "later": false}
		if !deletions {
			want["left"] = true // else it is not missing: it is to be deleted in the other Region
		}
		if err != nil || !maps.Equal(left, want) {
			t.Errorf("deletions %v: got %v (%v), want %v", deletions, left, err, want)
		}
	}
}
