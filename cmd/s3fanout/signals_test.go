//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// TestSignalsInQuickSuccession sends this process the first signal and more of
// them for a moment. If they killed, as they do later, there would be no
// result of the test.
func TestSignalsInQuickSuccession(t *testing.T) {
	for _, sent := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sent.String(), func(t *testing.T) {
			if signal.Ignored(sent) {
				t.Skip("the tests run under nohup, which the command heeds")
			}
			ctx := interruptible()
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				t.Fatal(err)
			}
			if err := self.Signal(sent); err != nil {
				t.Fatal(err)
			}
			<-ctx.Done()
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for range 100 {
				<-tick.C
				if err := self.Signal(sent); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
