package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"s3fanout/internal/aws/versions"
)

// The operations that follow mode needs besides.
const (
	opDelete     = "DeleteObject"
	opRetag      = "PutObjectTagging"
	opVersioning = "GetBucketVersioning"
)

// followClient is a process's client of the buckets that follow mode runs against.
type followClient struct{ *process }

// followSend makes a request with the options of the call. The error of an answer
// has the Region's Date.
func followSend[T any](
	ctx context.Context, c followClient, op, bucketName, what string, opts []func(*s3.Options),
	effect func(b *store, id string) (*T, error),
) (*T, error) {
	region, attempts := client(c).heed(opts)
	return call(ctx, c.process, region, op, bucketName+"/"+what, attempts, func(id string) (*T, error) {
		b := c.w.follow.byName[bucketName]
		switch {
		case b == nil:
			return nil, apiError(op, http.StatusNotFound, "NoSuchBucket")
		case b.region != region:
			return nil, apiError(op, http.StatusMovedPermanently, "PermanentRedirect")
		case c.readOnly && op != opHead && op != opTags && op != opVersions && op != opUploads && op != opParts:
			c.w.broken("7", "%s changes something: %s of %s in %s", c.id, op, what, region)
		}
		return effect(b, id)
	})
}

// now is a Region's clock.
func (w *world) now(region string) time.Time { return time.Now().Add(w.skewOf(region)) }

// dated is an error whose answer says when it was given. It is of that moment
// alone, and not kept.
type dated struct{ error }

func (d dated) Unwrap() error { return d.error }

var isTrue = []string{"true"}

// missing is the answer to a request for a version that is not there, or that is a
// delete marker.
func (w *world) missing(op string, b *store, v *stored, byID bool) error {
	status, code := http.StatusNotFound, "NoSuchKey"
	switch {
	case v != nil && byID && (op == opHead || op == opTags):
		status, code = http.StatusMethodNotAllowed, "MethodNotAllowed"
	case v != nil && byID:
		// The source of a copy request may not specifically refer to a delete marker by version id.
		status, code = http.StatusBadRequest, "InvalidRequest"
	case op == opHead:
		code = "NotFound"
	case byID:
		code = "NoSuchVersion"
	}
	err := dated{newAPIError(answer{op, status, code})}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		// The names are as http.Header has them, and the list for a Date is shared.
		h := response.Response.Header
		h["Date"] = w.dateIn(b.region).header
		if v != nil {
			h["X-Amz-Delete-Marker"], h["X-Amz-Version-Id"] = isTrue, []string{v.id}
			if byID {
				h["Last-Modified"] = []string{v.modified.UTC().Format(http.TimeFormat)}
			}
		}
	}
	return err
}

// find is a version by its ID, or the current one.
func (w *world) find(op string, b *store, key, id string) (*stored, error) {
	v := b.top(key)
	if id != "" {
		v = b.version(key, id)
	}
	if v == nil || v.marker {
		return nil, w.missing(op, b, v, id != "")
	}
	return v, nil
}

// source finds what x-amz-copy-source names. The Region that it is in has to
// answer, too.
func (c followClient) source(op string, header, ifMatch *string) (*stored, error) {
	raw, query, _ := strings.Cut(aws.ToString(header), "?")
	bucketName, key, _ := strings.Cut(raw, "/")
	key, err := url.PathUnescape(key)
	if err != nil {
		return nil, apiError(op, http.StatusBadRequest, "InvalidArgument")
	}
	id, _ := url.QueryUnescape(strings.TrimPrefix(query, "versionId="))
	b := c.w.follow.byName[bucketName]
	switch {
	case b == nil:
		return nil, apiError(op, http.StatusNotFound, "NoSuchBucket")
	case c.w.isAway(b.region):
		return nil, apiError(op, http.StatusServiceUnavailable, "ServiceUnavailable")
	}
	v, err := c.w.find(op, b, key, id)
	switch {
	case err != nil:
		return nil, err
	case v.archived && !c.w.calm:
		return nil, apiError(op, http.StatusForbidden, "InvalidObjectState")
	case aws.ToString(ifMatch) != "" && unquoted(ifMatch) != v.etag:
		return nil, apiError(op, http.StatusPreconditionFailed, "PreconditionFailed")
	}
	return v, nil
}

