package listing

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/awsapi"
)

// entry is what a page says of a key. It is a fraction of the SDK's, which is
// not kept.
type entry struct {
	key    string
	object Object
}

// page is one answer.
type page struct {
	entries []entry
	token   *string // of the next page; nil after the last
	extra   int     // requests beside the first
	err     error
}

// list sends one request, also for versions if once is set. after is exclusive; token,
// if not nil, counts instead.
func (w *walk) list(ctx context.Context, b *Bucket, after string, token *string, keys int32, once bool) page {
	if w.options.Deleted {
		if token != nil {
			after = *token
		}
		return w.listStacks(ctx, b, after, keys, once)
	}
	in := &s3.ListObjectsV2Input{
		Bucket: &b.Name, ContinuationToken: token, MaxKeys: &keys,
		// Keys may have characters that XML cannot carry
		// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
		EncodingType: types.EncodingTypeUrl,
	}
	if w.options.Prefix != "" {
		in.Prefix = &w.options.Prefix
	}
	if token == nil && after != "" {
		in.StartAfter = &after
	}
	out, err := b.Client.ListObjectsV2(ctx, in)
	if err != nil {
		return page{err: awsapi.Explain(b.Region, "bucket "+b.Name, err)}
	}
	p := page{entries: make([]entry, len(out.Contents))}
	for i := range out.Contents {
		o := &out.Contents[i]
		key := aws.ToString(o.Key)
		if key, err = DecodeKey(out.EncodingType, key); err != nil {
			return page{err: awsapi.Explain(b.Region, "bucket "+b.Name, err)}
		}
		if key == "" {
			return page{err: fmt.Errorf("region %s: bucket %s: a listing has an object without a key", b.Region, b.Name)}
		}
		if i > 0 && key <= p.entries[i-1].key {
			return page{err: fmt.Errorf("region %s: bucket %s: %w", b.Region, b.Name, errOrder)}
		}
		p.entries[i] = entry{key: key, object: Object{
			Size: aws.ToInt64(o.Size), ETag: trim(aws.ToString(o.ETag)),
			Modified: aws.ToTime(o.LastModified), StorageClass: string(o.StorageClass),
		}}
	}
	if aws.ToBool(out.IsTruncated) {
		p.token = out.NextContinuationToken
		switch {
		case p.token == nil:
			return page{err: fmt.Errorf("region %s: bucket %s: a listing is cut off without a token for the next page", b.Region, b.Name)}
		case token != nil && *token == *p.token:
			return page{
				err: fmt.Errorf("region %s: bucket %s: a listing repeats its token, and so would never end",
					b.Region, b.Name),
			}
		}
	}
	return p
}

// errOrder is better than keys that are compared wrongly or left out.
var errOrder = errors.New("a listing is not in the order of the keys' bytes, as S3's is; such buckets cannot be walked through")

// DecodeKey undoes the encoding of a key in an answer to a request with
// encoding-type url, which the SDK leaves to its caller. A space is a plus sign
// there. An answer that does not say that it is encoded is not.
func DecodeKey(encoding types.EncodingType, key string) (string, error) {
	if encoding != types.EncodingTypeUrl || !strings.ContainsAny(key, "%+") {
		return key, nil
	}
	return url.QueryUnescape(key)
}

func trim(etag string) string {
	if len(etag) > 1 && etag[0] == '"' {
		return etag[1 : len(etag)-1]
	}
	return etag
}

// stream reads one bucket's keys of a range, in S3's order, which is that of
// the bytes of UTF-8, and so Go's of strings.
type stream struct {
	w      *walk
	span   *span
	bucket int     // of the bucket
	at     []entry // what is left of the page that is read
	last   string  // the last key of that page; at first where the range begins
	more   bool    // there are pages after it
	asked  int     // pages that were asked for
	read   int     // those that came, with keys
	coming chan page
}

// fetch starts a request for the page after that one.
func (s *stream) fetch(ctx context.Context, after string, token *string) {
	coming := make(chan page, 1)
	s.coming, s.more = coming, true
	s.asked++
	s.w.requests.Go(func() {
		p := s.w.listTimed(ctx, s.bucket, after, token, s.w.options.PageSize, false)
		if p.err == nil {
			s.w.arrived(s.span, s.bucket, p)
		}
		coming <- p
	})
}

// next takes the next page that has keys, if there is one, and asks for the
// one after it, if the range goes on beyond.
func (s *stream) next(ctx context.Context) error {
	for s.more && len(s.at) == 0 {
		var p page
		select {
		case p = <-s.coming:
		case <-ctx.Done():
			return ctx.Err()
		}
		if p.err != nil {
			return p.err
		}
		s.at, s.more = p.entries, p.token != nil
		if len(p.entries) > 0 {
			s.read++
			if b := &s.w.buckets[s.bucket]; p.entries[0].key <= s.last && s.last != "" {
				return fmt.Errorf("region %s: bucket %s: %w", b.Region, b.Name, errOrder)
			}
			s.last = p.entries[len(p.entries)-1].key
		}
		if s.more && s.w.endsBefore(s.span, s.last) {
			s.more = false
		}
		if s.more {
			s.fetch(ctx, "", p.token)
		}
	}
	return nil
}

// cost is how many of the pages have keys of other ranges, or none, at most.
func (s *stream) cost() int { return s.asked - s.read + min(1, len(s.at)) }
