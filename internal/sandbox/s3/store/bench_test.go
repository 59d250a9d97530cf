package store

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// clients runs f b.N times by 32 goroutines.
func clients(b *testing.B, f func(n int64) error) {
	b.Helper()
	var n atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range 32 {
		all.Go(func() {
			for {
				i := n.Add(1)
				if i > int64(b.N) {
					return
				}
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkCopyObject is the whole of a replica in the store: a conditional copy
// of 1 KiB. Run it with -benchtime 10000x.
func BenchmarkCopyObject(b *testing.B) {
	s := newStore(b, Enabled)
	makeBucket(b, s, "target", Enabled)
	for i := range 1000 {
		put(b, s, fmt.Sprintf("films/%06d", i), strings.Repeat("x", 1<<10))
	}
	clients(b, func(n int64) error {
		_, err := s.CopyObject(b.Context(), Copy{
			SourceBucket: here, SourceKey: fmt.Sprintf("films/%06d", n%1000), Bucket: "target", Key: fmt.Sprintf("films/%09d", n),
			Condition: Condition{IfNoneMatch: true}, Plan: asIs,
		})
		return err
	})
}

func BenchmarkPutObject(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10, 17 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s := newStore(b, Enabled)
			body := strings.Repeat("x", size)
			b.SetBytes(int64(size))
			clients(b, func(n int64) error {
				blob, err := s.Stage(strings.NewReader(body), CRC64NVME)
				if err != nil {
					return err
				}
				_, err = s.PutObject(Put{Bucket: here, Key: fmt.Sprintf("films/%09d", n), Algorithm: CRC64NVME}, blob)
				if e := blob.Close(); e != nil {
					return e
				}
				return err
			})
		})
	}
}

func BenchmarkHeadObject(b *testing.B) {
	s := newStore(b, Enabled)
	put(b, s, "k", "v")
	clients(b, func(int64) error {
		_, err := s.HeadObject(here, "k", "")
		return err
	})
}

func BenchmarkListObjects(b *testing.B) {
	s := newStore(b, Enabled)
	for i := range 10_000 {
		put(b, s, fmt.Sprintf("films/%06d", i), "v")
	}
	clients(b, func(int64) error {
		_, err := s.ListObjects(here, List{MaxKeys: 1000})
		return err
	})
}
