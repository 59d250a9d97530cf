package e2e

import (
	"fmt"
	"testing"
	"time"

	"s3fanout/internal/sandbox/fault"
)

// Functions that wait for a Region whose S3 is away hold nobody up: hundreds of
// them run side by side. With eight at a time, the last of 300 events would be a
// dead letter after almost forty times as long as the first.
func TestWaitingFunctionsDoNotHoldOthersUp(t *testing.T) {
	const events, away, source, eight = 300, "eu-west-1", "us-east-1", 8
	w := start(t, threeRegions(t))
	w.fault(away, fault.S3Unavailable, 1, 0)
	began := time.Now()
	for i := range events {
		w.upload(source, object{key: fmt.Sprintf("waiting-%03d", i), body: "x"})
	}
	tick, limit := time.NewTicker(10*time.Millisecond), time.After(2*time.Minute)
	defer tick.Stop()
	for w.sandbox.Stats().Regions[away].DeadLetters == 0 {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("no event became a dead letter in two minutes")
		}
	}
	first := time.Since(began)
	w.settleWithin(5 * time.Minute)
	last := time.Since(began)
	w.wantLetters(away, events)
	if most := first * (events / eight) / 3; last > most {
		t.Errorf("the first dead letter came after %v, the last after %v, want at most %v", first, last, most)
	}
}
