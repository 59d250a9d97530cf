package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What a package of ours makes when the program starts, every command holds to its end: the
// console's pages and two patterns of the sandbox were a megabyte of it.
func TestNoPackageTakesMuchAtTheStart(t *testing.T) {
	const most = 128 << 10
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ours := 0
	for line := range strings.Lines(string(out)) {
		var name string
		var at, clock float64
		var bytes, allocations int
		n, _ := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes, %d allocs", &name, &at, &clock, &bytes, &allocations)
		if n != 5 || !strings.HasPrefix(name, "s3fanout/internal/") {
			continue
		}
		if ours++; bytes > most {
			t.Errorf("%s takes %d bytes before anything is asked of it, want %d at most", name, bytes, most)
		}
	}
	if ours < 10 {
		t.Errorf("the start of %d packages was traced, want more: %s", ours, out)
	}
}
