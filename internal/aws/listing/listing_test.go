package listing_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"pgregory.net/rapid"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/listing/listtest"
)

// visits is what a walk visited: how often, and with what.
type visits struct {
	mu    sync.Mutex
	times map[string]int
	sizes map[string][]int64 // -1 where a bucket has no such key
	last  string
	mixed bool // keys of several ranges came in turn
}

func (v *visits) visit(_ context.Context, row listing.Row) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.times == nil {
		v.times, v.sizes = map[string]int{}, map[string][]int64{}
	}
	v.times[row.Key]++
	v.mixed = v.mixed || row.Key < v.last
	v.last = row.Key
	for _, o := range row.Objects {
		size := int64(-1)
		if o != nil {
			size = o.Size
		}
		v.sizes[row.Key] = append(v.sizes[row.Key], size)
	}
	return nil
}

func object(size int64) s3.HeadObjectOutput {
	return s3.HeadObjectOutput{
		ContentLength: &size, ETag: aws.String(fmt.Sprintf("%q", fmt.Sprint(size))), LastModified: aws.Time(time.Unix(size, 0)),
	}
}

func walked(buckets []*listtest.Bucket) []listing.Bucket {
	list := make([]listing.Bucket, len(buckets))
	for i, b := range buckets {
		list[i] = listing.Bucket{Region: fmt.Sprintf("region-%d", i), Name: "b", Client: b}
	}
	return list
}

// key is a key of any shape that S3 takes: with what XML, URLs and file names
// cannot carry, long common beginnings, and characters of all lengths in UTF-8.
func key() *rapid.Generator[string] {
	nasty := []rune("abz019/-_. +%&<>\"'\\\x00\x01\n\r\t\x7f\u0080é日\uffff\U0001F600\U0010FFFF")
	return rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom(nasty), 1, 6, -1),
		rapid.Map(rapid.IntRange(0, 5000), func(n int) string { return fmt.Sprintf("logs/2026/%06d", n) }),
		rapid.Map(rapid.IntRange(0, 300), func(n int) string { return fmt.Sprintf("%x/%d", n*7919%256, n) }),
	)
}

// Every key that is there throughout is visited once with what there is, any
// other at most once, however the ranges are split and whatever is written
// meanwhile.
func TestWalkVisitsEveryKeyOnce(t *testing.T) {
	splits := 0
	rapid.Check(t, func(rt *rapid.T) {
		buckets := make([]*listtest.Bucket, rapid.IntRange(1, 4).Draw(rt, "buckets"))
		stays, moves := map[string][]int64{}, map[string]bool{}
		for range rapid.IntRange(0, 2).Draw(rt, "dense") {
			prefix := rapid.SampledFrom([]string{"", "dense/", "日/"}).Draw(rt, "prefix of dense keys")
			for i := range rapid.SampledFrom([]int{0, 10, 200, 800}).Draw(rt, "number of dense keys") {
				stays[fmt.Sprintf("%s%08d", prefix, i*i)] = nil
			}
		}
		for _, k := range rapid.SliceOfN(key(), 0, 150).Draw(rt, "keys") {
			stays[k] = nil
		}
		for _, k := range rapid.SliceOfN(key(), 0, 20).Draw(rt, "keys that come and go") {
			if _, ok := stays[k]; !ok {
				moves[k] = true
			}
		}
		absent := rapid.IntRange(2, 10).Draw(rt, "one in so many is missing")
		for i := range buckets {
			buckets[i] = &listtest.Bucket{}
		}
		n := 0
		for _, k := range slices.Sorted(maps.Keys(stays)) {
			for _, b := range buckets {
				n++
				if n*7919%absent == 0 && n%3 == 0 {
					stays[k] = append(stays[k], -1)
					continue
				}
				b.Put(k, object(int64(n)))
				stays[k] = append(stays[k], int64(n))
			}
			if slices.Max(stays[k]) < 0 {
				delete(stays, k)
			}
		}
		// Writes happen while requests do.
		come := slices.Sorted(maps.Keys(moves))
		var calls atomic.Int64
		for _, b := range buckets {
			b.Before = func(context.Context, string, string) error {
				<-time.After(time.Millisecond) // so that others come to split a range
				if c := int(calls.Add(1)); len(come) > 0 {
					if k := come[c%len(come)]; c%3 == 0 {
						buckets[c%len(buckets)].Delete(k)
					} else {
						buckets[c%len(buckets)].Put(k, object(1))
					}
				}
				return nil
			}
			if most := rapid.IntRange(0, 20).Draw(rt, "short pages"); most > 0 {
				b.MaxPage = func() int { return 1 + int(calls.Load())%most }
			}
		}
		o := listing.Options{
			Parallel: rapid.IntRange(1, 9).Draw(rt, "parallel"),
			PageSize: int32(rapid.IntRange(1, 40).Draw(rt, "page size")),
			Prefix:   rapid.SampledFrom([]string{"", "", "logs/", "logs/2026/00", "dense/0", "日", "a", "none"}).Draw(rt, "prefix"),
		}
		var v visits
		var err error
		synctest.Test(t, func(t *testing.T) { err = listing.Walk(t.Context(), walked(buckets), o, v.visit) })
		if err != nil {
			rt.Fatal(err)
		}
		for k, want := range stays {
			switch times := v.times[k]; {
			case !strings.HasPrefix(k, o.Prefix):
				if times > 0 {
					rt.Errorf("%q, which does not begin with %q, was visited", k, o.Prefix)
				}
			case times != 1:
				rt.Errorf("%q was visited %d times", k, times)
			case !slices.Equal(v.sizes[k], want):
				rt.Errorf("%q was visited with %v, want %v", k, v.sizes[k], want)
			}
		}
		for k, times := range v.times {
			if _, ok := stays[k]; !ok && (!moves[k] || times > 1) {
				rt.Errorf("%q was visited %d times, want once at most if it came meanwhile: %v", k, times, moves[k])
			}
		}
		if v.mixed {
			splits++
		}
	})
	if splits == 0 {
		t.Error("no walk was split")
	}
}

