package verify

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/contents"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/policy"
)

// look asks all Regions about a key at once.
func (r *run) look(ctx context.Context, key string) ([]policy.State, error) {
	states := make([]policy.State, len(r.options.Buckets))
	err := r.everywhere(ctx, func(ctx context.Context, i int) (err error) {
		b := r.options.Buckets[i]
		states[i], err = r.head(ctx, b, key)
		if err == nil && states[i].Here() && r.options.Tags {
			states[i].Tags, err = r.tagsOf(ctx, b, key)
		}
		if errors.Is(err, errGone) { // after the HEAD
			states[i], err = policy.State{Presence: policy.Absent}, nil
		}
		return err
	})
	return states, err
}

// everywhere asks all Regions at once, as soon as not too many requests are
// under way. Goroutines begin then and not before: those of a thousand keys that
// wait would take more memory than all the rest.
func (r *run) everywhere(ctx context.Context, ask func(ctx context.Context, bucket int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range r.options.Buckets {
		if err := r.begin(ctx); err != nil {
			_ = g.Wait() // its error has ended the context, or the context its error
			return err
		}
		g.Go(func() error {
			defer r.end()
			return ask(ctx, i)
		})
	}
	return g.Wait()
}

// begin waits until one more request may be under way, until end.
func (r *run) begin(ctx context.Context) error {
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *run) end() { <-r.slots }

func (r *run) head(ctx context.Context, b Bucket, key string) (policy.State, error) {
	out, requests, err := contents.Head(ctx, b.Client, b.Name, key, "")
	r.heads.Add(int64(requests))
	s := contents.StateOf(out, err)
	var response *smithyhttp.ResponseError
	switch {
	case err == nil:
		at, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
		r.clock.recordDate(at)
		r.clock.recordObject(s.Modified)
		return s, nil
	case s.Presence != policy.Unknown && errors.As(err, &response):
		if at, err := http.ParseTime(response.Response.Header.Get("Date")); err == nil {
			r.clock.recordDate(at)
		}
		return s, nil
	case errors.As(err, &response) && response.HTTPStatusCode() == http.StatusBadRequest:
		// S3 tells of an object that is encrypted with the customer's own key only
		// to who has the key
		// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
		if s, ok, err := r.listOne(ctx, b, key); ok || err != nil {
			return s, err
		}
	}
	return policy.State{}, awsapi.Explain(b.Region, "bucket "+b.Name, err)
}

// listOne finds what the listing tells of a key; ok says whether it has it.
func (r *run) listOne(ctx context.Context, b Bucket, key string) (s policy.State, ok bool, err error) {
	r.lists.Add(1)
	// The first key with this prefix is the prefix itself, if it is there.
	out, err := b.Client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &b.Name, Prefix: &key, MaxKeys: aws.Int32(1), EncodingType: types.EncodingTypeUrl,
	})
	if err != nil {
		return policy.State{}, false, awsapi.Explain(b.Region, "bucket "+b.Name, err)
	}
	if len(out.Contents) == 0 {
		return policy.State{}, false, nil
	}
	o := out.Contents[0]
	if name, err := listing.DecodeKey(out.EncodingType, aws.ToString(o.Key)); err != nil || name != key {
		return policy.State{}, false, err
	}
	return policy.State{
		Presence: policy.Present, Modified: aws.ToTime(o.LastModified),
		Figures: policy.Figures{Size: aws.ToInt64(o.Size), ETag: contents.TrimETag(aws.ToString(o.ETag)), Opaque: true},
	}, true, nil
}

// dateMarkers asks when a key was deleted in the Regions where a delete marker
// hides it, which a HEAD does not tell: a deletion that is under way is no
// difference. Where that may not be asked, the date stays unknown.
func (r *run) dateMarkers(ctx context.Context, key string, w *watch) error {
	for _, i := range w.markers() {
		b := r.options.Buckets[i]
		if r.blind.is(i, askVersions) {
			w.undated[i] = r.clock.began()
			continue
		}
		if err := r.begin(ctx); err != nil {
			return err
		}
		r.lists.Add(1)
		// The versions of a key come newest first, and the first key with this
		// prefix is the prefix itself
		// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
		out, err := b.Client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{
			Bucket: &b.Name, Prefix: &key, MaxKeys: aws.Int32(1), EncodingType: types.EncodingTypeUrl,
		})
		r.end()
		if err != nil {
			if err := r.blind.note(ctx, i, askVersions, awsapi.Explain(b.Region, "bucket "+b.Name, err)); err != nil {
				return err
			}
			w.undated[i] = r.clock.began()
			continue
		}
		for _, m := range out.DeleteMarkers {
			if name, err := listing.DecodeKey(out.EncodingType, aws.ToString(m.Key)); err == nil && name == key && aws.ToBool(m.IsLatest) {
				w.states[i].Modified = aws.ToTime(m.LastModified)
			}
		}
	}
	return nil
}

// errGone says that there is no object to have tags.
var errGone = errors.New("there is no such object")

// tagsOf asks for the tags of a key's current version. The error wraps errGone
// if there is none.
func (r *run) tagsOf(ctx context.Context, b Bucket, key string) (map[string]string, error) {
	r.tags.Add(1)
	tags, err := contents.Tags(ctx, b.Client, b.Name, key)
	var response *smithyhttp.ResponseError
	switch {
	case err == nil:
		return tags, nil
	case errors.As(err, &response) && slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed}, response.HTTPStatusCode()):
		return nil, errGone
	}
	return nil, awsapi.Explain(b.Region, "bucket "+b.Name, err)
}

// sameTags says whether a key that is the same in all listings has the same tags
// everywhere. It counts the key if it has.
func (r *run) sameTags(ctx context.Context, key string) (same bool, err error) {
	tags := make([]map[string]string, len(r.options.Buckets))
	err = r.everywhere(ctx, func(ctx context.Context, i int) (err error) {
		tags[i], err = r.tagsOf(ctx, r.options.Buckets[i], key)
		return err
	})
	switch {
	case errors.Is(err, errGone):
		return false, nil
	case err != nil:
		return false, err
	}
	for _, t := range tags[1:] {
		if !maps.Equal(t, tags[0]) {
			return false, nil
		}
	}
	r.finished()
	r.equal.Add(1)
	return true, nil
}

// isCopying asks whether the function of a Region, or a backfill, is copying a
// key there. Where that may not be asked, nobody is.
func (r *run) isCopying(ctx context.Context, bucket int, key string) (bool, error) {
	b := r.options.Buckets[bucket]
	if r.blind.is(bucket, askUploads) {
		return false, nil
	}
	if err := r.begin(ctx); err != nil {
		return false, err
	}
	defer r.end()
	found, err := uploads.Find(ctx, uploads.Bucket{Region: b.Region, Name: b.Name, RoleARN: b.RoleARN, Client: b.Client}, key)
	r.lists.Add(int64(found.Requests))
	if err != nil {
		return false, r.blind.note(ctx, bucket, askUploads, err)
	}
	_, copying := found.Copying()
	return copying, nil
}
