package e2e

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// Users in all Regions write and delete the same keys at once, while functions die, S3
// slows down, and messages come twice: all Regions end with the same, and every
// version that a user wrote is still where it was written.
func TestFollowedStorm(t *testing.T) {
	t.Parallel()
	s := startStorm(t)
	for _, region := range s.w.regions {
		s.w.fault(region, fault.LambdaCrash, 0.05, 0)
		s.w.fault(region, fault.S3SlowDown, 0.05, 0)
		s.w.fault(region, fault.DuplicateDelivery, 0.2, 0)
	}
	s.change(20, 40)
	s.wantEnded()
}

// The same of many keys, in a storm in which functions are killed at any of their
// requests, connections are cut, and messages come late as well, and a Region is away
// for a third of the time.
func TestFollowedStormOfManyKeys(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	const keys, changes = 200, 300
	s := startStorm(t)
	away := s.w.regions[len(s.w.regions)-1]
	s.weather(true)
	s.change(keys, changes)
	s.w.fault(away, fault.S3Unavailable, 1, 0)
	s.change(keys, changes)
	s.w.settleWithin(10 * time.Minute) // what failed there is a dead letter now
	s.w.fault(away, fault.S3Unavailable, 0, 0)
	s.change(keys, changes)
	s.wantEnded()
}

// followStorm is a storm over what users change in a set that follows.
type followStorm struct {
	*storm
	mu      sync.Mutex
	changes int              // by each user
	keys    map[string]bool  // that were changed
	tried   map[string]write // by ETag: each body is another
	written map[string]write // by version: what they were told is done
}

type write struct{ region, key, etag string }

func startStorm(t *testing.T) *followStorm {
	t.Helper()
	seed := killSeed(t)
	s := &followStorm{
		storm: &storm{
			random: rand.New(rand.NewPCG(seed, 0)), function: map[string]int{}, begun: map[upload]struct{}{}, config: followConfig(t),
		},
		keys: map[string]bool{}, tried: map[string]write{}, written: map[string]write{},
	}
	s.calm.Store(true)
	s.w = start(t, synthesize(t, followContext), observe(s.look), func(c *sandbox.Config) { c.Seed = seed })
	return s
}

// change has a user in each Region write and delete keys at random, as fast as the
// functions keep up. Nobody tries twice, and what a user is not told is done may be
// done.
func (s *followStorm) change(keys, changes int) {
	s.w.t.Helper()
	var users sync.WaitGroup
	for _, region := range s.w.regions {
		s.storm.mu.Lock()
		random := rand.New(rand.NewPCG(s.random.Uint64(), 0))
		s.storm.mu.Unlock()
		client := s3.NewFromConfig(s.w.config(region), func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
		bucket, first := aws.String(s.w.bucket(region)), s.changes
		users.Go(func() {
			for i := range changes {
				s.keepUp()
				key := fmt.Sprintf("films/%03d", random.IntN(keys))
				if random.IntN(3) == 0 {
					_, _ = client.DeleteObject(s.w.t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: &key})
					continue
				}
				body := fmt.Sprintf("%s %s %d", key, region, first+i)
				out, err := client.PutObject(s.w.t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(body)})
				s.tries(write{region, key, etagOf(body)})
				if err == nil {
					s.wrote(aws.ToString(out.VersionId), write{region, key, etagOf(body)})
				}
			}
		})
	}
	users.Wait()
	s.changes += changes
}

func (s *followStorm) tries(one write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[one.key], s.tried[one.etag] = true, one
}

func (s *followStorm) wrote(version string, one write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[version] = one
}

func etagOf(body string) string {
	sum := md5.Sum([]byte(body))
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// wantEnded ends the storm and checks what it left, after a redrive.
func (s *followStorm) wantEnded() {
	w := s.w
	w.t.Helper()
	w.settleWithin(10 * time.Minute)
	s.weather(false)
	letters := w.deadLetters()
	if code, out := w.redrive("--config", s.config); code != 0 {
		w.t.Errorf("redrive: exit %d\n%s", code, out)
	}
	w.settle()
	if code, stdout, stderr := w.command("verify", "--grace", "0s", "--config", s.config); code != 0 {
		w.t.Errorf("verify: exit %d, want 0\n%s%s", code, stdout, stderr)
	}
	w.wantNothingLost(w.regions...)
	for key := range s.keys {
		w.wantSame(key)
	}
	versions, markers := s.wantKept()
	spent := w.cost()
	writes, changes := spent.requests["CopyObject"]+spent.requests["DeleteObject"], int64(len(w.regions)*s.changes)
	if most := 2 * changes * int64(len(w.regions)-1); writes > most {
		w.t.Errorf("functions asked for %d copies and deletions of %d changes, at most %d are explained", writes, changes, most)
	}
	w.t.Logf("%d changes by users: %d versions and %d markers; %d invocations, %d processes killed, %v, %d dead letters",
		changes, versions, markers, spent.invocations, s.functions(), spent.requests, letters)
}

// wantKept checks that every version that a user wrote is where it was written, and
// counts: a write is copied once to each other Region, and once more only over a
// marker, which no condition tells from nothing; a marker of a function is made only
// over something.
func (s *followStorm) wantKept() (versions, markers int) {
	w := s.w
	w.t.Helper()
	times := map[string]map[string]int{}  // by Region and ETag
	hidden := map[string]map[string]int{} // markers by Region and key
	for _, region := range w.regions {
		kept := map[string]string{} // ETag by version
		hidden[region] = map[string]int{}
		times[region] = map[string]int{}
		pages := s3.NewListObjectVersionsPaginator(w.s3(region), &s3.ListObjectVersionsInput{Bucket: aws.String(w.bucket(region))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			for _, v := range page.Versions {
				kept[aws.ToString(v.VersionId)] = aws.ToString(v.ETag)
				times[region][aws.ToString(v.ETag)]++
				versions++
			}
			for _, m := range page.DeleteMarkers {
				hidden[region][aws.ToString(m.Key)]++
				markers++
			}
		}
		for version, one := range s.written {
			if one.region == region && kept[version] != one.etag {
				w.t.Errorf("%s: version %s of %s is %q, want what the user wrote", region, version, one.key, kept[version])
			}
		}
	}
	for region, counts := range times {
		again := map[string]int{} // copies beyond the first by key
		for etag, n := range counts {
			one, known := s.tried[etag]
			again[one.key] += n - 1
			if home := times[one.region][etag]; !known || home != 1 {
				w.t.Errorf("%s has %d versions of what was written as %v, and its own Region %d", region, n, one, home)
			}
		}
		for key, n := range again {
			if n > hidden[region][key] {
				w.t.Errorf("%s has %d copies of %s beyond one of each write, at most %d markers explain one",
					region, n, key, hidden[region][key])
			}
		}
	}
	byUsers := 0
	for _, r := range w.sandbox.Stats().Regions {
		for caller, operations := range r.S3 {
			if !strings.Contains(caller, ":assumed-role/") {
				byUsers += int(operations["DeleteObject"])
			}
		}
	}
	if most := versions + byUsers; markers > most {
		w.t.Errorf("%d markers over %d versions after %d deletions by users", markers, versions, byUsers)
	}
	return versions, markers
}