// What a walk in parallel saves where each answer takes its time, and what it
// costs in requests. Time is that of the bubble, so both are exact.
func TestWalkIsFastAndFrugal(t *testing.T) {
	const latency, pageSize = 100 * time.Millisecond, 50
	numbered := func(n int) []string {
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprintf("key-%010d", i))
		}
		return keys
	}
	var dated, hashed, mixed []string
	for i := range 20_000 {
		dated = append(dated, time.Unix(1_700_000_000+int64(i)*1803, 0).UTC().Format("films/2006/01/02/15-04-05.mp4"))
		hashed = append(hashed, fmt.Sprintf("%08x.bin", uint32(i)*2654435761))
		mixed = append(mixed, fmt.Sprintf("media/original/%d", i))
		if i%1000 == 0 {
			mixed = append(mixed, fmt.Sprintf("zz/stray-%d", i), fmt.Sprintf("Archive/日本-%d", i))
		}
	}
	tests := []struct {
		name     string
		keys     []string
		buckets  int
		mostMore float64 // requests, as a part of those needed
		faster   float64
	}{
		{"empty", nil, 3, 0, 1},
		{"one page", numbered(50), 3, 0, 1},
		{"eight pages", numbered(400), 3, 0.1, 1},
		{"twelve pages", numbered(600), 3, 0.4, 0.75},
		{"numbered", numbered(20_000), 3, 0.2, 5},
		{"one bucket", numbered(20_000), 1, 0.2, 5},
		{"dated", dated, 3, 0.2, 5},
		{"hashed", hashed, 3, 0.2, 5},
		{"mixed", mixed, 3, 0.2, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				buckets := make([]*listtest.Bucket, tt.buckets)
				for i := range buckets {
					buckets[i] = &listtest.Bucket{Before: func(context.Context, string, string) error {
						<-time.After(latency)
						return nil
					}}
					for _, k := range slices.Sorted(slices.Values(tt.keys)) { // which is faster
						buckets[i].Put(k, object(1))
					}
				}
				var v visits
				start := time.Now()
				if err := listing.Walk(t.Context(), walked(buckets), listing.Options{PageSize: pageSize}, v.visit); err != nil {
					t.Fatal(err)
				}
				took := time.Since(start)
				if len(v.times) != len(tt.keys) {
					t.Errorf("visited %d keys, want %d", len(v.times), len(tt.keys))
				}
				requests, pages := 0, max(1, (len(tt.keys)+pageSize-1)/pageSize)
				for _, b := range buckets {
					lists, _ := b.Requests()
					requests += lists
				}
				needed, alone := pages*tt.buckets, time.Duration(pages)*latency
				t.Logf("%d requests for %d pages, %.1f times as fast as one after the other",
					requests, needed, float64(alone)/float64(took))
				if float64(requests) > float64(needed)*(1+tt.mostMore) {
					t.Errorf("%d requests, want at most %.0f %% more than %d", requests, tt.mostMore*100, needed)
				}
				if float64(alone)/float64(took) < tt.faster {
					t.Errorf("took %v, want at most a %.1fth of %v", took, tt.faster, alone)
				}
			})
		})
	}
}

