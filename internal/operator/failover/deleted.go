package failover

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// versionLister is what is asked of a bucket about a key that readers miss.
type versionLister interface {
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
}

// holder is a bucket of the set.
type holder struct {
	bucket string
	client versionLister
}

// deletedOf are those of the keys that somebody has deleted.
func deletedOf(ctx context.Context, holders []holder, keys []string) []string {
	gone := make([]bool, len(keys))
	var wait sync.WaitGroup
	for i, key := range keys {
		wait.Go(func() { gone[i] = deleted(ctx, holders, key) })
	}
	wait.Wait()
	var list []string
	for i, key := range keys {
		if gone[i] {
			list = append(list, key)
		}
	}
	return list
}

// deleted says that no bucket has the key, or that a delete marker is newer than each
// object that one has, which the deletion may not have reached yet. As long as a bucket
// does not answer, that is not known, and the key is not called deleted.
func deleted(ctx context.Context, holders []holder, key string) bool {
	var written, deletedAt time.Time
	for _, h := range holders {
		out, err := h.client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &h.bucket, Prefix: &key, MaxKeys: aws.Int32(1)})
		if err != nil {
			return false
		}
		// The key comes before all that begin with it, its newest version first.
		for _, v := range out.Versions {
			if aws.ToString(v.Key) == key {
				written = later(written, aws.ToTime(v.LastModified))
			}
		}
		for _, m := range out.DeleteMarkers {
			if aws.ToString(m.Key) == key {
				deletedAt = later(deletedAt, aws.ToTime(m.LastModified))
			}
		}
	}
	return written.IsZero() || deletedAt.After(written)
}

// without are the keys that are not in the list.
func without(keys, list []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return slices.Contains(list, key) })
}
