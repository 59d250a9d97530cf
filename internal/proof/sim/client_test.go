package sim

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The operations.
const (
	opCopy     = "CopyObject"
	opHead     = "HeadObject"
	opTags     = "GetObjectTagging"
	opCreate   = "CreateMultipartUpload"
	opPart     = "UploadPartCopy"
	opParts    = "ListParts"
	opComplete = "CompleteMultipartUpload"
	opAbort    = "AbortMultipartUpload"
	opList     = "ListObjectsV2"
)

// client is the S3 client of a process.
type client struct{ *process }

var emptyOptions = sync.Pool{New: func() any { return new(s3.Options) }}

// heed is where a call goes, and how often it is tried.
func (c client) heed(opts []func(*s3.Options)) (region string, attempts int) {
	o := emptyOptions.Get().(*s3.Options)
	defer emptyOptions.Put(o)
	*o = s3.Options{Region: c.region}
	for _, f := range opts {
		f(o)
	}
	if _, nop := o.Retryer.(aws.NopRetryer); nop {
		return o.Region, 1
	}
	return o.Region, sdkRetries
}

// send makes a request with the options of the call.
func send[T any](
	ctx context.Context, c client, op, bucketName, what string, opts []func(*s3.Options), effect func(b *bucket, id string) (*T, error),
) (*T, error) {
	region, attempts := c.heed(opts)
	return call(ctx, c.process, region, op, bucketName+"/"+what, attempts, func(id string) (*T, error) {
		b := c.w.bucketNamed(bucketName)
		switch {
		case b == nil:
			return nil, apiError(op, http.StatusNotFound, "NoSuchBucket")
		case b.region != region:
			return nil, apiError(op, http.StatusMovedPermanently, "PermanentRedirect")
		}
		return effect(b, id)
	})
}

func notFound(op, version string) error {
	switch {
	case op == opHead:
		return apiError(op, http.StatusNotFound, "NotFound")
	case version != "":
		return apiError(op, http.StatusNotFound, "NoSuchVersion")
	}
	return apiError(op, http.StatusNotFound, "NoSuchKey")
}

// hidden is the answer to a HEAD of a key that a delete marker hides.
func hidden() error {
	err := newAPIError(answer{opHead, http.StatusNotFound, "NotFound"})
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		response.Response.Header.Set("X-Amz-Delete-Marker", "true")
	}
	return err
}

// enforces says whether a condition that the key is absent is put, and kept.
func (w *world) enforces(ifNoneMatch *string) bool {
	return aws.ToString(ifNoneMatch) == "*" && !w.schedule.profile.emulated
}

// source finds what x-amz-copy-source names. The Region that it is in has to
// answer, too.
func (c client) source(op string, header *string) (*version, error) {
	raw, query, _ := strings.Cut(aws.ToString(header), "?")
	bucketName, key, _ := strings.Cut(raw, "/")
	key, err := url.PathUnescape(key)
	if err != nil {
		return nil, apiError(op, http.StatusBadRequest, "InvalidArgument")
	}
	id, _ := url.PathUnescape(strings.TrimPrefix(query, "versionId="))
	b := c.w.bucketNamed(bucketName)
	switch {
	case b == nil:
		return nil, apiError(op, http.StatusNotFound, "NoSuchBucket")
	case c.w.isAway(b.region):
		return nil, apiError(op, http.StatusServiceUnavailable, "ServiceUnavailable")
	}
	if v := b.version(key, id); v != nil {
		if v.archived && !c.w.calm {
			return nil, apiError(op, http.StatusForbidden, "InvalidObjectState")
		}
		return v, nil
	}
	return nil, notFound(op, id)
}

