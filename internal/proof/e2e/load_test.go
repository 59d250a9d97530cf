package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// A burst of uploads while S3 asks for less, SNS delivers twice and one Region
// is away for a while: nothing is lost, nothing goes round in circles, a dead
// letter is only what used its attempts up, and redrive brings it. Times are
// printed, not judged.
func TestBurst(t *testing.T) {
	t.Parallel()
	burst(t, 300, 1)
}

func TestBurstOfOneThousand(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	burst(t, 1_000, 10)
}

func TestBurstOfTwentyThousand(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	burst(t, 20_000, 100)
}

// burst uploads n objects. The Region that goes away comes back when half of
// them are there and so many dead letters.
func burst(t *testing.T, n, leastLetters int) {
	w := start(t, threeRegions(t), func(c *sandbox.Config) { c.Concurrency = 64 })
	away := w.regions[0]
	everywhere := func(kind fault.Kind, rate float64) {
		for _, region := range w.regions {
			w.fault(region, kind, rate, 0)
		}
	}
	everywhere(fault.S3SlowDown, 0.3)
	everywhere(fault.DuplicateDelivery, 0.05)
	book := newPatientBook(w)
	book.unread = n > 1_000

	began := time.Now()
	var uploaded atomic.Int64
	var group errgroup.Group
	for _, region := range w.regions {
		for user := range 8 {
			group.Go(func() error {
				for i := user; i < n; i += 8 {
					if w.regions[i%len(w.regions)] != region {
						continue
					}
					if !book.upload(region, fmt.Sprintf("burst/%05d", i), 0) {
						return fmt.Errorf("upload %d in %s failed", i, region)
					}
					uploaded.Add(1)
				}
				return nil
			})
		}
	}
	used := &usage{}
	w.until(used, func() bool { return uploaded.Load() >= int64(n/10) })
	w.fault(away, fault.S3Unavailable, 1, 0)
	w.until(used, func() bool {
		return uploaded.Load() >= int64(n/2) && w.deadLetters() >= leastLetters
	})
	w.fault(away, fault.S3Unavailable, 0, 0)
	w.until(used, func() bool { return uploaded.Load() == int64(n) })
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	uploading := time.Since(began)
	w.until(used, func() bool { return w.sandbox.Stats().Pending == 0 })
	everything := time.Since(began)
	all, present := w.lags(away)

	everywhere(fault.S3SlowDown, 0)
	everywhere(fault.DuplicateDelivery, 0)
	w.wantNoneWokenInVain(n)
	letters := w.exhausted()
	book.check("")
	redriving := time.Now()
	if code, out := w.redrive(); code != 0 {
		t.Errorf("redrive: exit %d, want 0\n%s", code, out)
	}
	redriven := time.Since(redriving)
	w.settle()
	w.wantNothingLost(w.regions...)
	w.wantNoLoop(n)
	book.check("")
	if code, stdout, stderr := w.command("verify", "--grace", "0s"); code != 0 {
		t.Errorf("verify: exit %d, want 0\n%s%s", code, stdout, stderr)
	}

	perSecond := func(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }
	t.Logf("%d CPUs, %s/%s: %d uploads in %v (%.0f/s); %d replicas in %v (%.0f/s)", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		n, uploading.Round(time.Millisecond), perSecond(n, uploading), len(all), everything.Round(time.Millisecond),
		perSecond(len(all), everything))
	t.Logf("replication lag: p50 %v, p99 %v, at most %v; between the Regions that stayed: p50 %v, p99 %v",
		percentile(all, 50), percentile(all, 99), percentile(all, 100), percentile(present, 50), percentile(present, 99))
	t.Logf("dead letters: %v; redriven in %v", letters, redriven.Round(time.Millisecond))
	t.Logf("memory: %.1f MiB of the function's processes at most; sandbox and test together %.0f MiB",
		float64(used.function)/mib, float64(used.sandbox)/mib)
}

// newPatientBook is a book whose users try for as long as it takes. That is
// one version all the same: who is told to slow down has done nothing.
func newPatientBook(w *world) *book {
	b := newBook(w)
	for _, region := range w.regions {
		b.clients[region] = s3.NewFromConfig(w.config(region), func(o *s3.Options) {
			o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
				r.MaxAttempts, r.MaxBackoff, r.RateLimiter = 10_000, 200*time.Millisecond, ratelimit.None
			})
		})
	}
	return b
}

