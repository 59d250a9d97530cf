//go:build unix

package main

import (
	"syscall"
	"testing"
)

// BenchmarkInvokeWithClient is one event from its payload to the answer, the
// SDK's work for the request to S3 in it, but not the network's.
func BenchmarkInvokeWithClient(b *testing.B) {
	h := newInstantHandler(b)
	ctx, payload := realInvocation(b)
	b.ReportAllocs()
	began := processorTime(b)
	for b.Loop() {
		if _, err := h.Invoke(ctx, payload); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(processorTime(b)-began)/float64(b.N), "cpu-ns/op")
}

// processorTime is what the process has taken so far, in nanoseconds.
func processorTime(b *testing.B) int64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
