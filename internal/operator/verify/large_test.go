package verify_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"s3fanout/internal/operator/verify"
	"s3fanout/internal/proof/bench/endless"
)

// child is the variable that makes this test binary a process that compares
// the buckets of the endpoint that it names.
const child = "S3FANOUT_VERIFY_CHILD"

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(child); endpoint != "" {
		debug.SetGCPercent(verify.GCPercent) // as the command does
		var sorted verify.Sorted
		s, err := verify.Run(context.Background(), endless.Options(endpoint), sorted.Add, nil)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		found, last := 0, ""
		for d, err := range sorted.All() {
			if err != nil || d.Key <= last {
				fmt.Println(d.Key, "after", last, err)
				os.Exit(1)
			}
			found, last = found+1, d.Key
		}
		sorted.Close()
		fmt.Println(s.Keys, s.Equal, found, s.Lists, peakMemory())
		os.Exit(0)
	}
	goleak.VerifyTestMain(m) // no test leaves a goroutine behind
}

// peakMemory is the most that this process has had in memory, in bytes.
func peakMemory() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// A process that compares many keys needs no more memory than for few, also
// where half of them are missing somewhere, and hardly more requests than pages.
func TestMemoryAndRequestsOfManyKeys(t *testing.T) {
	const mib, maxMemory = 1 << 20, 64 << 20
	if runtime.GOOS != "linux" || raceDetector {
		t.Skip("reads a process's peak memory from /proc, and the race detector takes several times as much")
	}
	tests := []struct {
		name        string
		keys, large int // large in make test-large
		lacking     int // one of so many keys is missing; 0: ten are
	}{
		{"ten are missing", 40_000, 1_000_000, 0},
		{"half are missing", 20_000, 200_000, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys := tt.keys
			if os.Getenv("S3FANOUT_E2E_LARGE") != "" {
				keys = tt.large
			}
			lacks := tt.lacking
			if lacks == 0 {
				lacks = keys / 10
			}
			server := httptest.NewServer(&endless.Server{Keys: keys, Lacks: lacks})
			defer server.Close()
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), child+"="+server.URL)
			start := time.Now()
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var seen, equal, missing, lists, memory int
			if _, err := fmt.Sscan(string(out), &seen, &equal, &missing, &lists, &memory); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			pages := endless.Buckets * ((keys + 999) / 1000)
			t.Logf("%d keys in each of %d buckets: peak memory %.1f MiB, %d ListObjectsV2 for %d pages, %.1f s",
				keys, endless.Buckets, float64(memory)/mib, lists, pages, time.Since(start).Seconds())
			if want := keys / lacks; seen != keys || missing != want || equal != keys-want {
				t.Errorf("%d keys, %d equal, %d missing; want %d with %d missing", seen, equal, missing, keys, want)
			}
			if memory == 0 || memory > maxMemory {
				t.Errorf("peak memory %d bytes, want at most %d", memory, maxMemory)
			}
			if most := pages + pages/20 + 120; lists > most {
				t.Errorf("%d requests, want at most %d", lists, most)
			}
		})
	}
}
