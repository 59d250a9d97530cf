package listing_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// far is a bucket some way off: each answer takes the base time and up to 15 ms more,
// and one in a hundred 150 to 300 ms more.
type far struct {
	keys     []string // in order
	versions int      // of each key
	base     time.Duration

	seed  uint64
	mu    sync.Mutex
	lists int
}

func newFar(keys []string, base time.Duration, seed uint64) *far {
	return &far{keys: keys, versions: 1, base: base, seed: seed}
}

// wait takes the time of a request, which depends on the request alone: not on which of
// several the scheduler lets go first.
func (f *far) wait(ctx context.Context, request string) error {
	f.mu.Lock()
	f.lists++
	f.mu.Unlock()
	h := fnv.New64a()
	_, _ = h.Write([]byte(request))
	random := rand.New(rand.NewPCG(f.seed+uint64(f.base), h.Sum64()))
	takes := f.base + time.Duration(random.Int64N(int64(15*time.Millisecond)))
	if random.IntN(100) == 0 {
		takes = f.base + time.Duration(random.Int64N(int64(150*time.Millisecond))) + 150*time.Millisecond
	}
	select {
	case <-time.After(takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// after is the index of the first key after one.
func (f *far) after(key string) int {
	i, found := slices.BinarySearch(f.keys, key)
	if found {
		i++
	}
	return i
}

func (f *far) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if err := f.wait(ctx, fmt.Sprint(aws.ToString(in.StartAfter), aws.ToString(in.ContinuationToken), *in.MaxKeys)); err != nil {
		return nil, err
	}
	at := f.after(max(aws.ToString(in.StartAfter), aws.ToString(in.ContinuationToken)))
	end := min(len(f.keys), at+int(*in.MaxKeys))
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(end < len(f.keys))}
	for i := range f.keys[at:end] {
		out.Contents = append(out.Contents, types.Object{Key: &f.keys[at+i]})
	}
	if *out.IsTruncated {
		out.NextContinuationToken = &f.keys[end-1]
	}
	return out, nil
}

func (f *far) ListObjectVersions(
	ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	if err := f.wait(ctx, fmt.Sprint(aws.ToString(in.KeyMarker), aws.ToString(in.VersionIdMarker), *in.MaxKeys)); err != nil {
		return nil, err
	}
	out := &s3.ListObjectVersionsOutput{IsTruncated: aws.Bool(false)}
	for at := f.after(aws.ToString(in.KeyMarker)); at < len(f.keys); at++ {
		for v := range f.versions {
			if len(out.Versions) == int(*in.MaxKeys) {
				out.IsTruncated = aws.Bool(true)
				return out, nil
			}
			out.NextKeyMarker, out.NextVersionIdMarker = &f.keys[at], aws.String(fmt.Sprint(v))
			out.Versions = append(out.Versions, types.ObjectVersion{
				Key: &f.keys[at], VersionId: out.NextVersionIdMarker, IsLatest: aws.Bool(v == 0),
			})
		}
	}
	return out, nil
}

// inKnownRanges lists a bucket as who knows its keys beforehand can: in so many ranges
// of as many keys each, at once.
func (f *far) inKnownRanges(ctx context.Context, t *testing.T, ranges int, pageSize int32) {
	var listing sync.WaitGroup
	for i := range ranges {
		listing.Go(func() {
			at, end := i*len(f.keys)/ranges, (i+1)*len(f.keys)/ranges
			for at < end {
				in := &s3.ListObjectsV2Input{MaxKeys: &pageSize}
				if at > 0 {
					in.StartAfter = &f.keys[at-1]
				}
				out, err := f.ListObjectsV2(ctx, in)
				if err != nil {
					t.Error(err)
					return
				}
				at += len(out.Contents)
			}
		})
	}
	listing.Wait()
}