func (c client) HeadObject(ctx context.Context, in *s3.HeadObjectInput, opts ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return send(ctx, c, opHead, *in.Bucket, *in.Key+" "+aws.ToString(in.VersionId), opts,
		func(b *bucket, _ string) (*s3.HeadObjectOutput, error) {
			v := b.version(*in.Key, aws.ToString(in.VersionId))
			if list := b.versions[*in.Key]; v == nil && in.VersionId == nil && len(list) > 0 {
				return nil, hidden() // the current version is a delete marker
			}
			if v == nil {
				return nil, notFound(opHead, "")
			}
			out := &s3.HeadObjectOutput{
				ContentLength: aws.Int64(v.size), ETag: aws.String(`"` + v.etag + `"`), VersionId: aws.String(v.id),
				Metadata: map[string]string{"props": v.props}, LastModified: aws.Time(v.modified),
			}
			if v.crc != "" && in.ChecksumMode == types.ChecksumModeEnabled {
				out.ChecksumCRC64NVME, out.ChecksumType = aws.String(v.crc), types.ChecksumTypeFullObject
			}
			if v.archived && !c.w.calm {
				out.StorageClass = types.StorageClassGlacier
			}
			return out, nil
		})
}

func (c client) GetObjectTagging(
	ctx context.Context, in *s3.GetObjectTaggingInput, opts ...func(*s3.Options),
) (*s3.GetObjectTaggingOutput, error) {
	return send(ctx, c, opTags, *in.Bucket, *in.Key+" "+aws.ToString(in.VersionId), opts,
		func(b *bucket, _ string) (*s3.GetObjectTaggingOutput, error) {
			v := b.version(*in.Key, aws.ToString(in.VersionId))
			if v == nil {
				return nil, notFound(opTags, aws.ToString(in.VersionId))
			}
			out := &s3.GetObjectTaggingOutput{TagSet: []types.Tag{{Key: aws.String("t"), Value: aws.String(v.props)}}}
			return out, nil
		})
}

func (c client) CopyObject(ctx context.Context, in *s3.CopyObjectInput, opts ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	return send(ctx, c, opCopy, *in.Bucket, *in.Key+" from "+*in.CopySource, opts,
		func(b *bucket, id string) (*s3.CopyObjectOutput, error) {
			v, missing := c.source(opCopy, in.CopySource)
			there := c.w.enforces(in.IfNoneMatch) && b.current(*in.Key) != nil
			switch {
			// AWS does not say which it looks at first.
			case missing != nil && (!there || !c.w.seed.chance(500, id, "condition first")):
				return nil, missing
			case there:
				return nil, apiError(opCopy, http.StatusPreconditionFailed, "PreconditionFailed")
			}
			replica := &version{key: *in.Key, content: v.content, size: v.size, props: v.props, crc: v.crc, etag: "e" + v.content, of: v}
			c.w.write(c.process, b, replica, id, "ObjectCreated:Copy")
			out := &s3.CopyObjectOutput{
				VersionId: aws.String(replica.id), CopyObjectResult: &types.CopyObjectResult{ETag: aws.String(`"` + replica.etag + `"`)},
			}
			return out, nil
		})
}

// ListObjectsV2 answers in pages of two keys.
func (c client) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, opts ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	after := aws.ToString(in.StartAfter)
	if in.ContinuationToken != nil {
		after = *in.ContinuationToken
	}
	what := aws.ToString(in.Prefix) + " after " + after + ", " + strconv.Itoa(int(aws.ToInt32(in.MaxKeys)))
	return send(ctx, c, opList, *in.Bucket, what, opts, func(b *bucket, _ string) (*s3.ListObjectsV2Output, error) {
		out := &s3.ListObjectsV2Output{EncodingType: in.EncodingType, IsTruncated: aws.Bool(false)}
		for _, key := range b.keys() {
			v := b.current(key)
			if v == nil || key <= after || !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
				continue
			}
			if len(out.Contents) == min(2, int(aws.ToInt32(in.MaxKeys))) {
				last, err := url.QueryUnescape(*out.Contents[len(out.Contents)-1].Key)
				out.IsTruncated, out.NextContinuationToken = aws.Bool(true), aws.String(last)
				return out, err
			}
			out.Contents = append(out.Contents, types.Object{
				Key: aws.String(url.QueryEscape(key)), Size: aws.Int64(v.size), ETag: aws.String(`"` + v.etag + `"`),
				LastModified: aws.Time(v.modified),
			})
		}
		return out, nil
	})
}
