package sim

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/listing/listtest"
)

const opVersions = "ListObjectVersions"

// ListObjectVersions answers in pages of two keys, with the current version of
// each, which may be a delete marker. Older ones, which others skip, are left out.
func (c client) ListObjectVersions(
	ctx context.Context, in *s3.ListObjectVersionsInput, opts ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	after := aws.ToString(in.KeyMarker)
	what := fmt.Sprintf("%s after %s", aws.ToString(in.Prefix), after)
	return send(ctx, c, opVersions, *in.Bucket, what, opts, func(b *bucket, _ string) (*s3.ListObjectVersionsOutput, error) {
		out := &s3.ListObjectVersionsOutput{EncodingType: in.EncodingType, IsTruncated: aws.Bool(false)}
		last := ""
		for _, key := range b.keys() {
			list := b.versions[key]
			if len(list) == 0 || key <= after || !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
				continue
			}
			if len(out.Versions)+len(out.DeleteMarkers) == 2 {
				out.IsTruncated, out.NextKeyMarker = aws.Bool(true), aws.String(url.QueryEscape(last))
				break
			}
			v := list[len(list)-1]
			last = key
			if v.marker {
				out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{
					Key: aws.String(url.QueryEscape(key)), VersionId: aws.String(v.id), IsLatest: aws.Bool(true),
					LastModified: aws.Time(v.at),
				})
				continue
			}
			out.Versions = append(out.Versions, types.ObjectVersion{
				Key: aws.String(url.QueryEscape(key)), VersionId: aws.String(v.id), IsLatest: aws.Bool(true), Size: aws.Int64(v.size),
				ETag: aws.String(`"` + v.etag + `"`),
			})
		}
		return out, nil
	})
}

const opUploads = "ListMultipartUploads"

// ListMultipartUploads names the open uploads of all keys with the prefix. The
// functions and backfills began all of them.
func (c client) ListMultipartUploads(
	ctx context.Context, in *s3.ListMultipartUploadsInput, opts ...func(*s3.Options),
) (*s3.ListMultipartUploadsOutput, error) {
	return send(ctx, c, opUploads, *in.Bucket, aws.ToString(in.Prefix), opts,
		func(b *bucket, _ string) (*s3.ListMultipartUploadsOutput, error) {
			out := &s3.ListMultipartUploadsOutput{EncodingType: in.EncodingType, ResultMetadata: listtest.Answered(time.Now())}
			for _, id := range slices.Sorted(maps.Keys(b.uploads)) {
				if u := b.uploads[id]; strings.HasPrefix(u.key, aws.ToString(in.Prefix)) {
					out.Uploads = append(out.Uploads, types.MultipartUpload{
						Key: aws.String(url.QueryEscape(u.key)), UploadId: aws.String(id), Initiated: aws.Time(u.begun),
						Initiator: &types.Initiator{ID: aws.String(u.by)},
					})
				}
			}
			return out, nil
		})
}
