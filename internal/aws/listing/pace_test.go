package listing_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/aws/listing"
)

// randomBytes are keys of which hardly a byte is a character: S3 has none, but no guess
// at where to split is worse.
const randomBytes = "random bytes"

// shapes are what keys of buckets may look like.
var shapes = []struct {
	name string
	key  func(i, n int, random *rand.Rand) string
}{
	{"directories", func(i, n int, _ *rand.Rand) string { return fmt.Sprintf("objects/%03d/%09d.bin", i*10/n, i) }},
	{"numbers", func(i, _ int, _ *rand.Rand) string { return fmt.Sprintf("key-%010d", i) }},
	{"dates", func(i, _ int, _ *rand.Rand) string {
		return time.Unix(1_700_000_000+int64(i)*1803, 0).UTC().Format("films/2006/01/02/15-04-05.mp4")
	}},
	{"hashes", func(_, _ int, random *rand.Rand) string { return fmt.Sprintf("%016x.bin", random.Uint64()) }},
	{randomBytes, func(_, _ int, random *rand.Rand) string {
		key := make([]byte, 8)
		for i := range key {
			key[i] = byte(1 + random.IntN(255))
		}
		return string(key)
	}},
	{"words", func(_, _ int, random *rand.Rand) string {
		var key []byte
		for range 4 + random.IntN(8) {
			key = append(key, "etaoinshrdlucmfwypvbgkjqxz"[int(26*random.Float64()*random.Float64())])
		}
		return string(key)
	}},
	{"one large directory and strays", func(i, _ int, _ *rand.Rand) string {
		switch i % 500 {
		case 0:
			return fmt.Sprintf("zz/stray-%d", i)
		case 1:
			return fmt.Sprintf("Archive/日本-%d", i)
		}
		return fmt.Sprintf("media/original/%d", i)
	}},
	{"few users with most", func(i, _ int, random *rand.Rand) string {
		user := uint32(200 * random.Float64() * random.Float64() * random.Float64())
		return fmt.Sprintf("users/%08x/photo-%d", user*2654435761, i)
	}},
	{"most in the last directory", func(i, _ int, _ *rand.Rand) string {
		if i%10 > 0 {
			return fmt.Sprintf("z/one/very/deep/directory/%x", uint64(i)*0x9e3779b97f4a7c15)
		}
		return fmt.Sprintf("%c/%d", 'a'+i/10%25, i)
	}},
}

func shaped(t *testing.T, name string, n int) []string {
	t.Helper()
	for _, s := range shapes {
		if s.name == name {
			random, keys := rand.New(rand.NewPCG(3, 4)), make([]string, n)
			for i := range keys {
				keys[i] = s.key(i, n, random)
			}
			slices.Sort(keys)
			return slices.Compact(keys)
		}
	}
	t.Fatalf("no keys look like %q", name)
	return nil
}

// away is how long the buckets of three Regions take to answer in one of them, without
// the variation: as over the sandbox's network like AWS's, from eu-west-1.
var away = []time.Duration{91 * time.Millisecond, 15 * time.Millisecond, 160 * time.Millisecond}

const (
	paceRanges = 8
	pacePage   = 100 // keys of a page; what counts is how many pages there are
)

// pace walks through three buckets and lists them in known ranges, on the clock of a
// synctest bubble, and returns how long each took and the requests of the walk.
func pace(t *testing.T, seed uint64, keysOf [3][]string, keys int) (walk, known time.Duration, requests int) {
	t.Helper()
	var buckets [2][]*far
	for i, base := range away {
		for contest := range buckets {
			buckets[contest] = append(buckets[contest], newFar(keysOf[i], base, seed))
		}
	}
	var list []listing.Bucket
	for i, f := range buckets[0] {
		list = append(list, listing.Bucket{Region: fmt.Sprint(i), Name: "b", Client: f})
	}
	var seen atomic.Int64
	began := time.Now()
	err := listing.Walk(t.Context(), list, listing.Options{PageSize: pacePage, Parallel: paceRanges},
		func(context.Context, listing.Row) error { seen.Add(1); return nil })
	walk = time.Since(began)
	if err != nil || seen.Load() != int64(keys) {
		t.Errorf("visited %d of %d keys: %v", seen.Load(), keys, err)
	}
	for _, f := range buckets[0] {
		requests += f.lists
	}
	began = time.Now()
	done := make(chan struct{})
	for _, f := range buckets[1] {
		go func() {
			f.inKnownRanges(t.Context(), t, paceRanges, pacePage)
			done <- struct{}{}
		}()
	}
	for range buckets[1] {
		<-done
	}
	return walk, time.Since(began), requests
}

