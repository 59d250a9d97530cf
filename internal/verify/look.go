package verify

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/awsapi"
	"s3fanout/internal/contents"
	"s3fanout/internal/listing"
)

// look asks all Regions about a key at once. now is S3's time, where an answer
// has it: what counts is how old an object is by the clock that dated it.
func (r *run) look(ctx context.Context, key string) (states []state, now time.Time, err error) {
	states = make([]state, len(r.options.Buckets))
	times := make([]time.Time, len(states))
	g, ctx := errgroup.WithContext(ctx)
	for i, b := range r.options.Buckets {
		g.Go(func() (err error) {
			select {
			case r.slots <- struct{}{}:
				defer func() { <-r.slots }()
			case <-ctx.Done():
				return ctx.Err()
			}
			states[i], times[i], err = r.head(ctx, b, key)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, time.Time{}, err
	}
	for _, t := range times {
		if t.After(now) {
			now = t
		}
	}
	if now.IsZero() {
		now = time.Now()
	}
	return states, now, nil
}

func (r *run) head(ctx context.Context, b Bucket, key string) (state, time.Time, error) {
	out, requests, err := contents.Head(ctx, b.Client, b.Name, key)
	r.heads.Add(int64(requests))
	var response *smithyhttp.ResponseError
	switch {
	case err == nil:
		at, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
		return newState(out), at, nil
	case errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound:
		return state{deleted: response.Response.Header.Get("X-Amz-Delete-Marker") == "true"}, time.Time{}, nil
	case errors.As(err, &response) && response.HTTPStatusCode() == http.StatusBadRequest:
		// S3 tells of an object that is encrypted with the customer's own key only
		// to who has the key
		// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
		if s, ok, err := r.listOne(ctx, b, key); ok || err != nil {
			return s, time.Time{}, err
		}
	}
	return state{}, time.Time{}, awsapi.Explain(b.Region, "bucket "+b.Name, err)
}

// listOne finds what the listing tells of a key; ok says whether it has it.
func (r *run) listOne(ctx context.Context, b Bucket, key string) (s state, ok bool, err error) {
	r.lists.Add(1)
	// The first key with this prefix is the prefix itself, if it is there.
	out, err := b.Client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &key, MaxKeys: aws.Int32(1), EncodingType: types.EncodingTypeUrl})
	if err != nil {
		return state{}, false, awsapi.Explain(b.Region, "bucket "+b.Name, err)
	}
	if len(out.Contents) == 0 {
		return state{}, false, nil
	}
	o := out.Contents[0]
	if name, err := listing.DecodeKey(out, aws.ToString(o.Key)); err != nil || name != key {
		return state{}, false, err
	}
	return state{
		present: true, modified: aws.ToTime(o.LastModified),
		Figures: contents.Figures{Size: aws.ToInt64(o.Size), ETag: contents.TrimETag(aws.ToString(o.ETag)), Opaque: true},
	}, true, nil
}

func newState(out *s3.HeadObjectOutput) state {
	return state{present: true, versionID: aws.ToString(out.VersionId), Figures: contents.Of(out), modified: aws.ToTime(out.LastModified)}
}
