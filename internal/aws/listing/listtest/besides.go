package listtest

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Hide removes an object as S3 does in a versioned bucket: a delete marker of
// that time hides it.
func (b *Bucket) Hide(key string, at time.Time) {
	b.Delete(key)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.markers == nil {
		b.markers = map[string]time.Time{}
	}
	b.markers[key] = at
}

// Tag sets an object's tags.
func (b *Bucket) Tag(key string, tags map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tags == nil {
		b.tags = map[string]map[string]string{}
	}
	b.tags[key] = tags
}

// Upload is an unfinished multipart upload.
type Upload struct {
	Initiator       string
	Initiated, Last time.Time // Last is when its only part was written
}

// Begin leaves an upload of a key unfinished.
func (b *Bucket) Begin(key string, u Upload) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uploads == nil {
		b.uploads = map[string]Upload{}
	}
	b.uploads[key] = u
}

// Asked says how often another operation than those of Requests was asked for.
func (b *Bucket) Asked(operation string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.others[operation]
}

// GetObjectTagging is S3's.
func (b *Bucket) GetObjectTagging(
	ctx context.Context, in *s3.GetObjectTaggingInput, _ ...func(*s3.Options),
) (*s3.GetObjectTaggingOutput, error) {
	if err := b.ask(ctx, "GetObjectTagging", *in.Key); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.objects[*in.Key]; !ok {
		return nil, Refused(http.StatusNotFound, "NoSuchKey")
	}
	out := &s3.GetObjectTaggingOutput{ResultMetadata: b.answered()}
	for _, name := range slices.Sorted(maps.Keys(b.tags[*in.Key])) {
		out.TagSet = append(out.TagSet, types.Tag{Key: aws.String(name), Value: aws.String(b.tags[*in.Key][name])})
	}
	return out, nil
}

// ListObjectVersions names the current version of each key, and is never cut off.
func (b *Bucket) ListObjectVersions(
	ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	if err := b.ask(ctx, "ListObjectVersions", aws.ToString(in.Prefix)); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out := &s3.ListObjectVersionsOutput{IsTruncated: aws.Bool(false), EncodingType: in.EncodingType, ResultMetadata: b.answered()}
	for _, key := range b.keys {
		if o := b.objects[key]; strings.HasPrefix(key, aws.ToString(in.Prefix)) {
			out.Versions = append(out.Versions, types.ObjectVersion{
				Key: aws.String(
					encoded(key, in.EncodingType),
				), VersionId: o.VersionId, IsLatest: aws.Bool(true), Size: o.ContentLength, ETag: o.ETag,
			})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.markers)) {
		if strings.HasPrefix(key, aws.ToString(in.Prefix)) {
			out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{
				Key: aws.String(
					encoded(key, in.EncodingType),
				), VersionId: aws.String("marker"), IsLatest: aws.Bool(true), LastModified: aws.Time(b.markers[key]),
			})
		}
	}
	return out, nil
}

// ListMultipartUploads is S3's, and is never cut off.
func (b *Bucket) ListMultipartUploads(
	ctx context.Context, in *s3.ListMultipartUploadsInput, _ ...func(*s3.Options),
) (*s3.ListMultipartUploadsOutput, error) {
	if err := b.ask(ctx, "ListMultipartUploads", aws.ToString(in.Prefix)); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out := &s3.ListMultipartUploadsOutput{EncodingType: in.EncodingType, ResultMetadata: b.answered()}
	for _, key := range slices.Sorted(maps.Keys(b.uploads)) {
		if u := b.uploads[key]; strings.HasPrefix(key, aws.ToString(in.Prefix)) {
			out.Uploads = append(out.Uploads, types.MultipartUpload{
				Key: aws.String(encoded(key, in.EncodingType)), UploadId: aws.String("upload of " + key), Initiated: aws.Time(u.Initiated),
				Initiator: &types.Initiator{ID: aws.String(u.Initiator)},
			})
		}
	}
	return out, nil
}

// ListParts is S3's: each upload has one part.
func (b *Bucket) ListParts(ctx context.Context, in *s3.ListPartsInput, _ ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	if err := b.ask(ctx, "ListParts", *in.Key); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	u, ok := b.uploads[*in.Key]
	if !ok {
		return nil, Refused(http.StatusNotFound, "NoSuchUpload")
	}
	return &s3.ListPartsOutput{
		IsTruncated: aws.Bool(false), ResultMetadata: b.answered(),
		Parts: []types.Part{{PartNumber: aws.Int32(1), Size: aws.Int64(1), LastModified: aws.Time(u.Last)}},
	}, nil
}

func (b *Bucket) ask(ctx context.Context, operation, key string) error {
	if err := b.begin(ctx, operation, key); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.others == nil {
		b.others = map[string]int{}
	}
	b.others[operation]++
	return nil
}

func (b *Bucket) now() time.Time {
	if b.Now == nil {
		return time.Now()
	}
	return b.Now()
}

func (b *Bucket) answered() middleware.Metadata { return Answered(b.now()) }

// Answered is what the SDK notes of an answer: its Date, unless that is zero.
func Answered(at time.Time) middleware.Metadata {
	header := http.Header{}
	if !at.IsZero() {
		header.Set("Date", at.UTC().Format(http.TimeFormat))
	}
	_, metadata, _ := awsmiddleware.RecordResponseTiming{}.HandleDeserialize(
		context.Background(),
		middleware.DeserializeInput{},
		middleware.DeserializeHandlerFunc(
			func(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
				return middleware.DeserializeOutput{
					RawResponse: &smithyhttp.Response{Response: &http.Response{Header: header}},
				}, middleware.Metadata{}, nil
			},
		),
	)
	return metadata
}

// encoded is a key as a listing of this encoding has it.
func encoded(key string, encoding types.EncodingType) string {
	if encoding != types.EncodingTypeUrl {
		return key
	}
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
