package explain

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/contents"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/uploads"
)

// bucket is one Region's bucket with what is asked about.
type bucket struct {
	region, name, key string
	roleARN           string // of the function's role
	client            S3
}

func bucketOf(o Options, region string) bucket {
	member := o.Config.Member(o.Account, region)
	return bucket{region: region, name: member.Bucket, key: o.Key, roleARN: member.RoleARN(), client: o.S3[region]}
}

// askRegion asks one Region everything at once. The time is S3's, zero if it
// gave none.
func askRegion(ctx context.Context, o Options, region string) (Region, time.Time) {
	b := bucketOf(o, region)
	r := Region{Region: region, Bucket: b.name}
	var (
		wg                    sync.WaitGroup
		now                   time.Time
		marker                bool
		headErr, versions, up error
		tags                  map[string]string
		noTags                error
	)
	wg.Go(func() { r.Object, marker, now, headErr = b.head(ctx) })
	wg.Go(func() { r.Versions, r.MoreVersions, versions = b.versions(ctx) })
	wg.Go(func() {
		found, err := uploads.Find(ctx, uploads.Bucket{Region: b.region, Name: b.name, RoleARN: b.roleARN, Client: b.client}, b.key)
		r.Uploads, up = found.Uploads, err
	})
	wg.Go(func() { tags, noTags = b.tags(ctx) })
	wg.Wait()
	if r.Object != nil {
		r.Object.Tags = tags
	}
	// A HEAD has no body, so only a listing tells a bucket that is missing from
	// a key that is.
	if errors.Is(versions, awsapi.ErrMissing) {
		headErr = versions
	}
	if headErr != nil {
		return Region{Region: region, Bucket: b.name, Err: headErr}, now
	}
	for _, err := range []error{versions, up, noTags} {
		if err != nil {
			r.Partial = append(r.Partial, err)
		}
	}
	switch {
	case r.Object != nil:
	case len(r.Versions) > 0 && r.Versions[0].Marker:
		r.Deleted = &r.Versions[0]
	case marker:
		r.Deleted = &Version{Marker: true}
	}
	return r, now
}

func (b bucket) explain(err error) *awsapi.Failure {
	return awsapi.Explain(b.region, "bucket "+b.name, err)
}

// head asks for the current version. Of one that is not there, marker says
// whether a delete marker is the newest version.
func (b bucket) head(ctx context.Context) (object *Object, marker bool, now time.Time, err error) {
	out, _, err := contents.Head(ctx, b.client, b.name, b.key, "")
	if err == nil {
		now, _ = middleware.GetServerTime(out.ResultMetadata)
		return newObject(out), false, now, nil
	}
	var answer *awshttp.ResponseError
	status := 0
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
		now, _ = http.ParseTime(answer.Response.Header.Get("Date"))
		marker = answer.Response.Header.Get("x-amz-delete-marker") == "true"
	}
	var missing *types.NotFound
	if errors.As(err, &missing) || status == http.StatusNotFound || marker {
		return nil, marker, now, nil
	}
	f := b.explain(err)
	if status == http.StatusForbidden {
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
		f.Add("; without s3:ListBucket S3 says so of a key that is not there, too")
	}
	return nil, false, now, f
}

// tags asks for the tags of the current version; nil if there is none.
func (b bucket) tags(ctx context.Context) (map[string]string, error) {
	tags, err := contents.Tags(ctx, b.client, b.name, b.key)
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) &&
		(answer.HTTPStatusCode() == http.StatusNotFound || answer.HTTPStatusCode() == http.StatusMethodNotAllowed) {
		return nil, nil // the HEAD says more of it
	}
	if err != nil {
		return nil, b.explain(err)
	}
	return tags, nil
}

func newObject(out *s3.HeadObjectOutput) *Object {
	o := &Object{
		VersionID: aws.ToString(out.VersionId), Figures: contents.Of(out), Modified: aws.ToTime(out.LastModified),
		StorageClass: cmp.Or(string(out.StorageClass), string(types.StorageClassStandard)),
	}
	switch out.StorageClass {
	case types.StorageClassGlacier, types.StorageClassDeepArchive:
		// A restored copy is there when the request is no longer ongoing
		// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
		o.Archived = !strings.Contains(aws.ToString(out.Restore), `ongoing-request="false"`)
	case types.StorageClassIntelligentTiering:
		o.Archived = out.ArchiveStatus != ""
	}
	return o
}

// versions lists the newest versions of exactly the key. In S3's order it is
// the first of the keys that begin with it, and the versions of a key come
// newest first
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
func (b bucket) versions(ctx context.Context) (list []Version, more bool, err error) {
	out, err := b.client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{
		Bucket: &b.name, Prefix: &b.key, MaxKeys: aws.Int32(MaxVersions), EncodingType: types.EncodingTypeUrl,
	})
	if err != nil {
		return nil, false, b.explain(err)
	}
	latest := ""
	for _, v := range out.Versions {
		if b.is(v.Key, out.EncodingType) {
			list = append(list, Version{
				VersionID: aws.ToString(
					v.VersionId,
				), Size: aws.ToInt64(v.Size), ETag: contents.TrimETag(aws.ToString(v.ETag)), Modified: aws.ToTime(v.LastModified),
			})
			if aws.ToBool(v.IsLatest) {
				latest = aws.ToString(v.VersionId)
			}
		}
	}
	for _, v := range out.DeleteMarkers {
		if b.is(v.Key, out.EncodingType) {
			list = append(list, Version{VersionID: aws.ToString(v.VersionId), Marker: true, Modified: aws.ToTime(v.LastModified)})
			if aws.ToBool(v.IsLatest) {
				latest = aws.ToString(v.VersionId)
			}
		}
	}
	// The two lists have to be merged by times of whole seconds; the newest is
	// known for sure.
	rank := func(v Version) int {
		if latest != "" && v.VersionID == latest {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, c Version) int {
		return cmp.Or(cmp.Compare(rank(a), rank(c)), c.Modified.Compare(a.Modified))
	})
	next := aws.ToString(out.NextKeyMarker)
	more = aws.ToBool(out.IsTruncated) && (next == "" || b.is(&next, out.EncodingType))
	return list, more, nil
}

// is says whether a listing's key is the one that is asked about.
func (b bucket) is(listed *string, encoding types.EncodingType) bool {
	key, err := listing.DecodeKey(encoding, aws.ToString(listed))
	return err == nil && key == b.key
}
