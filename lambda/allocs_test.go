package main

import "testing"

// TestAllocationsWithClient keeps what one event allocates from growing
// unseen. Most is the SDK's; the margin of a tenth is for its next versions.
// Raise the number for a reason only.
func TestAllocationsWithClient(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates too")
	}
	h := newInstantHandler(t)
	ctx, payload := realInvocation(t)
	got := testing.AllocsPerRun(200, func() {
		if _, err := h.Invoke(ctx, payload); err != nil {
			t.Fatal(err)
		}
	})
	const most = 575 * 1.1
	if got > most {
		t.Errorf("an event allocates %.0f times, at most %.0f were expected", got, most)
	}
}