// slowProbes lets small requests take their time.
type slowProbes struct {
	*listtest.Bucket
	size int32
	wait time.Duration
}

func (p slowProbes) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	wait := 10 * time.Millisecond
	if *in.MaxKeys < p.size {
		wait = p.wait
	}
	<-time.After(wait)
	return p.Bucket.ListObjectsV2(ctx, in, o...)
}

// While somebody looks for a place to split a range, its owner goes on, and
// may come to that place, or past it.
// TestWalkVisitsWhatMatches leaves the other keys out, and them alone.
func TestWalkVisitsWhatMatches(t *testing.T) {
	b := &listtest.Bucket{}
	for i := range 100 {
		b.Put(fmt.Sprintf("%03d", i), object(1))
	}
	got := &visits{}
	match := func(key string) bool { return strings.HasSuffix(key, "7") }
	err := listing.Walk(t.Context(), walked([]*listtest.Bucket{b}), listing.Options{Match: match, PageSize: 10}, got.visit)
	if err != nil || len(got.times) != 10 {
		t.Fatalf("visited %v, %v, want the 10 keys that end in 7", got.times, err)
	}
	for key := range got.times {
		if !match(key) {
			t.Errorf("visited %q", key)
		}
	}
}

func TestWalkGoesOnWhileItIsSplit(t *testing.T) {
	b := &listtest.Bucket{}
	const keys, size = 8_000, 120
	for i := range keys {
		b.Put(fmt.Sprintf("%06d", i), object(1))
	}
	for wait := 10 * time.Millisecond; wait < 200*time.Millisecond; wait += 7 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			var v visits
			one := []listing.Bucket{{Region: "r", Name: "b", Client: slowProbes{b, size, wait}}}
			if err := listing.Walk(t.Context(), one, listing.Options{PageSize: size}, v.visit); err != nil {
				t.Fatal(err)
			}
			for key, times := range v.times {
				if times != 1 {
					t.Fatalf("probes of %v: %s was visited %d times", wait, key, times)
				}
			}
			if len(v.times) != keys {
				t.Errorf("probes of %v: %d keys, want %d", wait, len(v.times), keys)
			}
		})
	}
}

func TestWalkEndsWithTheFirstError(t *testing.T) {
	boom := errors.New("boom")
	fill := func(before func(context.Context, string, string) error) *listtest.Bucket {
		b := &listtest.Bucket{Before: before}
		for i := range 500 {
			b.Put(fmt.Sprint(i), object(1))
		}
		return b
	}
	var calls atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tests := []struct {
		name   string
		ctx    context.Context
		before func(context.Context, string, string) error
		visit  func(context.Context, listing.Row) error
		want   error
		text   string
	}{
		{"listing", t.Context(), func(context.Context, string, string) error {
			if calls.Add(1) > 20 {
				return listtest.Refused(403, "AccessDenied")
			}
			return nil
		}, nil, awsapi.ErrDenied, "region region-1: "},
		{"visit", t.Context(), nil, func(_ context.Context, r listing.Row) error {
			if r.Key == "77" {
				return boom
			}
			return nil
		}, boom, "boom"},
		{"cancelled", ctx, func(context.Context, string, string) error {
			if calls.Add(1) > 30 {
				cancel()
			}
			return nil
		}, nil, context.Canceled, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls.Store(0)
			visit := tt.visit
			if visit == nil {
				visit = func(context.Context, listing.Row) error { return nil }
			}
			err := listing.Walk(tt.ctx, walked([]*listtest.Bucket{fill(nil), fill(tt.before)}), listing.Options{PageSize: 5}, visit)
			if !errors.Is(err, tt.want) || !strings.HasPrefix(err.Error(), tt.text) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// unordered lists keys as a directory bucket does.
type unordered struct{ *listtest.Bucket }

func (u unordered) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out, err := u.Bucket.ListObjectsV2(ctx, in, o...)
	if err == nil {
		slices.Reverse(out.Contents)
	}
	return out, err
}

func TestWalkRefusesAnotherOrder(t *testing.T) {
	b := &listtest.Bucket{}
	for i := range 10 {
		b.Put(fmt.Sprint(i), object(1))
	}
	for _, size := range []int32{1, 3} {
		err := listing.Walk(t.Context(), []listing.Bucket{{Region: "r", Name: "b", Client: unordered{b}}}, listing.Options{PageSize: size},
			func(context.Context, listing.Row) error { return nil })
		if wrong := err != nil; wrong != (size > 1) {
			t.Errorf("pages of %d: %v", size, err)
		}
	}
}