// A walk finds out in a fifth of a second how keys are distributed, and so takes hardly
// longer than listing the buckets in ranges that somebody knew beforehand. It took 1.3
// to 2.1 times as long while it read eight pages first and then split one range after
// another.
func TestWalkKeepsPaceWithKnownRanges(t *testing.T) {
	const keys, rounds = 50_000, 8
	all, fast := 0.0, 0
	for _, s := range shapes {
		if s.name == randomBytes {
			continue
		}
		fast++
		of := shaped(t, s.name, keys)
		synctest.Test(t, func(t *testing.T) {
			var walk, known time.Duration
			requests, pages := 0, len(away)*(len(of)+pacePage-1)/pacePage
			for round := range rounds {
				w, k, r := pace(t, uint64(round), [3][]string{of, of, of}, len(of))
				walk, known, requests = walk+w, known+k, requests+r
			}
			ratio, more := float64(known)/float64(walk), float64(requests)/float64(rounds*pages)-1
			all += ratio
			t.Logf("%s: %.2f s, %.2f of the pace of known ranges, %.0f %% more requests than pages",
				s.name, walk.Seconds()/rounds, ratio, more*100)
			if ratio < 0.88 {
				t.Errorf("%s: took %v, want at most %v", s.name, walk/rounds, known*100/88/rounds)
			}
			if more > 0.25 {
				t.Errorf("%s: %.0f %% more requests than pages, want at most 25 %%", s.name, more*100)
			}
		})
	}
	if average := all / float64(fast); average < 0.92 {
		t.Errorf("%.2f of the pace of known ranges, want 0.92 at least", average)
	}
}

// What finding out costs a bucket of few keys is bounded, whatever they look like: nothing
// up to a page, and else as Walk says.
func TestWalkOfFewKeysCostsFewRequests(t *testing.T) {
	for _, s := range shapes {
		for _, keys := range []int{0, pacePage, 150, 300, 500, 700, 1000, 1500, 2000, 3000, 6000} {
			of := shaped(t, s.name, keys)
			synctest.Test(t, func(t *testing.T) {
				pages := len(away) * max(1, (len(of)+pacePage-1)/pacePage)
				_, _, requests := pace(t, 1, [3][]string{of, of, of}, len(of))
				t.Logf("%s: %d requests for %d pages", s.name, requests, pages)
				most := 36 + 2*len(away)*paceRanges + pages/2
				if len(of) <= pacePage {
					most = 0
				}
				if more := requests - pages; more > most {
					t.Errorf("%s: %d keys took %d requests more than there are pages, want %d at most", s.name, len(of), more, most)
				}
			})
		}
	}
}

// Where the bucket that answers fastest has other keys than the others, it is no good
// guide, and the walk finds its way by another one. Of requests that end at the same
// moment any may be seen first, so each takes a time of its own, whatever the scheduler
// does: in the worst cases the pace is 0.6, and there are 1.44 times as many requests as
// pages. A walk that is misled has a pace of 0.13.
func TestWalkIsNotMisledByTheNearestBucket(t *testing.T) {
	const rounds = 3
	for _, s := range []string{"directories", "hashes", "most in the last directory"} {
		all := shaped(t, s, 30_000)
		var thin []string
		for i := 0; i < len(all); i += 50 {
			thin = append(thin, all[i])
		}
		for _, tt := range []struct {
			name string
			near []string
		}{
			{"nothing", nil},
			{"the first of them", all[:len(all)/20]},
			{"the last of them", all[len(all)*19/20:]},
			{"few of them", thin},
			{"all but the end", all[:len(all)/2]},
		} {
			synctest.Test(t, func(t *testing.T) {
				var walk, known time.Duration
				requests, pages := 0, rounds*(2*len(all)+len(tt.near))/pacePage
				for round := range rounds {
					w, k, r := pace(t, uint64(round), [3][]string{all, tt.near, all}, len(all))
					walk, known, requests = walk+w, known+k, requests+r
				}
				t.Logf("%s, the nearest has %s: %.2f of the pace of known ranges, %d requests for %d pages",
					s, tt.name, float64(known)/float64(walk), requests, pages)
				if walk > known*5/2 || requests > pages*3/2 {
					t.Errorf("%s, the nearest has %s: took %v and %d requests, want %v and %d at most",
						s, tt.name, walk, requests, known*5/2, pages*3/2)
				}
			})
		}
	}
}

// The same goes for versions, of which one bucket may keep more than another.
func TestWalkOfVersionsKeepsPace(t *testing.T) {
	all := shaped(t, "directories", 20_000)
	for _, versions := range [][]int{{1, 1, 1}, {1, 4, 1}, {4, 1, 4}} {
		synctest.Test(t, func(t *testing.T) {
			var list []listing.Bucket
			ideal := time.Duration(0)
			for i, base := range away {
				f := newFar(all, base, 1)
				f.versions = versions[i]
				pages := len(all) * f.versions / pacePage
				ideal = max(ideal, time.Duration(pages/paceRanges)*(base+10*time.Millisecond))
				list = append(list, listing.Bucket{Region: fmt.Sprint(i), Name: "b", Versions: f})
			}
			var seen atomic.Int64
			began := time.Now()
			err := listing.Walk(t.Context(), list, listing.Options{PageSize: pacePage, Parallel: paceRanges, Deleted: true},
				func(context.Context, listing.Row) error { seen.Add(1); return nil })
			if err != nil || seen.Load() != int64(len(all)) {
				t.Errorf("visited %d of %d keys: %v", seen.Load(), len(all), err)
			}
			took := time.Since(began)
			t.Logf("%v versions: %v, at best %v", versions, took, ideal)
			if took > ideal*3/2 {
				t.Errorf("%v versions: took %v, want at most %v", versions, took, ideal*3/2)
			}
		})
	}
}
