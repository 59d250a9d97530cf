package sim

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const opVersions = "ListObjectVersions"

// ListObjectVersions answers in pages of two keys, with the current version of
// each. Older ones and delete markers, which others skip, are left out.
func (c client) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, opts ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	after := aws.ToString(in.KeyMarker)
	what := fmt.Sprintf("%s after %s", aws.ToString(in.Prefix), after)
	return send(ctx, c, opVersions, *in.Bucket, what, opts, func(b *bucket, _ string) (*s3.ListObjectVersionsOutput, error) {
		out := &s3.ListObjectVersionsOutput{EncodingType: in.EncodingType, IsTruncated: aws.Bool(false)}
		last := ""
		for _, key := range b.keys() {
			v := b.current(key)
			if v == nil || key <= after || !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
				continue
			}
			if len(out.Versions) == 2 {
				out.IsTruncated, out.NextKeyMarker = aws.Bool(true), aws.String(url.QueryEscape(last))
				break
			}
			out.Versions = append(out.Versions, types.ObjectVersion{
				Key: aws.String(url.QueryEscape(key)), VersionId: aws.String(v.id), IsLatest: aws.Bool(true), Size: aws.Int64(v.size), ETag: aws.String(`"` + v.etag + `"`),
			})
			last = key
		}
		return out, nil
	})
}
