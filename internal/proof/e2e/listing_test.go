package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/operator/verify"
)

// The sandbox's server lists in S3's order and after any place, also where
// directories below it would have another order, so that walks and comparisons
// work against it as against AWS.
func TestWalkAndVerify(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	home := w.regions[0]
	keys := []string{"a", "a b", "a+b", "a%20b", "a&b<c>'\"", "é", "日本/😀", "日本-", "b/c", "b/c.d/e", "b.c", "b-c/d", "z\tz", "\u0080"}
	for i := range 90 {
		keys = append(keys, fmt.Sprintf("films/%d/%02d", i%7, i))
	}
	for _, key := range keys {
		w.upload(home, object{key: key, body: key})
	}
	w.settle()
	o := verify.Options{Parallel: 6, PageSize: 2}
	var buckets []listing.Bucket
	for _, region := range w.regions {
		client := awsapi.NewS3(w.config(region), region, w.state.AccountID, awsapi.RequestTime, 16)
		o.Buckets = append(o.Buckets, verify.Bucket{Region: region, Name: w.bucket(region), Client: client})
		buckets = append(buckets, listing.Bucket{Region: region, Name: w.bucket(region), Client: client})
	}

	var mu sync.Mutex
	var got []string
	inOrder := true
	err := listing.Walk(t.Context(), buckets, listing.Options{Parallel: o.Parallel, PageSize: o.PageSize},
		func(_ context.Context, row listing.Row) error {
			mu.Lock()
			defer mu.Unlock()
			inOrder = inOrder && (len(got) == 0 || got[len(got)-1] < row.Key)
			got = append(got, row.Key)
			for i, object := range row.Objects {
				if object == nil || object.Size != int64(len(row.Key)) {
					t.Errorf("%q in %s: %+v", row.Key, w.regions[i], object)
				}
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if inOrder {
		t.Error("the walk was not split")
	}
	slices.Sort(got)
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		t.Errorf("got %q, want %q", got, keys)
	}

	s, err := verify.Run(t.Context(), o, func(d verify.Difference) error {
		t.Errorf("%+v", d)
		return nil
	}, nil)
	if err != nil || s.Equal != int64(len(keys)) || s.Heads != 0 {
		t.Errorf("got %+v, %v, want %d equal keys", s, err, len(keys))
	}
}
