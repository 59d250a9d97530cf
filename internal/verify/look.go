package verify

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/awsapi"
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
	in := &s3.HeadObjectInput{Bucket: &b.Name, Key: &key, ChecksumMode: types.ChecksumModeEnabled}
	var response *smithyhttp.ResponseError
	r.heads.Add(1)
	out, err := b.Client.HeadObject(ctx, in)
	if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusForbidden {
		// The checksums of an object under a KMS key take kms:Decrypt, the rest
		// does not
		// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
		in.ChecksumMode = ""
		r.heads.Add(1)
		out, err = b.Client.HeadObject(ctx, in)
	}
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
		present: true, size: aws.ToInt64(o.Size), etag: strings.Trim(aws.ToString(o.ETag), `"`), modified: aws.ToTime(o.LastModified), opaque: true,
	}, true, nil
}

func newState(out *s3.HeadObjectOutput) state {
	s := state{
		present: true, versionID: aws.ToString(out.VersionId), size: aws.ToInt64(out.ContentLength),
		etag: strings.Trim(aws.ToString(out.ETag), `"`), modified: aws.ToTime(out.LastModified),
	}
	switch out.ServerSideEncryption {
	case "", types.ServerSideEncryptionAes256:
	default:
		s.opaque = true
	}
	s.opaque = s.opaque || out.SSECustomerAlgorithm != nil
	for _, c := range []struct {
		algorithm string
		value     *string
	}{
		{"CRC64NVME", out.ChecksumCRC64NVME}, {"SHA512", out.ChecksumSHA512}, {"SHA256", out.ChecksumSHA256}, {"SHA1", out.ChecksumSHA1},
		{"CRC32C", out.ChecksumCRC32C}, {"CRC32", out.ChecksumCRC32}, {"MD5", out.ChecksumMD5},
		{"XXHASH128", out.ChecksumXXHASH128}, {"XXHASH3", out.ChecksumXXHASH3}, {"XXHASH64", out.ChecksumXXHASH64},
	} {
		if c.value != nil {
			// A composite checksum ends with the number of parts, as no base64 does.
			kind := fullObject
			if out.ChecksumType == types.ChecksumTypeComposite || strings.Contains(*c.value, "-") {
				kind = composite
			}
			s.checksums = append(s.checksums, Checksum{c.algorithm, kind, *c.value})
		}
	}
	return s
}
