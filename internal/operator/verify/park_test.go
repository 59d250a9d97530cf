package verify

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/policy"
)

// Parked keys come out when they are due, the first one first, and the end is
// known when the last key is finished.
func TestParking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := newParking(), time.Now()
		for _, minutes := range []int{3, 1, 2} {
			p.begun()
			p.put(parkedKey{key: fmt.Sprint(minutes), due: start.Add(time.Duration(minutes) * time.Minute)})
		}
		p.begun() // and one that is not parked
		time.AfterFunc(150*time.Second, func() { p.put(parkedKey{key: "early", due: start}) })
		var got []string
		for len(got) < 4 {
			k, ok := p.next(t.Context())
			if !ok {
				t.Fatal("it ended early")
			}
			got = append(got, k.key+" after "+time.Since(start).String())
		}
		if want := "[1 after 1m0s 2 after 2m0s early after 2m30s 3 after 3m0s]"; fmt.Sprint(got) != want {
			t.Errorf("got %v, want %s", got, want)
		}
		p.closed()
		for i := range 4 {
			time.AfterFunc(time.Duration(i+1)*time.Minute, p.ended)
		}
		if _, ok := p.next(t.Context()); ok || time.Since(start) != 7*time.Minute {
			t.Errorf("%t after %v, want the end when the last key is finished", ok, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p.begun()
		if _, ok := p.next(ctx); ok || ctx.Err() == nil {
			t.Error("it does not end with its context")
		}
	})
}

func TestParkingIsFull(t *testing.T) {
	p, now := newParking(), time.Now()
	for range mostParked {
		if !p.put(parkedKey{due: now}) {
			t.Fatal("there is no room for a key")
		}
	}
	if p.put(parkedKey{due: now}) {
		t.Errorf("there is room for more than %d keys", mostParked)
	}
}

// What is not Equal has another digest.
func TestDigestOfStates(t *testing.T) {
	day := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	base := policy.State{
		Presence: policy.Present, VersionID: "v", Figures: policy.Figures{Size: 10, ETag: "e-2"}, Modified: day,
		Tags: map[string]string{"a": "1", "b": "2"},
	}
	other := func(change func(*policy.State)) policy.State {
		s := base
		change(&s)
		return s
	}
	p, digests := newParking(), map[uint64]int{}
	for i, s := range []policy.State{
		base,
		other(func(s *policy.State) { s.Presence = policy.Absent }),
		other(func(s *policy.State) { s.VersionID = "w" }),
		other(func(s *policy.State) { s.VersionID, s.ETag = "", `v"e-2` }),
		other(func(s *policy.State) { s.Size = 11 }),
		other(func(s *policy.State) { s.ETag = "f-2" }),
		other(func(s *policy.State) { s.Modified = day.Add(time.Second) }),
		other(func(s *policy.State) { s.Tags = nil }),
		other(func(s *policy.State) { s.Tags = map[string]string{"a": "2", "b": "1"} }),
		other(func(s *policy.State) { s.Tags = map[string]string{"a1": "", "b": "2"} }),
	} {
		d := p.digest([]policy.State{{}, s})
		if first, taken := digests[d]; taken {
			t.Errorf("states %d and %d have the same digest", first, i)
		}
		digests[d] = i
		if (i == 0) != s.Equal(base) {
			t.Fatalf("state %d: Equal says something else", i)
		}
	}
	again := base
	again.Modified = day.In(time.FixedZone("", 3600))
	again.Tags = map[string]string{"b": "2", "a": "1"}
	if first, same := digests[p.digest([]policy.State{{}, again})]; !same || first != 0 || !again.Equal(base) {
		t.Error("equal states differ")
	}
}
