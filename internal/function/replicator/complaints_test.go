package replicator

import (
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/function/event/eventtest"
)

// TestLogOfWhatIsNotUnderstoodIsBounded has many parts that cannot be read in
// one message, in several, and in a batch: ten lines, and how many more there
// are. One message made 85,000 lines.
func TestLogOfWhatIsNotUnderstoodIsBounded(t *testing.T) {
	empty := func(n int) string { return `{"Records":[` + strings.Join(slices.Repeat([]string{`{}`}, n), ",") + `]}` }
	tasks := slices.Repeat([]string{task("t", "stranger", "%zz")}, 25)
	for name, tt := range map[string]struct {
		payload []byte
		lines   int
		more    float64
	}{
		"one message":      {eventtest.Payload(empty(1000)), 11, 990},
		"several messages": {eventtest.Payload(slices.Repeat([]string{empty(10)}, 3)...), 11, 20},
		"too long":         {eventtest.Payload(empty(85_000)), 1, 0},
		"ten":              {eventtest.Payload(empty(10)), 10, 0},
		"a batch":          {batchOf("", tasks...), 11, 15},
	} {
		t.Run(name, func(t *testing.T) {
			h, out := newTestHandler(&fakeCopier{})
			_, _ = h.Invoke(t.Context(), tt.payload)
			all := lines(t, out)
			more, _ := all[len(all)-1]["more"].(float64)
			if len(all) != tt.lines || more != tt.more {
				t.Errorf("%d lines, the last says %v more; want %d and %v", len(all), more, tt.lines, tt.more)
			}
		})
	}
}
