// Package listing walks through the keys of several buckets at once, in step.
//
// What is held at a time are a few pages of each bucket's listing, however
// many keys there are.
package listing

import (
	"context"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/awsapi"
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
}

// Object is an object's current version as a listing reports it.
type Object struct {
	Size         int64  // bytes
	ETag         string // opaque, without quotation marks
	Modified     time.Time
	StorageClass string
}

// Row is a key with what each bucket has under it.
type Row struct {
	Key string // decoded
	// Objects has the buckets' places; nil where a bucket has no such key. It
	// is valid until visit returns.
	Objects []*Object
}

// Options say what is listed and how.
type Options struct {
	Prefix string // of the keys; empty for all
	// Parallel is how many ranges of keys are listed at once, and so how many
	// calls of visit can be under way; 0 means DefaultParallel.
	Parallel int
	// PageSize is the number of keys of a request, at most 1000; 0 means 1000.
	PageSize int32
	// Listed, if set, is told how many keys of how many pages were read since
	// it was last called. It can be called concurrently.
	Listed func(keys, pages int)
}

// DefaultParallel suits a machine of a few cores.
const DefaultParallel = 8

// Walk calls visit once for every key that any of the buckets has, also if
// objects are written meanwhile: a key that is there throughout is visited
// with what a listing said of it, one that comes or goes meanwhile may be
// visited with or without it. Calls of visit can overlap and come in no order.
//
// An error of visit, or of a listing, which names the bucket's Region, ends
// the walk and is returned. When ctx ends its error is.
func Walk(ctx context.Context, buckets []Bucket, o Options, visit func(context.Context, Row) error) error {
	streams := make([]*stream, len(buckets))
	for i, b := range buckets {
		streams[i] = &stream{bucket: b, options: o}
		if err := streams[i].next(ctx); err != nil {
			return err
		}
	}
	for {
		row, found := Row{Objects: make([]*Object, len(buckets))}, false
		for _, s := range streams {
			if key, ok := s.key(); ok && (!found || key < row.Key) {
				row.Key, found = key, true
			}
		}
		if !found {
			return nil
		}
		for i, s := range streams {
			if key, ok := s.key(); ok && key == row.Key {
				o := s.page[0]
				row.Objects[i] = &Object{
					Size: aws.ToInt64(o.Size), ETag: trim(aws.ToString(o.ETag)), Modified: aws.ToTime(o.LastModified), StorageClass: string(o.StorageClass),
				}
				s.page = s.page[1:]
				if err := s.next(ctx); err != nil {
					return err
				}
			}
		}
		if err := visit(ctx, row); err != nil {
			return err
		}
	}
}

type stream struct {
	bucket  Bucket
	options Options
	page    []types.Object
	token   *string
	done    bool
}

func (s *stream) key() (string, bool) {
	if len(s.page) == 0 {
		return "", false
	}
	key, _ := url.QueryUnescape(aws.ToString(s.page[0].Key))
	return key, true
}

func (s *stream) next(ctx context.Context) error {
	for len(s.page) == 0 && !s.done {
		out, err := s.bucket.Client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
			Bucket: &s.bucket.Name, Prefix: &s.options.Prefix, ContinuationToken: s.token, EncodingType: types.EncodingTypeUrl,
		})
		if err != nil {
			return awsapi.Explain(s.bucket.Region, "bucket "+s.bucket.Name, err)
		}
		s.page, s.token, s.done = out.Contents, out.NextContinuationToken, !aws.ToBool(out.IsTruncated)
	}
	return nil
}

func trim(etag string) string {
	if len(etag) > 1 && etag[0] == '"' {
		return etag[1 : len(etag)-1]
	}
	return etag
}
