package s3

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func BenchmarkConditionalCopy(b *testing.B) {
	w := newWorld(b)
	w.put(b, here, hereBucket, "k", "a small object")
	c := w.client(there)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			in := copyThere("k", "")
			in.Key = aws.String(fmt.Sprintf("copy-%d", n.Add(1)))
			if _, err := c.CopyObject(b.Context(), in); err != nil {
				b.Error(err)
			}
		}
	})
}
