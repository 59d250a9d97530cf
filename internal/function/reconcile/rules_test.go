package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/replicaset"
)

// ruled are buckets with lifecycle rules.
type ruled struct {
	reconcile.S3
	rules []types.LifecycleRule
	asked *int
	err   error
}

func (r ruled) GetBucketLifecycleConfiguration(
	context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options),
) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	*r.asked++
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: r.rules}, r.err
}

// rule gives the bucket of a Region a rule, and counts how often it is asked for.
func (w *world) rule(region string, rule types.LifecycleRule) (asked *int) {
	asked = new(int)
	rule.Status = types.ExpirationStatusEnabled
	w.change = func(h *reconcile.Handler) {
		read := h.Read
		h.Read = func(r string) reconcile.S3 {
			if r == region {
				return ruled{read(r), []types.LifecycleRule{rule}, asked, nil}
			}
			return read(r)
		}
	}
	return asked
}

const day = 24 * time.Hour

// What a lifecycle rule may have deleted elsewhere is named, and not deleted here;
// what was deleted before any rule could have done so is a user's deletion.
func TestARulesDeletionIsNotFollowed(t *testing.T) {
	w := newWorld(t, followAll)
	w.everywhere("old", "first")
	w.everywhere("older", "first")
	w.Pass(20 * day)
	w.everywhere("recent", "first")
	w.Pass(11 * day)
	for _, key := range []string{"old", "older", "recent"} {
		w.Remove(there, key)
	}
	asked := w.rule(there, types.LifecycleRule{Expiration: &types.LifecycleExpiration{Days: aws.Int32(30)}})
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 3, Different: 3, Repaired: 1})
	w.shows("old", "first", "-", "first")
	w.shows("recent", "-", "-", "first")
	if got := w.why("old"); !strings.Contains(got, "lifecycle") {
		t.Errorf("named because %q", got)
	}
	if *asked != 1 {
		t.Errorf("asked for the rules %d times", *asked)
	}
}

// What may have been deleted here, and forgotten, is not brought back. It may as well
// have been lost: it is named, and counts as not repaired.
func TestWhatMayBeForgottenIsNotBroughtBack(t *testing.T) {
	for name, follow := range map[string]func(*functionenv.Reconcile){"first write wins": nil, "followed": followAll} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, follow)
			w.Put(there, "old", "first")
			w.Pass(31 * day)
			w.Put(there, "recent", "first")
			w.rule(here, types.LifecycleRule{
				Expiration:                  &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)},
				NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(30)},
			})
			w.wantCounts(w.tick(), reconcile.Counts{Compared: 2, Missing: 2, Repaired: 1, Unrepaired: 1})
			w.shows("old", "-", "first", "-")
			w.shows("recent", "first", "first", "-")
			if got := w.why("old"); !strings.Contains(got, "deleted here") {
				t.Errorf("named because %q", got)
			}
		})
	}
}

// Where deletions do not travel, what was deleted here stays so, and a later write
// comes all the same.
func TestADeletionStaysWhereItWas(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.Follow.Set = replicaset.Follow{Overwrites: true} })
	w.everywhere("deleted", "first")
	w.everywhere("again", "first")
	w.Remove(here, "deleted")
	w.Remove(here, "again")
	w.Pass(time.Second)
	w.Put(there, "again", "second")
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 2, Missing: 1, Repaired: 1, Deleted: 1})
	w.shows("deleted", "-", "first", "first")
	w.shows("again", "second", "second", "first")
}

// Copies of the days before follow mode are one write with their source, and are left.
func TestCopiesFromBeforeFollowModeAreTheSame(t *testing.T) {
	w := newWorld(t, followAll)
	w.Put(there, "old", "first")
	w.Pass(time.Second)
	w.Put(here, "old", "first")
	w.Put(third, "old", "first")
	w.Put(there, "conflict", "one")
	w.Pass(time.Second)
	w.Put(third, "conflict", "other")
	w.Pass(time.Second)
	w.config.Follow.Since = w.Now()
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 2, Missing: 1, Repaired: 1})
	w.shows("conflict", "other", "one", "other")
}

// Keys under keys of KMS have other ETags wherever they are: where the first write
// wins their sizes are compared, and nothing is asked for.
func TestOpaqueETagsAreNoDifference(t *testing.T) {
	w := newWorld(t, func(c *functionenv.Reconcile) { c.OpaqueETags = true })
	for i, region := range w.Regions {
		w.Put(region, "same", string(rune('a'+i)))
		w.Put(region, "longer", strings.Repeat("a", i+1))
	}
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 2, SizeOnly: 1})
	if n := w.Calls("HeadObject"); n > 3 {
		t.Errorf("%d HEADs", n)
	}
}
