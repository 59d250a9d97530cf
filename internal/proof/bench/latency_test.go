package main

import (
	"testing"
	"time"
)

func TestQuantiles(t *testing.T) {
	var hundred []float64
	for i := range 100 {
		hundred = append(hundred, float64(100-i)) // 100 down to 1
	}
	for _, tt := range []struct {
		figures []float64
		part    float64
		want    float64
	}{{hundred, 0.5, 51}, {hundred, 0.99, 100}, {hundred, 0, 1}, {[]float64{7}, 0.99, 7}} {
		if got := quantile(tt.figures, tt.part); got != tt.want {
			t.Errorf("%v of %d figures: %v, want %v", tt.part, len(tt.figures), got, tt.want)
		}
	}
}

// The arrows of an upload add up to its lag, and what is not ours is what is left of it.
func TestLagIsItsArrows(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(0, 0).Add(time.Duration(ms) * time.Millisecond) }
	w := &lagWatch{
		seen: map[string]*moments{
			"k": {uploaded: at(0), announced: at(100), delivered: at(150), taken: at(160), asked: at(163), visible: at(200)},
		},
	}
	r := lagRuns()[0]
	ours, theirs := sample{}, sample{}
	if err := w.summarise([]string{"k"}, r, ours, theirs); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, a := range arrows[1:] {
		sum += ours[r.name+" "+a.name+" p50"]
	}
	if lag := r.name + " lag p50"; ours[lag] != 200 || sum != 200 || theirs[lag] != 197 {
		t.Errorf("lag %v, its arrows %v, without ours %v; want 200, 200, 197", ours[lag], sum, theirs[lag])
	}
	w.seen["lost"] = &moments{uploaded: at(0)}
	if err := w.summarise([]string{"k", "lost"}, r, ours, theirs); err == nil {
		t.Error("an upload without a replica has figures")
	}
}

// Of few uploads the 99th percentile would be the slowest, and is called so.
func TestSlowestOfFewIsNotCalledAPercentile(t *testing.T) {
	for _, r := range lagRuns() {
		figures := make([]float64, r.uploads())
		for i := range figures {
			figures[i] = float64(i)
		}
		slowest := quantile(figures, 0.99) == figures[len(figures)-1]
		if slowest != (r.slow() == "most") {
			t.Errorf("%s: of %d uploads %s is the slowest: %t", r.name, len(figures), r.slow(), slowest)
		}
	}
}
