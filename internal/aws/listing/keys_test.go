package listing_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/listing/listtest"
)

// A key costs a request for each bucket, also if a thousand begin like it.
func TestWalkKeysAsksForThoseKeysAlone(t *testing.T) {
	buckets := []*listtest.Bucket{{}, {}}
	for i := range 1500 {
		buckets[0].Put(fmt.Sprintf("films/one%04d", i), object(1))
	}
	buckets[0].Put("films/one", object(7))
	buckets[1].Put("films/one", object(8))
	buckets[1].Put("a + ü", object(9))
	var v visits
	var listed atomic.Int64
	err := listing.WalkKeys(t.Context(), walked(buckets), []string{"films/one", "a + ü", "films/on", "none"}, listing.Options{
		Parallel: 1, Listed: func(_, pages int) { listed.Add(int64(pages)) },
	}, listing.EachRow(v.visit))
	if err != nil {
		t.Fatal(err)
	}
	if n := listed.Load(); n != 8 {
		t.Errorf("told of %d pages, want those of two buckets", n)
	}
	want := map[string][]int64{"films/one": {7, 8}, "a + ü": {-1, 9}}
	if got := fmt.Sprint(v.sizes); got != fmt.Sprint(want) {
		t.Errorf("visited %s, want %v", got, want)
	}
	for i, b := range buckets {
		if lists, heads := b.Requests(); lists != 4 || heads != 0 {
			t.Errorf("bucket %d: %d LIST and %d HEAD, want 4 and 0", i, lists, heads)
		}
	}
}

func TestWalkKeysEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	b := &listtest.Bucket{Before: func(context.Context, string, string) error { return broken }}
	err := listing.WalkKeys(t.Context(), walked([]*listtest.Bucket{b}), []string{"a"}, listing.Options{},
		func(context.Context, listing.Stretch) error { return nil })
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}
