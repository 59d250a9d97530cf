package fault

import (
	"math"
	"testing"
	"time"
)

const region = "us-east-1"

func TestSetRefuses(t *testing.T) {
	for name, f := range map[string]Fault{
		"unknown Region":               {Region: "eu-west-9", Kind: Delay, Rate: 1},
		"unknown kind":                 {Region: region, Kind: "flood", Rate: 1},
		"rate above 1":                 {Region: region, Kind: Delay, Rate: 1.1},
		"rate that is no number":       {Region: region, Kind: Delay, Rate: math.NaN()},
		"negative count":               {Region: region, Kind: Delay, Rate: 1, Count: -1},
		"bandwidth of nothing":         {Region: region, Kind: S3Bandwidth, Rate: 1},
		"negative bandwidth":           {Region: region, Kind: S3Bandwidth, Rate: 1, BytesPerSecond: -1},
		"clock that is right":          {Region: region, Kind: S3Clock, Rate: 1},
		"clock that nobody believes":   {Region: region, Kind: S3Clock, Rate: 1, ClockMillis: 15*60*1000 + 1},
		"clock by chance":              {Region: region, Kind: S3Clock, Rate: 0.5, ClockMillis: 1000},
		"clock that puts itself right": {Region: region, Kind: S3Clock, Rate: 1, Count: 1, ClockMillis: 1000},
		"clock of something else":      {Region: region, Kind: Delay, Rate: 1, ClockMillis: 1000},
		"bandwidth of something else":  {Region: region, Kind: S3SlowDown, Rate: 1, BytesPerSecond: 1},
	} {
		s := New([]string{region}, 1)
		if err := s.Set(f); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := s.Active(); len(got) != 0 {
			t.Errorf("%s: %v is on", name, got)
		}
	}
}

func TestBandwidthIsReported(t *testing.T) {
	s := New([]string{region}, 1)
	if _, struck := s.Strike(region, S3Bandwidth); struck {
		t.Error("a fault that is off struck")
	}
	if err := s.Set(Fault{Region: region, Kind: S3Bandwidth, Rate: 1, BytesPerSecond: 1000}); err != nil {
		t.Fatal(err)
	}
	if f, struck := s.Strike(region, S3Bandwidth); !struck || f.BytesPerSecond != 1000 {
		t.Errorf("struck: %v, with %+v; want 1000 bytes a second", struck, f)
	}
	if err := s.Set(Fault{Region: region, Kind: S3Bandwidth}); err != nil { // off needs no bandwidth
		t.Fatal(err)
	}
	if s.Strikes(region, S3Bandwidth) {
		t.Error("a fault that was switched off struck")
	}
}

func TestCountRunsOut(t *testing.T) {
	s := New([]string{region}, 1)
	if err := s.Set(Fault{Region: region, Kind: LambdaCrash, Rate: 1, Count: 2}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, false} {
		if got := s.Strikes(region, LambdaCrash); got != want {
			t.Errorf("time %d: struck %v, want %v", i+1, got, want)
		}
	}
}

func TestClockIsReported(t *testing.T) {
	s := New([]string{region}, 1)
	for _, want := range []time.Duration{0, 90 * time.Second, -time.Millisecond} {
		f := Fault{Region: region, Kind: S3Clock, ClockMillis: want.Milliseconds()}
		if want != 0 {
			f.Rate = 1
		}
		if err := s.Set(f); err != nil {
			t.Fatal(err)
		}
		if got := s.Clock(region); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
