package projection_test

import (
	"testing"
	"time"

	"s3fanout/internal/proof/projection"
)

// fixed are delays that do not vary, so that results can be computed by hand.
func fixed(copying float64) projection.Delays {
	return projection.Delays{
		Notify: projection.Spread{Median: 1, P99: 1}, Topic: projection.Spread{Median: 0.1, P99: 0.1},
		Copy: projection.Spread{Median: copying, P99: copying},
	}
}

func plenty() projection.Quotas {
	return projection.Quotas{Publishes: 1e9, Concurrency: 1e6, Writes: 1e9}
}

func TestNothingWaitsBelowTheLimits(t *testing.T) {
	s := projection.Scenario{Regions: 2, Rate: 50, Burst: 100, Length: time.Minute, Quotas: plenty(), Delays: fixed(0.2), Seed: 1}
	p := s.Run()
	if want := 1300 * time.Millisecond; p.P50 != p.P99 || (p.P99-want).Abs() > time.Millisecond {
		t.Errorf("lag %v and %v, want %v for all", p.P50, p.P99, want)
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

// TestConcurrencyIsAQueue overloads it by half for a minute, so that the last
// event waits for about half a minute, and up to twice as long as Lambda looks
// for room less and less often.
func TestConcurrencyIsAQueue(t *testing.T) {
	q := plenty()
	q.Concurrency = 20
	p := projection.Scenario{Regions: 2, Rate: 20, Burst: 300, Length: time.Minute, Quotas: q, Delays: fixed(0.2), Seed: 1}.Run()
	if p.P99 < 25*time.Second || p.P99 > 130*time.Second || p.Drained < 25*time.Second || p.Concurrency != q.Concurrency {
		t.Errorf("p99 is %v, drained after %v, %d at once", p.P99, p.Drained, p.Concurrency)
	}
}

// TestFarTooManyWritesBecomeDeadLetters shows that everything is accounted for
// even then.
func TestFarTooManyWritesBecomeDeadLetters(t *testing.T) {
	q := plenty()
	q.Writes = 10
	s := projection.Scenario{Regions: 2, Rate: 1, Burst: 2000, Length: time.Minute, Quotas: q, Delays: fixed(0.2), Seed: 1}
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

// TestStartsAreLimited begins cold with 5,000 invocations that do not end
// meanwhile: a thousand environments start at once, and a hundred a second after
// that, so that the last event waits for some forty seconds.
func TestStartsAreLimited(t *testing.T) {
	s := projection.Scenario{Regions: 2, Rate: 1, Burst: 2_000, Length: 5 * time.Second, Quotas: plenty(), Delays: fixed(60), Seed: 1}
	if p := s.Run(); p.P50 < 70*time.Second || p.P99 < 90*time.Second || p.P99 > 180*time.Second {
		t.Errorf("lag %v and %v, want copies of 60 s and about 20 and 40 s of waiting", p.P50, p.P99)
	}
}

// TestAttemptsAreMinutesApart has S3 away for as long as all three attempts of
// an event take, or not quite.
func TestAttemptsAreMinutesApart(t *testing.T) {
	s := projection.Scenario{Regions: 2, Rate: 1, Burst: 20, Away: true, Quotas: plenty(), Delays: fixed(0.2), Seed: 1}
	for length, letters := range map[time.Duration]bool{50 * time.Second: false, 175 * time.Second: false, 200 * time.Second: true} {
		s.Length = length
		p := s.Run()
		if got := p.DeadLetters > 0; got != letters || p.Refused == 0 {
			t.Errorf("away for %v: %d letters, %d refusals; letters are expected: %t", length, p.DeadLetters, p.Refused, letters)
		}
	}
}

// TestReplicasCountAtTheTopic has a topic that could take the uploads alone.
func TestReplicasCountAtTheTopic(t *testing.T) {
	s := projection.Scenario{Regions: 2, Rate: 20, Burst: 300, Length: time.Minute, Quotas: plenty(), Delays: fixed(0.2), Seed: 1}
	s.Quotas.Publishes = 200 // 150 uploads and as many replicas
	slowed := s.Run()
	s.Quotas.Publishes = 400
	if free := s.Run(); free.P99 > 2*time.Second || slowed.P99 < 5*time.Second {
		t.Errorf("p99 is %v where the topic takes all, %v where not replicas", free.P99, slowed.P99)
	}
}
