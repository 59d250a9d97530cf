package copier

import (
	"context"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	smithytime "github.com/aws/smithy-go/time"
)

// crowd lets parts take a second each and refuses those that come while too
// many are under way.
type crowd struct {
	mu      sync.Mutex
	room    func() int // zero: any number
	now     int
	most    int
	refused int
	served  int
}

func (c *crowd) arrive(r *http.Request, op string, _ int) (*reply, error) {
	if op != "Part" {
		return nil, nil
	}
	c.mu.Lock()
	room := 0
	if c.room != nil {
		room = c.room()
	}
	if room > 0 && c.now >= room {
		c.refused++
		c.mu.Unlock()
		return ptr(refused(503, "SlowDown", "Please reduce your request rate.")), nil
	}
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	err := smithytime.SleepWithContext(r.Context(), time.Second)
	c.mu.Lock()
	c.now--
	c.served++
	c.mu.Unlock()
	return nil, err
}

func TestThrottlingLowersTheNumberUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, req := world(6400)
		c := &crowd{room: func() int { return 8 }}
		m.before = c.arrive
		start := time.Now()
		got, err := inParts(m, 5, WithMultipart(10, 64)).Copy(t.Context(), req)
		took := time.Since(start)
		if err != nil || got.Outcome != Copied || got.PartsDone != 640 {
			t.Fatalf("got %+v, %v", got, err)
		}
		checkReplica(t, m)
		// The best is 80 s, eight parts at a time. A sender that did not learn
		// would be refused every second by most of its 64.
		if took > 160*time.Second {
			t.Errorf("took %v", took)
		}
		if c.refused > 640/2 {
			t.Errorf("%d refusals for 640 parts", c.refused)
		}
		if got.Requests.Part != 640+c.refused {
			t.Errorf("counted %d requests, want %d", got.Requests.Part, 640+c.refused)
		}
	})
}

// The function has little memory: several large objects of one invocation have no more
// parts under way than one.
func TestCopiesShareTheNumberOfParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, req := world(640)
		c := &crowd{}
		m.before = c.arrive
		copies := inParts(m, 5, WithMultipart(10, 16), WithSharedParts())
		start := time.Now()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := copies.Copy(t.Context(), req); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if c.most != 16 {
			t.Errorf("%d parts were under way at once, want 16", c.most)
		}
		// 8 copies of 64 parts, 16 in a second.
		if took := time.Since(start); took > 40*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestTheNumberUnderWayGrowsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, req := world(6400)
		start := time.Now()
		late := 0
		c := &crowd{}
		c.room = func() int {
			if time.Since(start) < 10*time.Second {
				return 4
			}
			late = max(late, c.now+1)
			return 0
		}
		m.before = c.arrive
		if _, err := inParts(m, 1, WithMultipart(10, 32)).Copy(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if late <= 16 {
			t.Errorf("at most %d parts under way after the throttling", late)
		}
	})
}

// A part that is under way for long counts as slow before it ends: what is
// started beside it might take as long, and be cut off by the deadline.
func TestPartsUnderWayCountAsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, req := world(6400)
		start, parts := time.Now(), 0
		var last time.Duration // when a part was started
		m.before = func(r *http.Request, op string, _ int) (*reply, error) {
			if op != "Part" {
				return nil, nil
			}
			m.mu.Lock()
			parts++
			last = time.Since(start)
			takes := time.Second
			if parts <= 3 {
				takes = time.Hour
			}
			m.mu.Unlock()
			return nil, smithytime.SleepWithContext(r.Context(), takes)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		got, err := inParts(m, 1).Copy(ctx, req)
		if err != nil || got.Outcome != Unfinished {
			t.Fatalf("got %+v, %v", got, err)
		}
		// Half of the time is the most that is kept for them.
		if last < 40*time.Second || last > 50*time.Second {
			t.Errorf("the last part was started after %v, want about 50 s", last)
		}
	})
}

func TestOtherPartsGoOnWhileOneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, req := world(200)
		failures, done := 0, 0
		c := &crowd{}
		m.before = func(r *http.Request, op string, n int) (*reply, error) {
			if op == "Part" && r.URL.Query().Get("partNumber") == "1" {
				if failures++; failures < 6 {
					return ptr(refused(500, "InternalError", "x")), nil
				}
				done = c.served
			}
			return c.arrive(r, op, n)
		}
		if _, err := inParts(m, 1, WithMultipart(10, 2)).Copy(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if failures != 6 || done == 0 {
			t.Errorf("the first part was tried %d times, %d others were done before its last try", failures, done)
		}
	})
}

