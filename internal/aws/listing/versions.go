package listing

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/awsapi"
)

// VersionsS3 is the part of *s3.Client that Versions uses.
type VersionsS3 interface {
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
}

// Version is an object's current version.
type Version struct {
	VersionID string // "null" for one that was written without versioning
	Size      int64  // bytes
	ETag      string // opaque, without quotation marks
}

// Versions asks which versions of keys are the current ones, by as few requests
// as there are pages. The keys are in order, come after a given key, and begin
// with prefix. It returns a Version for each key, which is the zero Version if
// the key was not found or not reached, and how many pages it has read.
//
// A page has old versions and delete markers as well. It costs as much as some
// dozen HEADs, so it is asked for only while at least worth keys are left, and
// no more once a page has answered for fewer.
//
// What was found is returned beside an error too, which says what
// to do, or is ctx's.
func Versions(
	ctx context.Context, b Bucket, client VersionsS3, prefix, after string, keys []string, worth int,
) (found []Version, pages int, err error) {
	found = make([]Version, len(keys))
	in := &s3.ListObjectVersionsInput{Bucket: &b.Name, MaxKeys: aws.Int32(maxPage), EncodingType: types.EncodingTypeUrl}
	if prefix != "" {
		in.Prefix = &prefix
	}
	if after != "" {
		in.KeyMarker = &after
	}
	for at := 0; len(keys)-at >= max(1, worth); {
		out, err := client.ListObjectVersions(ctx, in)
		if err != nil {
			if ctx.Err() != nil {
				return found, pages, ctx.Err()
			}
			return found, pages, awsapi.Explain(b.Region, "bucket "+b.Name, err)
		}
		pages++
		matched := 0
		for i := range out.Versions {
			v := &out.Versions[i]
			if !aws.ToBool(v.IsLatest) {
				continue
			}
			key, err := DecodeKey(out.EncodingType, aws.ToString(v.Key))
			if err != nil {
				return found, pages, awsapi.Explain(b.Region, "bucket "+b.Name, err)
			}
			for at < len(keys) && keys[at] < key {
				at++
			}
			if at < len(keys) && keys[at] == key {
				found[at] = Version{VersionID: aws.ToString(v.VersionId), Size: aws.ToInt64(v.Size), ETag: trim(aws.ToString(v.ETag))}
				at++
				matched++
			}
		}
		if !aws.ToBool(out.IsTruncated) || matched < worth {
			break
		}
		next, err := DecodeKey(out.EncodingType, aws.ToString(out.NextKeyMarker))
		if err != nil || next == "" {
			return found, pages, fmt.Errorf("region %s: bucket %s: a listing of versions is cut off without a token for the next page",
				b.Region, b.Name)
		}
		in.KeyMarker, in.VersionIdMarker = &next, out.NextVersionIdMarker
	}
	return found, pages, nil
}

// Markers asks which of keys a delete marker hides, by as few requests as there
// are pages. The keys are in order, come after a given key, and begin with
// prefix. known is how many of them, from the first on, it can tell about; the
// others are up to the caller. pages is how many pages it has read.
//
// Where a bucket has little between the keys, as one that is new has, a page
// answers for all of them. It costs as much as some dozen HEADs, so it is asked for
// only while at least worth keys are left, and no more once a page has answered for
// fewer. What was found is returned beside an error too, which says what to do, or
// is ctx's.
func Markers(
	ctx context.Context, b Bucket, client VersionsS3, prefix, after string, keys []string, worth int,
) (hidden []bool, known, pages int, err error) {
	hidden = make([]bool, len(keys))
	in := &s3.ListObjectVersionsInput{Bucket: &b.Name, MaxKeys: aws.Int32(maxPage), EncodingType: types.EncodingTypeUrl}
	if prefix != "" {
		in.Prefix = &prefix
	}
	if after != "" {
		in.KeyMarker = &after
	}
	for len(keys)-known >= max(1, worth) {
		out, err := client.ListObjectVersions(ctx, in)
		if err != nil {
			if ctx.Err() != nil {
				return hidden, known, pages, ctx.Err()
			}
			return hidden, known, pages, awsapi.Explain(b.Region, "bucket "+b.Name, err)
		}
		pages++
		for i := range out.DeleteMarkers {
			m := &out.DeleteMarkers[i]
			if !aws.ToBool(m.IsLatest) {
				continue
			}
			key, err := DecodeKey(out.EncodingType, aws.ToString(m.Key))
			if err != nil {
				return hidden, known, pages, awsapi.Explain(b.Region, "bucket "+b.Name, err)
			}
			if n, found := slices.BinarySearch(keys, key); found {
				hidden[n] = true
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return hidden, len(keys), pages, nil
		}
		next, err := DecodeKey(out.EncodingType, aws.ToString(out.NextKeyMarker))
		if err != nil || next == "" {
			return hidden, known, pages, fmt.Errorf(
				"region %s: bucket %s: a listing of versions is cut off without a token for the next page",
				b.Region, b.Name,
			)
		}
		// The newest version of a key comes first, so that the page
		// answers for its last key too.
		before := known
		for known < len(keys) && keys[known] <= next {
			known++
		}
		if known-before < worth {
			break
		}
		in.KeyMarker, in.VersionIdMarker = &next, out.NextVersionIdMarker
	}
	return hidden, known, pages, nil
}
