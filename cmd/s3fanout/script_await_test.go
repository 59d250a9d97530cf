package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// eventually waits until trouble returns nothing, and fails with what it
// returned last.
func eventually(ts *testscript.TestScript, trouble func() string) {
	timeout := time.After(2 * time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		last := trouble()
		if last == "" {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			ts.Fatalf("%s", last)
		}
	}
}

// awaitFile: await FILE.
func awaitFile(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	eventually(ts, func() string {
		if _, err := os.Stat(path); err != nil {
			return path + " did not appear"
		}
		return ""
	})
}

// awaitText: says FILE TEXT.
func awaitText(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	eventually(ts, func() string {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), args[1]) {
			return fmt.Sprintf("%s does not say %q: %q, %v", path, args[1], text, err)
		}
		return ""
	})
}

// awaitRest: settle.
func awaitRest(ts *testscript.TestScript, _ bool, _ []string) {
	eventually(ts, func() string {
		if readStats(ts).Pending != 0 {
			return "the sandbox did not come to rest"
		}
		return ""
	})
}
