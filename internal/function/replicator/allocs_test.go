package replicator

import (
	"testing"

	"s3fanout/internal/function/event"
)

// TestAllocations keeps what one event allocates, but for the request to S3,
// from growing unseen. The numbers are what the code of today needs; a tenth
// more is for the next versions of Go. Raise them for a reason only.
func TestAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates too")
	}
	h, payload, ctx := newInstantHandler(), realEvent(t), asOnLambda(t)
	for _, tt := range []struct {
		name  string
		needs float64
		do    func() error
	}{
		{"an event", 124, func() error { _, err := h.Invoke(ctx, payload); return err }},
		{"its parsing", 61, func() error { _, err := event.ParseInvocation(payload); return err }},
	} {
		got := testing.AllocsPerRun(200, func() {
			if err := tt.do(); err != nil {
				t.Fatal(err)
			}
		})
		if most := tt.needs * 1.1; got > most {
			t.Errorf("%s: %.0f allocations, at most %.0f were expected", tt.name, got, most)
		}
	}
}
