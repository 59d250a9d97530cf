package backfill

import (
	"context"
	"sync/atomic"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/copier"
)

// batch is what is copied from one source out of a stretch of keys.
type batch struct {
	after   string // a key of the listing before the first
	objects []*object
	goals   [][]*goal // of each object
}

// small are the objects that one request copies.
func (b batch) small(o Options) []*object {
	var list []*object
	for _, object := range b.objects {
		if object.size <= o.Threshold {
			list = append(list, object)
		}
	}
	return list
}

// names tells which versions are copied. The function's role may read versions
// of objects only, and a listing of objects does not say which are the current
// ones. A listing of versions does, at a request for a thousand.
type names struct {
	options *Options
	buckets []listing.Bucket
	// blind are the members whose versions cannot be listed.
	blind []atomic.Bool
}

// find pins the objects of a batch as far as that is cheaper than a HEAD of
// each, and says how many pages it has read. What it leaves, or cannot find
// out, is left to the HEADs: they say what is wrong. The error is ctx's.
//
// Objects that are copied in parts are left as well: they may wait for hours
// until it is their turn, and what is copied then should be what there is then.
func (n *names) find(ctx context.Context, source int, b batch) (pages int, err error) {
	small := b.small(*n.options)
	if len(small) < n.options.VersionsWorth || n.blind[source].Load() {
		return 0, nil
	}
	keys := make([]string, len(small))
	for i, o := range small {
		keys[i] = o.key
	}
	member := n.options.Members[source]
	found, pages, err := listing.Versions(ctx, n.buckets[source], member.S3, n.options.Prefix, b.after, keys, n.options.VersionsWorth)
	if err != nil {
		if ctx.Err() != nil {
			return pages, context.Cause(ctx)
		}
		if awsapi.Hopeless(err) {
			n.blind[source].Store(true)
		}
	}
	for i, v := range found {
		if v.VersionID == "" {
			continue
		}
		o := small[i]
		o.size = v.Size
		o.pinned = &copier.Object{
			Region: member.Region, Bucket: member.Bucket, Key: o.key, VersionID: v.VersionID, Size: v.Size, ETag: v.ETag,
		}
	}
	return pages, nil
}
