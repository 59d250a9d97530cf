package listing_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/listing/listtest"
)

// Ranges have about as many keys each, whatever keys look like, and finding them
// costs some requests for each range.
func TestCutsDivideTheKeys(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		name  string
		among int // other keys before them, which do not begin with "p/"
		key   func(i int) string
		worst int // times the average
	}{
		{"hashes", 0, func(int) string { return fmt.Sprintf("%016x", random.Uint64()) }, 3},
		{"numbers", 0, func(i int) string { return fmt.Sprintf("objects/%09d.bin", i) }, 4},
		{"days", 0, func(i int) string { return fmt.Sprintf("logs/2026/%02d/%02d/%05d.gz", 1+i%12, 1+i/12%28, i) }, 4},
		{"a prefix of many", 40_000, func(int) string { return fmt.Sprintf("p/%016x", random.Uint64()) }, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const n, ranges = 60_000, 10
			bucket := &listtest.Bucket{}
			for i := range tt.among {
				bucket.Put(fmt.Sprintf("other/%06d", i), object(1))
			}
			prefix := ""
			if tt.among > 0 {
				prefix = "p/"
			}
			var keys []string
			for i := range n {
				keys = append(keys, tt.key(i))
			}
			slices.Sort(keys) // Put is fast at the end
			for i, key := range keys {
				bucket.Put(key, object(int64(i)))
			}
			cuts, err := listing.Cuts(t.Context(), walked([]*listtest.Bucket{bucket})[0], prefix, ranges)
			if err != nil {
				t.Fatal(err)
			}
			if len(cuts) < ranges/2 || len(cuts) >= ranges || !slices.IsSorted(cuts) {
				t.Fatalf("%d cuts of %d ranges: %q", len(cuts), ranges, cuts)
			}
			largest, at := 0, 0
			for _, cut := range append(cuts, "\U0010FFFF") {
				end, _ := slices.BinarySearch(keys, cut)
				largest, at = max(largest, end-at), end
			}
			if largest > tt.worst*n/ranges {
				t.Errorf("the largest of %d ranges has %d of %d keys", len(cuts)+1, largest, n)
			}
			lists, _ := bucket.Requests()
			t.Logf("%d ranges, the largest of %d keys, %d requests", len(cuts)+1, largest, lists)
			if lists > 17*ranges {
				t.Errorf("%d requests", lists)
			}
		})
	}
	few := &listtest.Bucket{}
	few.Put("a", object(1))
	for _, b := range []*listtest.Bucket{few, {}} {
		if cuts, err := listing.Cuts(t.Context(), walked([]*listtest.Bucket{b})[0], "", 10); err != nil || len(cuts) > 0 {
			t.Errorf("few keys: got %q, %v", cuts, err)
		}
	}
}
