package network

import (
	"slices"
	"testing"
	"time"
)

const home = "us-east-1"

// drawn are sorted times.
func drawn(draw func() time.Duration) (all []time.Duration) {
	for range 10_000 {
		all = append(all, draw())
	}
	slices.Sort(all)
	return all
}

func TestLatencyHasATail(t *testing.T) {
	n, same := AWS(7, home), AWS(7, home)
	all := drawn(func() time.Duration {
		d := n.Request("s3", home, home)
		same.Request("sqs", home, home) // is another stream
		if again := same.Request("s3", home, home); again != d {
			t.Fatalf("%v and %v of one seed", d, again)
		}
		return d
	})
	if p50 := all[5_000]; all[0] < 15*time.Millisecond || p50 < 20*time.Millisecond || p50 > 25*time.Millisecond {
		t.Errorf("from %v, median %v", all[0], p50)
	}
	slow := 10_000 - slices.IndexFunc(all, func(d time.Duration) bool { return d > 30*time.Millisecond })
	if slow < 50 || slow > 200 || all[len(all)-1] < 150*time.Millisecond {
		t.Errorf("%d of 10,000 are slow, the slowest takes %v", slow, all[len(all)-1])
	}
	if d := AWS(8, home).Request("s3", home, home); d == AWS(7, home).Request("s3", home, home) {
		t.Errorf("two seeds begin with %v", d)
	}
}

// A caller in another Region waits for the way there and back, and whom nobody knows is
// in the client Region.
func TestRequestsGoByDistance(t *testing.T) {
	for _, service := range []string{"s3", "sqs", "sns", "lambda", "sts", "dynamodb"} {
		near, far, unknown := AWS(1, home), AWS(1, home), AWS(1, home)
		way := far.RoundTrip(home, "eu-west-1")
		for range 100 {
			here, there := near.Request(service, home, home), far.Request(service, home, "eu-west-1")
			if here <= 0 || there <= way {
				t.Fatalf("%s takes %v here and %v there, whose way takes %v", service, here, there, way)
			}
			if d := unknown.Request(service, "", "eu-west-1"); d != there {
				t.Fatalf("%s: a client of nowhere waits %v, one at home %v", service, d, there)
			}
		}
	}
	var none *Network
	if none.Request("s3", home, "eu-west-1") != 0 || none.Takes(Deliver, home, "eu-west-1") != 0 ||
		!none.Admit("b", "k", true, time.Time{}) {
		t.Error("no network takes time or refuses")
	}
}

// From SNS to a function in the same Region it takes as long as was measured.
func TestDeliveryTakesAsMeasured(t *testing.T) {
	n := AWS(1, home)
	all := drawn(func() time.Duration { return n.Takes(Deliver, home, home) + n.Takes(Dequeue, home, home) })
	for _, tt := range []struct {
		part, want int // per cent, milliseconds
	}{{10, 62}, {50, 73}, {90, 125}, {99, 225}} {
		got := all[len(all)*tt.part/100]
		want := time.Duration(tt.want) * time.Millisecond
		if got < want*8/10 || got > want*12/10 {
			t.Errorf("p%d is %v, measured were %v", tt.part, got, want)
		}
	}
	first, there := AWS(1, home).Takes(Deliver, home, home), AWS(1, home).Takes(Deliver, home, "eu-west-1")
	if there < n.RoundTrip(home, "eu-west-1")/2 || first <= 0 {
		t.Errorf("a delivery takes %v at home and %v over the sea", first, there)
	}
}

// The times are near what people measure: 70 and 150 ms.
func TestRoundTripsGoByDistance(t *testing.T) {
	n := AWS(1, home)
	for _, tt := range []struct {
		a, b     string
		from, to time.Duration
	}{
		{"us-east-1", "us-east-1", 0, 0},
		{"us-east-1", "eu-west-1", 65 * time.Millisecond, 95 * time.Millisecond},
		{"us-east-1", "ap-northeast-1", 140 * time.Millisecond, 175 * time.Millisecond},
		{"eu-west-1", "eu-west-2", 3 * time.Millisecond, 12 * time.Millisecond},
	} {
		if got := n.RoundTrip(tt.a, tt.b); got < tt.from || got > tt.to || got != n.RoundTrip(tt.b, tt.a) {
			t.Errorf("%s to %s: %v, want %v to %v", tt.a, tt.b, got, tt.from, tt.to)
		}
	}
}

func TestPrefixesTakeSoManyRequests(t *testing.T) {
	n, now := AWS(1, home), time.Date(2026, 11, 29, 17, 0, 0, 0, time.UTC)
	admitted := func(key string, write bool, requests int) (yes int) {
		for range requests {
			if n.Admit("b", key, write, now) {
				yes++
			}
		}
		return yes
	}
	for _, tt := range []struct {
		name   string
		passed time.Duration
		key    string
		write  bool
		want   int
	}{
		{"a second's writes", 0, "a/b/1", true, 3500},
		{"no more of them", 0, "a/b/2", true, 0},
		{"another prefix", 0, "a/c/1", true, 3500},
		{"reads are counted apart", 0, "a/b/1", false, 5500},
		{"a tenth of a second later", 100 * time.Millisecond, "a/b/1", true, 350},
		{"an hour later", time.Hour, "a/b/1", true, 3500},
		{"no prefix", 0, "key", true, 3500},
	} {
		now = now.Add(tt.passed)
		if got := admitted(tt.key, tt.write, 10_000); got != tt.want {
			t.Errorf("%s: %d of 10,000 requests, want %d", tt.name, got, tt.want)
		}
	}
}
