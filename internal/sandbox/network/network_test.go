package network

import (
	"slices"
	"testing"
	"time"
)

func TestLatencyHasATail(t *testing.T) {
	n, same := AWS(7), AWS(7)
	var all []time.Duration
	for range 10_000 {
		d := n.Latency()
		if again := same.Latency(); again != d {
			t.Fatalf("%v and %v of one seed", d, again)
		}
		all = append(all, d)
	}
	slices.Sort(all)
	if p50 := all[5_000]; all[0] < 15*time.Millisecond || p50 < 20*time.Millisecond || p50 > 25*time.Millisecond {
		t.Errorf("from %v, median %v", all[0], p50)
	}
	slow := 10_000 - slices.IndexFunc(all, func(d time.Duration) bool { return d > 30*time.Millisecond })
	if slow < 50 || slow > 200 || all[len(all)-1] < 150*time.Millisecond {
		t.Errorf("%d of 10,000 are slow, the slowest takes %v", slow, all[len(all)-1])
	}
}

// The times are near what people measure: 70 and 150 ms.
func TestRoundTripsGoByDistance(t *testing.T) {
	n := AWS(1)
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
	n, now := AWS(1), time.Date(2026, 11, 29, 17, 0, 0, 0, time.UTC)
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
