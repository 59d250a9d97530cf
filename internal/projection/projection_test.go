package projection_test

import (
	"testing"
	"time"

	"s3fanout/internal/projection"
)

// fixed are delays that do not vary, so that results can be computed by hand.
func fixed(notify, copying float64) projection.Delays {
	return projection.Delays{
		Notify: projection.Spread{Median: notify, P99: notify}, Topic: projection.Spread{Median: 0.1, P99: 0.1},
		Copy: projection.Spread{Median: copying, P99: copying},
	}
}

func plenty() projection.Quotas {
	return projection.Quotas{Publishes: 1e9, Concurrency: 1e6, Writes: 1e9}
}

func TestNothingWaitsBelowTheLimits(t *testing.T) {
	s := projection.Scenario{Regions: 2, Rate: 50, Burst: 100, Length: time.Minute, Quotas: plenty(), Delays: fixed(1, 0.2), Seed: 1}
	p := s.Run()
	if want := 1300 * time.Millisecond; p.P50 != p.Max || (p.Max-want).Abs() > time.Millisecond {
		t.Errorf("lag from %v to %v, want %v for all", p.P50, p.Max, want)
	}
	// Half of 100 a second for a minute; and as many at work as come in 0.2 s.
	if p.Replicas < 2700 || p.Replicas > 3300 || p.Concurrency < 10 || p.Concurrency > 35 {
		t.Errorf("%d replicas, %d at once, want about 3000 and 10 to 35", p.Replicas, p.Concurrency)
	}
	if p.Refused != 0 || p.DeadLetters != 0 {
		t.Errorf("got %+v, want nothing refused", p)
	}
	if again := s.Run(); again != p {
		t.Errorf("a second run has %+v, the first %+v", again, p)
	}
}

// TestEachLimitIsAQueue overloads one limit at a time by half for a minute, so
// that the last one waits for about half a minute.
func TestEachLimitIsAQueue(t *testing.T) {
	for name, change := range map[string]func(*projection.Quotas){
		"publishes":   func(q *projection.Quotas) { q.Publishes = 200 }, // a topic takes replicas, too: 300 a second
		"concurrency": func(q *projection.Quotas) { q.Concurrency = 20 },
	} {
		q := plenty()
		change(&q)
		p := projection.Scenario{Regions: 2, Rate: 20, Burst: 300, Length: time.Minute, Quotas: q, Delays: fixed(1, 0.2), Seed: 1}.Run()
		if p.Max < 25*time.Second || p.Max > 40*time.Second {
			t.Errorf("%s: the greatest lag is %v, want about half a minute", name, p.Max)
		}
		if p.Drained < 25*time.Second || p.Drained > 40*time.Second || p.Concurrency > q.Concurrency {
			t.Errorf("%s: drained after %v, %d at once", name, p.Drained, p.Concurrency)
		}
	}
}

// TestFarTooManyWritesBecomeDeadLetters shows that everything is accounted for
// even then.
func TestFarTooManyWritesBecomeDeadLetters(t *testing.T) {
	q := plenty()
	q.Writes = 10
	s := projection.Scenario{Regions: 2, Rate: 1, Burst: 2000, Length: time.Minute, Quotas: q, Delays: fixed(1, 0.2), Seed: 1}
	p := s.Run()
	q.Writes = 1e9
	s.Quotas = q
	all := s.Run().Replicas
	if p.DeadLetters == 0 || p.Refused < 9*p.DeadLetters {
		t.Errorf("%d dead letters of %d refusals, want nine refusals for each letter", p.DeadLetters, p.Refused)
	}
	// Letters are counted of all uploads, replicas of the burst's alone.
	if sum := p.Replicas + p.DeadLetters; sum < all || sum > all+200 {
		t.Errorf("%d replicas and %d letters, want %d together", p.Replicas, p.DeadLetters, all)
	}
}
