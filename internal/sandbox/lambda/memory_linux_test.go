package lambda

import "testing"

func TestMemAvailable(t *testing.T) {
	for raw, want := range map[string]int64{
		"MemTotal:       24556940 kB\nMemFree:         10 kB\nMemAvailable:   2048 kB\nSwapTotal: 0 kB\n": 2 << 20,
		"MemAvailable:   2048 MB\n": -1,
		"MemAvailable:   x kB\n":    -1,
		"":                          -1,
	} {
		if got := memAvailable([]byte(raw)); got != want {
			t.Errorf("%q: got %d, want %d", raw, got, want)
		}
	}
	if got := availableMemory(); got < 1<<20 {
		t.Errorf("this machine has %d bytes available", got)
	}
}