func (w *world) deadLetters() (n int) {
	for _, r := range w.sandbox.Stats().Regions {
		n += int(r.DeadLetters)
	}
	return n
}

// usage is the most memory seen, in bytes.
type usage struct {
	function int64 // of one process
	sandbox  int64 // this process, in which the sandbox runs
}

// until waits for a condition, and looks at the memory meanwhile.
func (w *world) until(u *usage, met func() bool) {
	w.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for i := 0; !met(); i++ {
		if runtime.GOOS == "linux" && i%20 == 0 {
			u.function = max(u.function, peakMemory(w.t))
			u.sandbox = max(u.sandbox, w.resident())
		}
		select {
		case <-tick.C:
		case <-w.t.Context().Done():
			w.t.Fatal("the test ended first")
		}
	}
}

// resident is this process's memory, in bytes.
func (w *world) resident() int64 {
	w.t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				w.t.Fatal(err)
			}
			return kib << 10
		}
	}
	w.t.Fatal("/proc/self/status does not tell VmRSS")
	return 0
}

// lags are the values of the metric ReplicationLag, in order: all of them, and
// those that one Region has no part in. They are read where CloudWatch reads
// them, which keeps the last 10,000 alone.
func (w *world) lags(without string) (all, others []time.Duration) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.sandbox.LogDir(), "*.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			var record struct {
				ReplicationLag             *int64
				SourceRegion, TargetRegion string
			}
			if json.Unmarshal([]byte(line), &record) != nil || record.ReplicationLag == nil {
				continue
			}
			lag := time.Duration(*record.ReplicationLag) * time.Millisecond
			all = append(all, lag)
			if record.SourceRegion != without && record.TargetRegion != without {
				others = append(others, lag)
			}
		}
	}
	if len(others) == 0 {
		w.t.Fatal("the functions' logs tell no lag")
	}
	slices.Sort(all)
	slices.Sort(others)
	return all, others
}

func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)*p+99)/100-1]
}

// wantNoneWokenInVain checks that functions were invoked for uploads alone, and
// as often as they were delivered.
func (w *world) wantNoneWokenInVain(uploads int) {
	w.t.Helper()
	delivered, first := int64(0), int64(0)
	for _, r := range w.sandbox.Stats().Regions {
		delivered += r.SNS.Delivered
		first += r.Lambda.Invocations - r.Lambda.Retries
	}
	if first != delivered {
		w.t.Errorf("%d events were tried, want the %d delivered", first, delivered)
	}
	others := len(w.regions) - 1
	least := int64(uploads * others)
	testEvents := int64(len(w.regions) * others)
	if most := (least + testEvents) * 110 / 100; delivered <= least || delivered > most {
		w.t.Errorf("%d deliveries, want some more than %d, and at most %d: one in twenty came twice", delivered, least, most)
	}
}

// wantNoLoop checks that every topic got one message for each object that its
// Region has, and no more.
func (w *world) wantNoLoop(uploads int) {
	w.t.Helper()
	for region, r := range w.sandbox.Stats().Regions {
		if want := int64(uploads + 1); r.SNS.Published != want { // and the bucket's test event
			w.t.Errorf("%s: %d messages, want %d", region, r.SNS.Published, want)
		}
		if r.Lambda.Recursions != 0 {
			w.t.Errorf("%s: %d invocations were stopped as recursions", region, r.Lambda.Recursions)
		}
	}
}

// exhausted counts each Region's dead letters, which have to be of events that
// S3 refused as often as Lambda tries them.
func (w *world) exhausted() map[string]int {
	w.t.Helper()
	n := map[string]int{}
	for region, letters := range newBook(w).readLetters() {
		n[region] = len(letters)
		for _, l := range letters {
			if l.Attempts != 3 || !strings.Contains(l.Reason, "SlowDown") && !strings.Contains(l.Reason, "ServiceUnavailable") {
				w.t.Errorf("%s: a dead letter after %d attempts, with the reason %q", region, l.Attempts, l.Reason)
			}
		}
	}
	return n
}