func TestGoroutinesAreBounded(t *testing.T) {
	const parts = 2000
	synctest.Test(t, func(t *testing.T) {
		m, req := world(parts)
		c := &crowd{}
		m.before = c.arrive
		before, own, most, mostOwn := runtime.NumGoroutine(), goroutines(), 0, 0
		counting, end := context.WithCancel(t.Context())
		counted := make(chan struct{})
		go func() {
			defer close(counted)
			// At half past each second all parts wait for S3, and who has done one has
			// ended: virtual time goes on only then.
			wait := time.Second / 2
			for n := 0; smithytime.SleepWithContext(counting, wait) == nil; n++ {
				wait = time.Second
				most = max(most, runtime.NumGoroutine()-1)
				if n%20 == 0 { // it is slow
					mostOwn = max(mostOwn, goroutines()-1)
				}
			}
		}()
		got, err := inParts(m, 1, WithMultipart(10, 64), WithPartSize(1)).Copy(t.Context(), req)
		if err != nil || got.PartsDone != parts {
			t.Fatalf("got %+v, %v", got, err)
		}
		if c.most != 64 {
			t.Errorf("%d parts under way at most, want 64", c.most)
		}
		end()
		<-counted
		// A goroutine for each part under way, and a few of the test's own.
		if extra := most - before; extra > 64+8 {
			t.Errorf("%d goroutines more than before", extra)
		}
		if extra := mostOwn - own; extra < 64 || extra > 64+8 {
			t.Errorf("%d goroutines more in the test's bubble than before", extra)
		}
		checkReplica(t, m)
	})
}

// bubble is in the first line of a goroutine's stack.
var bubble = regexp.MustCompile(`(?m)^goroutine .*, synctest bubble (\d+)`)

// goroutines counts those of the caller's bubble. What tests that are over have not
// ended yet, and the runtime's own, come and go.
func goroutines() int {
	stacks := make([]byte, 4<<20)
	of := func(all bool) [][][]byte { return bubble.FindAllSubmatch(stacks[:runtime.Stack(stacks, all)], -1) }
	own, count := string(of(false)[0][1]), 0
	for _, g := range of(true) {
		if string(g[1]) == own {
			count++
		}
	}
	return count
}

// TestSlowPartsStopTheCopyEarlier compares when the last part is started.
func TestSlowPartsStopTheCopyEarlier(t *testing.T) {
	last := func(took time.Duration) time.Duration {
		var at time.Duration
		synctest.Test(t, func(t *testing.T) {
			m, req := world(maxParts)
			start := time.Now()
			m.before = func(r *http.Request, op string, _ int) (*reply, error) {
				if op != "Part" {
					return nil, nil
				}
				at = time.Since(start)
				return nil, smithytime.SleepWithContext(r.Context(), took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
			defer cancel()
			got, err := inParts(m, 1, WithMultipart(10, 1)).Copy(ctx, req)
			if err != nil || got.Outcome != Unfinished || ctx.Err() != nil {
				t.Errorf("parts of %v: got %+v, %v, context %v", took, got, err, ctx.Err())
			}
		})
		return at
	}
	fast, slow := last(time.Second), last(20*time.Second)
	if fast < 80*time.Second || slow > 70*time.Second {
		t.Errorf("last part after %v and %v", fast, slow)
	}
}

func TestWindow(t *testing.T) {
	w := NewWindow(64, 64)
	for n := range 64 { // one overload
		w = w.Throttle(n, 64)
	}
	if got := w.Limit(); got != 32 {
		t.Errorf("after one overload: %d, want 32", got)
	}
	for range 33 {
		w = w.Success()
	}
	if got := w.Limit(); got != 33 {
		t.Errorf("after a windowful of successes: %d, want 33", got)
	}
	for i := range 10 {
		w = w.Throttle(64+i, 65+i)
	}
	if got := w.Limit(); got != 1 {
		t.Errorf("at the bottom: %d, want 1", got)
	}
	for range 10_000 {
		w = w.Success()
	}
	if got := w.Limit(); got != 64 {
		t.Errorf("at the top: %d, want 64", got)
	}
}

func TestPace(t *testing.T) {
	begin := time.Now()
	for _, tt := range []struct{ total, slowest, margin time.Duration }{
		{900 * time.Second, 0, 15 * time.Second},
		{900 * time.Second, 4 * time.Second, 15 * time.Second},
		{900 * time.Second, 100 * time.Second, 150 * time.Second},
		{900 * time.Second, 800 * time.Second, 450 * time.Second},
		{2 * time.Second, 0, 250 * time.Millisecond},
		{2 * time.Second, 300 * time.Millisecond, 450 * time.Millisecond},
	} {
		p := pace{begin: begin, deadline: begin.Add(tt.total)}.saw(tt.slowest).saw(0)
		if got := p.deadline.Sub(p.stop()); got != tt.margin {
			t.Errorf("%v, slowest %v: margin %v, want %v", tt.total, tt.slowest, got, tt.margin)
		}
		if p.over(p.stop().Add(-1)) || !p.over(p.stop()) {
			t.Errorf("%v, slowest %v: over at the wrong time", tt.total, tt.slowest)
		}
	}
	if (pace{begin: begin}).over(begin.Add(1000 * time.Hour)) {
		t.Error("over without a deadline")
	}
}

func TestPartNumbersAreNames(t *testing.T) {
	u := Upload{Source: source(), UploadID: "u", PartSize: 10}
	u.Source.Size = 25
	for i, want := range []string{"bytes=0-9", "bytes=10-19", "bytes=20-24"} {
		in := partInput(u, target(), i)
		if *in.PartNumber != int32(i+1) || *in.CopySourceRange != want || *in.CopySourceIfMatch != strconv.Quote(u.Source.ETag) {
			t.Errorf("part %d: got %d, %s, %s", i, *in.PartNumber, *in.CopySourceRange, *in.CopySourceIfMatch)
		}
	}
	u.PartSize = 25
	if in := partInput(u, target(), 0); in.CopySourceRange != nil {
		t.Errorf("the only part has range %s", *in.CopySourceRange)
	}
}
