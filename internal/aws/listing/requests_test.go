package listing_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/listing"
)

// counted counts the answers that were not late.
type counted struct {
	*far
	answers *atomic.Int64
}

func (c counted) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out, err := c.far.ListObjectsV2(ctx, in, o...)
	if err == nil {
		c.answers.Add(1)
	}
	return out, err
}

// What a walk tells of are all requests, also those that find out where to split, as
// somebody pays for them.
func TestWalkTellsOfEachRequest(t *testing.T) {
	of := shaped(t, "directories", 5000)
	synctest.Test(t, func(t *testing.T) {
		var answers, told, keys atomic.Int64
		var list []listing.Bucket
		for i, base := range away {
			list = append(list, listing.Bucket{Region: fmt.Sprint(i), Name: "b", Client: counted{newFar(of, base, 1), &answers}})
		}
		err := listing.Walk(t.Context(), list, listing.Options{
			PageSize: pacePage, Listed: func(n, requests int) { keys.Add(int64(n)); told.Add(int64(requests)) },
		}, func(context.Context, listing.Row) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if told.Load() != answers.Load() || keys.Load() < int64(len(away)*len(of)) {
			t.Errorf("told of %d requests and %d keys, answered were %d", told.Load(), keys.Load(), answers.Load())
		}
	})
}

// emptyAtEnd says of its page that another comes, which is empty, and answers probes late.
type emptyAtEnd struct{ size int32 }

func (e emptyAtEnd) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	wait := 10 * time.Millisecond
	if in.StartAfter != nil {
		wait = time.Minute
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	out := &s3.ListObjectsV2Output{}
	if in.StartAfter == nil && in.ContinuationToken == nil {
		var keys []string
		for i := range e.size {
			keys = append(keys, fmt.Sprintf("%06d", i))
		}
		*out = listed("next", keys...)
	}
	return out, nil
}

// Who looks for a place to split a range gives up once that has come to an end, also by
// a page without keys.
func TestWalkWaitsForNoProbeOfAFinishedRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := listing.Walk(t.Context(), []listing.Bucket{{Region: "r", Name: "b", Client: emptyAtEnd{50}}},
			listing.Options{PageSize: 50}, func(context.Context, listing.Row) error { return nil })
		if took := time.Since(began); err != nil || took > time.Second {
			t.Errorf("took %v, %v", took, err)
		}
	})
}

// buried is a bucket whose last key has very many delete markers alone.
type buried struct {
	*stacked
	small *atomic.Int64 // requests of less than a page
}

func (b buried) ListObjectVersions(
	ctx context.Context, in *s3.ListObjectVersionsInput, o ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	if *in.MaxKeys < 20 {
		b.small.Add(1)
		if in.VersionIdMarker != nil {
			return nil, errEndless
		}
	}
	<-time.After(10 * time.Millisecond)
	return b.stacked.ListObjectVersions(ctx, in, o...)
}

// A probe is one request, also where it meets a key with more delete markers than it
// asks for.
func TestProbeOfVersionsIsOneRequest(t *testing.T) {
	b := buried{&stacked{keys: map[string][]string{}, most: 1000}, &atomic.Int64{}}
	for i := range 400 {
		b.keys[fmt.Sprintf("%04d", i)] = []string{"v1"}
	}
	var markers []string
	for i := range 500 {
		markers = append(markers, fmt.Sprintf("x%d", 1000-i))
	}
	for _, key := range []string{"0400", "1500", "5000", "7", "8", "9", "a", "m", "s", "v"} {
		b.keys[key] = markers
	}
	synctest.Test(t, func(t *testing.T) {
		var seen atomic.Int64
		err := listing.Walk(t.Context(), []listing.Bucket{{Region: "r", Name: "b", Versions: b}},
			listing.Options{Deleted: true, PageSize: 20}, func(context.Context, listing.Row) error { seen.Add(1); return nil })
		if err != nil || seen.Load() != int64(len(b.keys)) || b.small.Load() == 0 {
			t.Errorf("visited %d of %d keys, with %d probes: %v", seen.Load(), len(b.keys), b.small.Load(), err)
		}
	})
}
