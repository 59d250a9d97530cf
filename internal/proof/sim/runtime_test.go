package sim

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// tuneRuntime makes Go's runtime ready for some hundred thousand small worlds
// with some hundred goroutines each, none of which lives long.
func tuneRuntime(t *testing.T) {
	// The live heap is a few megabytes, so it would be collected all the time.
	const percent = 1600
	before := debug.SetGCPercent(percent)
	t.Cleanup(func() { debug.SetGCPercent(before) })

	// A goroutine begins with a stack as large as those in use were on average
	// when garbage was collected last. Most wait here with little on theirs; then
	// each new one begins with 2 KiB and has to copy its stack several times on
	// its way down. These raise the average.
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	ready := make(chan struct{})
	const goroutines, depth = 200, 12
	for range goroutines {
		go sink(depth, ready, stop)
		<-ready
	}
	runtime.GC()
}

// sink waits at the bottom of a stack of so many KiB.
//
//go:noinline
func sink(depth int, ready chan<- struct{}, stop <-chan struct{}) byte {
	var kibibyte [1024]byte
	if depth == 0 {
		ready <- struct{}{}
		<-stop
		return 0
	}
	kibibyte[depth] = sink(depth-1, ready, stop)
	return kibibyte[depth/2]
}
