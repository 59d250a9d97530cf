//go:build unix

package replicator

import (
	"syscall"
	"testing"

	"s3fanout/internal/function/event"
)

// BenchmarkInvoke is one event from its payload to the answer, but for the
// request to S3; and the parts that it consists of.
func BenchmarkInvoke(b *testing.B) {
	h, p, ctx := newInstantHandler(), realEvent(b), asOnLambda(b)
	in, err := event.ParseInvocation(p)
	if err != nil {
		b.Fatal(err)
	}
	j := job{record: in.Messages[0].Records[0]}
	for _, part := range []struct {
		name string
		do   func() error
	}{
		{"all", func() error { _, err := h.Invoke(ctx, p); return err }},
		{"parse", func() error { _, err := event.ParseInvocation(p); return err }},
		{"decide", func() error {
			if err := checkSource(h.Config, j.record); err != nil {
				return err
			}
			_, err := h.copy(ctx, budget{}, j)
			return err
		}},
	} {
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			began := processorTime(b)
			for b.Loop() {
				if err := part.do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processorTime(b)-began)/float64(b.N), "cpu-ns/op")
		})
	}
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
