// Package listing walks through the keys of several buckets at once, in step.
//
// The keys are split into ranges that are listed at once, as S3 lists one range
// only as fast as it answers one request after the other. A range is what one
// goroutine walks through in all buckets together. Another that has nothing to
// do takes the upper part of it, so that nobody has to know beforehand how the
// keys are distributed. Where to split is a guess from a first page and a few small
// requests (probes), which go to the nearest bucket, as all have about the same keys;
// what is visited never depends on it.
//
// What is held at a time are a page of each bucket for each range and the next
// one, however many keys there are.
package listing

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// S3 is the part of *s3.Client that a walk uses.
type S3 interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Bucket is one of those that are walked through. Client sends to its Region
// and must be safe for concurrent use.
type Bucket struct {
	Region, Name string
	Client       S3
	Versions     VersionsS3 // for Options.Deleted alone, instead of Client
}

// Object is an object's current version as a listing reports it.
type Object struct {
	Size         int64  // bytes
	ETag         string // opaque, without quotation marks
	Modified     time.Time
	StorageClass string
	// VersionID is set with Options.Deleted alone.
	VersionID string
	// Deletion is set, with Options.Deleted, if delete markers hide the object.
	// The other fields are then those of the version under the markers, or empty
	// if none is left.
	Deletion *Deletion
}

// Deletion is what hides an object: the delete markers above its newest version.
//
// First and Last are when the oldest and the newest of these markers were made,
// in whole seconds: the object was deleted at First. A marker of the same second
// as the version does not count unless it is the newest: a listing does not tell
// whether the others are above the version or below. For the same reason a marker that
// was made during an upload in parts counts, as S3 dates the version by the upload's start
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html).
type Deletion struct{ First, Last time.Time }

// Row is a key with what each bucket has under it.
type Row struct {
	Key string // decoded
	// Objects has the buckets' places; nil where a bucket has no such key. It
	// is valid until the next row, or visit's return.
	Objects []*Object
}

// Stretch is a part of the keys that was at hand at once: up to about a page of
// each bucket.
type Stretch struct {
	// After is a key, or empty: all rows' keys come after it, and no other key
	// between it and the first of them is in any bucket, as far as listed and
	// chosen by Prefix and Match.
	After string
	// Through is the key up to which, and with which, no other key comes after After;
	// empty if nothing comes after the rows at all, up to Options.Through.
	Through string
	// Rows are in the order of the keys. They can be read once.
	Rows iter.Seq[Row]
}

// Options say what is listed and how.
type Options struct {
	Prefix string // of the keys; empty for all
	// After and Through bound the keys that are visited: those after the one, up to
	// and including the other. Empty is no bound.
	After, Through string
	// Match, if set, says which keys are visited. The others are listed all the
	// same: S3 cannot leave them out. It can be called concurrently.
	Match func(key string) bool
	// Deleted lists versions instead of objects, so that a row has what delete
	// markers hide as well; see Object.Deletion. Old versions take up pages too.
	Deleted bool
	// Parallel is how many ranges of keys are listed at once, and so how many
	// calls of visit can be under way; 0 means DefaultParallel.
	Parallel int
	// PageSize is the number of keys of a request, at most 1000; 0 means 1000.
	PageSize int32
	// Listed, if set, is called with how many keys how many requests have brought since
	// it was last called. A request that finds out where to split brings none. It can be
	// called concurrently.
	Listed func(keys, requests int)
}

// DefaultParallel suits a machine of a few cores.
const DefaultParallel = 8

// Walk calls visit once for every key that any of the buckets has, also if
// objects are written meanwhile: a key that is there throughout is visited
// with what a listing said of it, one that comes or goes meanwhile may be
// visited with or without it. Calls of visit can overlap and come in no order.
//
// It sends a ListObjectsV2 for each page, and more to be faster, as pages are cut where a
// range is split, and small ones find out where: one for every two pages at most, 36, and
// two for each bucket and each of Options.Parallel. Where no bucket has more than a page it
// sends none, and one or two where less than a page comes after what the first one tells of.
//
// An error of visit, or of a listing, which names the bucket's Region, ends
// the walk and is returned. When ctx ends its error is. The context that visit
// is given ends when the walk fails or ctx ends.
func Walk(ctx context.Context, buckets []Bucket, o Options, visit func(context.Context, Row) error) error {
	return WalkStretches(ctx, buckets, o, EachRow(visit))
}

// EachRow visits the rows of a stretch one after the other.
func EachRow(visit func(context.Context, Row) error) func(context.Context, Stretch) error {
	return func(ctx context.Context, s Stretch) error {
		for row := range s.Rows {
			if err := visit(ctx, row); err != nil {
				return err
			}
		}
		return nil
	}
}

// WalkStretches is Walk for who wants to look at many keys before doing
// something about them: visit is called for stretches, which have each key
// once. Rows that it does not read are not visited at all.
func WalkStretches(ctx context.Context, buckets []Bucket, o Options, visit func(context.Context, Stretch) error) error {
	if o.Parallel <= 0 {
		o.Parallel = DefaultParallel
	}
	if o.PageSize <= 0 {
		o.PageSize = maxPage
	}
	w := newWalk(buckets, o, visit)
	err := w.run(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// maxPage is the most keys that S3 puts into one page.
const maxPage = 1000