// onCondition is a write's conditions, for its name.
func onCondition(ifMatch, ifNoneMatch *string) string {
	switch {
	case ifMatch != nil:
		return " if it is " + unquoted(ifMatch)
	case ifNoneMatch != nil:
		return " if there is none"
	}
	return ""
}

func unquoted(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

// conditions says whether the conditions of a write, which began then, hold of what
// is there.
func (w *world) conditions(op string, b *store, key string, ifMatch, ifNoneMatch *string, began time.Time) error {
	v := b.current(key)
	switch {
	case w.schedule.profile.emulated:
	case aws.ToString(ifNoneMatch) == "*" && v != nil:
		return apiError(op, http.StatusPreconditionFailed, "PreconditionFailed")
	case aws.ToString(ifMatch) == "":
	case v == nil && op == opDelete && b.top(key) != nil && *ifMatch == "*":
		return apiError(op, http.StatusPreconditionFailed, "PreconditionFailed")
	case v == nil:
		return apiError(op, http.StatusNotFound, "NoSuchKey")
	case *ifMatch != "*" && unquoted(ifMatch) != v.etag:
		return apiError(op, http.StatusPreconditionFailed, "PreconditionFailed")
	default:
		w.follow.trace.matched(b, key, began)
	}
	return nil
}

func (c followClient) HeadObject(ctx context.Context, in *s3.HeadObjectInput, opts ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return followSend(ctx, c, opHead, *in.Bucket, *in.Key+" "+aws.ToString(in.VersionId), opts,
		func(b *store, _ string) (*s3.HeadObjectOutput, error) {
			v, err := c.w.find(opHead, b, *in.Key, aws.ToString(in.VersionId))
			if err != nil {
				return nil, err
			}
			out := &s3.HeadObjectOutput{
				ContentLength: aws.Int64(v.size), ETag: aws.String(`"` + v.etag + `"`), VersionId: aws.String(v.id),
				Metadata: v.meta, LastModified: aws.Time(v.modified), ContentType: optional(v.headers.contentType),
				CacheControl:       optional(v.headers.cacheControl),
				ContentDisposition: optional(v.headers.disposition), ContentLanguage: optional(v.headers.language),
				ResultMetadata: c.w.answered(b.region),
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

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// metadataLimit is how much user metadata S3 takes, names and values together.
const metadataLimit = 2048

func tooMuch(meta map[string]string) bool {
	n := 0
	for name, value := range meta {
		n += len(name) + len(value)
	}
	return n > metadataLimit
}

func (c followClient) CopyObject(ctx context.Context, in *s3.CopyObjectInput, opts ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	return followSend(ctx, c, opCopy, *in.Bucket, *in.Key+" from "+*in.CopySource+onCondition(in.IfMatch, in.IfNoneMatch), opts,
		func(b *store, id string) (*s3.CopyObjectOutput, error) {
			v, missing := c.source(opCopy, in.CopySource, in.CopySourceIfMatch)
			refused := c.w.conditions(opCopy, b, *in.Key, in.IfMatch, in.IfNoneMatch, time.Now())
			switch {
			// AWS does not say which it looks at first.
			case missing != nil && (refused == nil || !c.w.seed.chance(500, id, "condition first")):
				return nil, missing
			case refused != nil:
				return nil, refused
			}
			replica := &stored{
				key: *in.Key, body: v.body, size: v.size, etag: etagOf(v.body), crc: v.crc, headers: v.headers, meta: v.meta, tags: v.tags,
				began: time.Now(), write: v.write, byRole: true,
			}
			if in.MetadataDirective == types.MetadataDirectiveReplace {
				replica.meta, replica.headers = in.Metadata,
					headersOf(in.ContentType, in.CacheControl, in.ContentDisposition, in.ContentLanguage)
			}
			if in.TaggingDirective == types.TaggingDirectiveReplace {
				replica.tags = tagsOf(aws.ToString(in.Tagging))
			}
			if tooMuch(replica.meta) {
				return nil, apiError(opCopy, http.StatusBadRequest, "MetadataTooLarge")
			}
			c.w.copied(c.process, b, replica, v, id, "ObjectCreated:Copy")
			return &s3.CopyObjectOutput{
				VersionId: aws.String(replica.id), ResultMetadata: c.w.answered(b.region),
				CopyObjectResult: &types.CopyObjectResult{
					ETag: aws.String(`"` + replica.etag + `"`), LastModified: aws.Time(replica.modified),
				},
			}, nil
		})
}

func headersOf(contentType, cacheControl, disposition, language *string) headers {
	return headers{aws.ToString(contentType), aws.ToString(cacheControl), aws.ToString(disposition), aws.ToString(language)}
}

// tagsOf is the value of the one tag of a query string, in which a request has
// them.
func tagsOf(query string) string {
	values, err := url.ParseQuery(query)
	if err != nil {
		return "malformed: " + query
	}
	return values.Get("t")
}

// tagSet has no tag for an empty text.
func tagSet(tags string) []types.Tag {
	if tags == "" {
		return []types.Tag{}
	}
	return []types.Tag{{Key: aws.String("t"), Value: aws.String(tags)}}
}

func (c followClient) GetObjectTagging(
	ctx context.Context, in *s3.GetObjectTaggingInput, opts ...func(*s3.Options),
) (*s3.GetObjectTaggingOutput, error) {
	return followSend(ctx, c, opTags, *in.Bucket, *in.Key+" "+aws.ToString(in.VersionId), opts,
		func(b *store, _ string) (*s3.GetObjectTaggingOutput, error) {
			v, err := c.w.find(opTags, b, *in.Key, aws.ToString(in.VersionId))
			if err != nil {
				return nil, err
			}
			return &s3.GetObjectTaggingOutput{TagSet: tagSet(v.tags), VersionId: aws.String(v.id), ResultMetadata: c.w.answered(b.region)},
				nil
		})
}

func (c followClient) PutObjectTagging(
	ctx context.Context, in *s3.PutObjectTaggingInput, opts ...func(*s3.Options),
) (*s3.PutObjectTaggingOutput, error) {
	return followSend(ctx, c, opRetag, *in.Bucket, *in.Key+" "+aws.ToString(in.VersionId), opts,
		func(b *store, _ string) (*s3.PutObjectTaggingOutput, error) {
			v, err := c.w.find(opRetag, b, *in.Key, aws.ToString(in.VersionId))
			if err != nil {
				return nil, err
			}
			if in.VersionId == nil {
				c.w.broken("3", "%s puts tags on whatever is current of %q in %s", c.id, *in.Key, b.region)
			}
			tags := ""
			for _, t := range in.Tagging.TagSet {
				tags += aws.ToString(t.Value)
			}
			v.tags = tags
			b.changes[v.key]++
			c.w.tell(b, v, "ObjectTagging:Put", c.process)
			return &s3.PutObjectTaggingOutput{VersionId: aws.String(v.id), ResultMetadata: c.w.answered(b.region)}, nil
		})
}

// DeleteObject makes a marker, also where there is nothing. A role that could
// destroy a version would be refused.
func (c followClient) DeleteObject(
	ctx context.Context, in *s3.DeleteObjectInput, opts ...func(*s3.Options),
) (*s3.DeleteObjectOutput, error) {
	return followSend(ctx, c, opDelete, *in.Bucket, *in.Key+" "+aws.ToString(in.IfMatch), opts,
		func(b *store, id string) (*s3.DeleteObjectOutput, error) {
			if in.VersionId != nil {
				c.w.broken("4", "%s destroys version %s of %q in %s", c.id, *in.VersionId, *in.Key, b.region)
				return nil, denied.err(opDelete)
			}
			if err := c.w.conditions(opDelete, b, *in.Key, in.IfMatch, nil, time.Now()); err != nil {
				return nil, err
			}
			marker := &stored{key: *in.Key, marker: true, began: time.Now(), byRole: true}
			c.w.hide(c.process, b, marker, id)
			return &s3.DeleteObjectOutput{
				DeleteMarker: aws.Bool(true), VersionId: aws.String(marker.id), ResultMetadata: c.w.answered(b.region),
			}, nil
		})
}

func (c followClient) GetBucketVersioning(
	ctx context.Context, in *s3.GetBucketVersioningInput, opts ...func(*s3.Options),
) (*s3.GetBucketVersioningOutput, error) {
	return followSend(ctx, c, opVersioning, *in.Bucket, "", opts, func(b *store, _ string) (*s3.GetBucketVersioningOutput, error) {
		out := &s3.GetBucketVersioningOutput{Status: types.BucketVersioningStatusEnabled, ResultMetadata: c.w.answered(b.region)}
		if b.suspended {
			out.Status = types.BucketVersioningStatusSuspended
		}
		return out, nil
	})
}

// ListObjectVersions answers in pages of three versions, or fewer if it is asked
// for fewer, newest first. As the SDK has it, versions and delete markers are
// apart; their order is beside them.
func (c followClient) ListObjectVersions(
	ctx context.Context, in *s3.ListObjectVersionsInput, opts ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	afterKey, afterID := aws.ToString(in.KeyMarker), aws.ToString(in.VersionIdMarker)
	what := fmt.Sprintf("%s after %s %s, %d", aws.ToString(in.Prefix), afterKey, afterID, aws.ToInt32(in.MaxKeys))
	return followSend(ctx, c, opVersions, *in.Bucket, what, opts, func(b *store, _ string) (*s3.ListObjectVersionsOutput, error) {
		most := 3
		if n := int(aws.ToInt32(in.MaxKeys)); n > 0 {
			most = min(n, most)
		}
		encode := func(key string) *string {
			if in.EncodingType == types.EncodingTypeUrl {
				key = strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
			}
			return &key
		}
		out := &s3.ListObjectVersionsOutput{
			IsTruncated: aws.Bool(false), EncodingType: in.EncodingType, Prefix: in.Prefix, ResultMetadata: c.w.answered(b.region).Clone(),
		}
		var (
			last  *stored
			order []versions.Kind
		)
		defer func() { versions.SetOrder(&out.ResultMetadata, order) }()
		for _, key := range b.keys() {
			if !strings.HasPrefix(key, aws.ToString(in.Prefix)) || key < afterKey || key == afterKey && afterID == "" {
				continue
			}
			reached := key != afterKey
			stack := b.stacks[key]
			for i := len(stack) - 1; i >= 0; i-- {
				v := stack[i]
				if !reached {
					reached = v.id == afterID
					continue
				}
				if len(out.Versions)+len(out.DeleteMarkers) == most {
					out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker = aws.Bool(true), encode(last.key), aws.String(last.id)
					return out, nil
				}
				last, order = v, append(order, versions.Kind(v.marker))
				latest := aws.Bool(i == len(stack)-1)
				if v.marker {
					out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{
						Key: encode(key), VersionId: aws.String(v.id), IsLatest: latest, LastModified: aws.Time(v.modified),
					})
					continue
				}
				out.Versions = append(out.Versions, types.ObjectVersion{
					Key: encode(key), VersionId: aws.String(v.id), IsLatest: latest, LastModified: aws.Time(v.modified),
					ETag: aws.String(`"` + v.etag + `"`), Size: aws.Int64(v.size),
				})
			}
		}
		return out, nil
	})
}
