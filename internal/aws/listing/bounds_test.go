package listing_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/listing/listtest"
)

// A walk that stops after any stretch and is begun again after what that says has
// visited, in the end, each key within its bounds once.
func TestWalkGoesOnFromAnyStretch(t *testing.T) {
	errStop := errors.New("stop")
	rapid.Check(t, func(t *rapid.T) {
		buckets := []*listtest.Bucket{{}, {}}
		keys := rapid.SliceOfNDistinct(key(), 0, 30, rapid.ID).Draw(t, "keys")
		for i, key := range keys {
			buckets[rapid.IntRange(0, 1).Draw(t, "bucket")].Put(key, object(int64(i)))
		}
		after, through := rapid.OneOf(rapid.Just(""), key()).Draw(t, "after"), rapid.OneOf(rapid.Just(""), key()).Draw(t, "through")
		skips := rapid.Bool().Draw(t, "skips")
		match := func(key string) bool { return !skips || len(key)%2 == 0 }
		var want, got []string
		for _, key := range keys {
			if key > after && (through == "" || key <= through) && match(key) {
				want = append(want, key)
			}
		}
		slices.Sort(want)
		for begins := 0; ; begins++ {
			if begins > len(keys)+1 {
				t.Fatalf("it does not come to an end after %q", after)
			}
			visits := rapid.IntRange(1, 3).Draw(t, "stretches")
			err := listing.WalkStretches(t.Context(), walked(buckets), listing.Options{
				After: after, Through: through, Match: match, Parallel: 1, PageSize: 2,
			}, func(_ context.Context, s listing.Stretch) error {
				for row := range s.Rows {
					got = append(got, row.Key)
				}
				if visits--; s.Through == "" {
					return nil
				}
				if s.Through <= s.After {
					t.Fatalf("after %q through %q", s.After, s.Through)
				}
				after = s.Through
				if visits == 0 {
					return errStop
				}
				return nil
			})
			if err == nil {
				break
			}
			if !errors.Is(err, errStop) {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("visited %q, want %q", got, want)
		}
	})
}
