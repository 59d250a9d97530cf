package backfill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"s3fanout/internal/aws/listing/listtest"
	"s3fanout/internal/copier"
)

// world is S3 in memory: a bucket in each Region, and Copiers that do what the
// real one promises. Hooks make it fail.
type world struct {
	mu       sync.Mutex
	buckets  map[string]map[string]thing // by Region and key
	heads    map[string]int              // by Region
	versions map[string]int              // pages, by Region
	copies   map[string]int              // begun, by "region/key"
	flying   map[string]int              // by Region
	most     map[string]int              // of flying
	listed   int                         // keys, of all buckets
	lists    int                         // pages of objects
	aborted  int                         // copies in parts
	markers  map[string]bool             // delete markers, by "region/key"
	uploads  map[string]types.MultipartUpload
	asked    int // how often a Region was asked for its uploads

	// onCopy is called within each copy; an error is its answer.
	onCopy     func(ctx context.Context, region string, source copier.Object) error
	onHead     func(ctx context.Context, region, key string) error
	onList     func(region string) error
	onVersions func(region string) error
	onUploads  func(region string) error
}

type thing struct {
	size     int64
	etag     string
	version  string
	modified time.Time
}

var epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func newWorld(regions ...string) *world {
	w := &world{
		markers: map[string]bool{}, uploads: map[string]types.MultipartUpload{}, buckets: map[string]map[string]thing{},
		heads: map[string]int{}, versions: map[string]int{}, copies: map[string]int{}, flying: map[string]int{}, most: map[string]int{},
	}
	for _, r := range regions {
		w.buckets[r] = map[string]thing{}
	}
	return w
}

// put stores an object of so many bytes, so many seconds after the epoch.
func (w *world) put(region, key string, size int64, second int) {
	w.buckets[region][key] = thing{
		size: size, etag: fmt.Sprintf("etag%d", size), version: fmt.Sprintf("%s-%s-%d", region, key, second),
		modified: epoch.Add(time.Duration(second) * time.Second),
	}
}

// fill puts numbered objects into Region a.
func (w *world) fill(n int) { w.fillOf("a", n) }

// fillOf puts them into a Region.
func (w *world) fillOf(region string, n int) {
	for i := range n {
		w.put(region, fmt.Sprintf("key-%05d", i), 100, 0)
	}
}

func (w *world) members() []Member {
	var members []Member
	for _, r := range slices.Sorted(maps.Keys(w.buckets)) {
		members = append(members, Member{
			Region: r, Bucket: "b-" + r, RoleARN: "arn:aws:iam::111122223333:role/role-" + r, S3: memberS3{w, r},
			Copier: memberCopier{w, r},
		})
	}
	return members
}

func (w *world) keys(region string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.buckets[region]))
}

// pages is how many pages of objects were read.
func (w *world) pages() int { return w.lists }

// pageSize makes listings of a few hundred keys take several requests.
const pageSize = 200

type memberS3 struct {
	*world
	region string
}

// ListObjectsV2 answers as S3 does, in small pages.
func (m memberS3) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if m.onList != nil {
		if err := m.onList(m.region); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	after := max(aws.ToString(in.StartAfter), aws.ToString(in.ContinuationToken))
	most := min(int(cmp.Or(aws.ToInt32(in.MaxKeys), 1000)), pageSize)
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(false), EncodingType: in.EncodingType}
	for _, key := range slices.Sorted(maps.Keys(m.buckets[m.region])) {
		if key <= after || !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
			continue
		}
		if len(out.Contents) == most {
			out.IsTruncated, out.NextContinuationToken = aws.Bool(true), aws.String(after)
			break
		}
		o := m.buckets[m.region][key]
		after = key
		name := key
		if in.EncodingType == types.EncodingTypeUrl {
			name = url.QueryEscape(key)
		}
		out.Contents = append(out.Contents, types.Object{
			Key: aws.String(name), Size: aws.Int64(o.size), ETag: aws.String(`"` + o.etag + `"`), LastModified: aws.Time(o.modified),
		})
	}
	m.listed += len(out.Contents)
	m.lists++
	out.KeyCount = aws.Int32(int32(len(out.Contents)))
	return out, nil
}

// remove deletes an object and leaves a delete marker.
func (w *world) remove(region, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.buckets[region], key)
	w.markers[region+"/"+key] = true
}

// ListObjectVersions answers as S3 does, in pages half as long: each object has
// an old version too.
func (m memberS3) ListObjectVersions(
	ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	m.mu.Lock()
	m.versions[m.region]++
	m.mu.Unlock()
	if m.onVersions != nil {
		if err := m.onVersions(m.region); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &s3.ListObjectVersionsOutput{IsTruncated: aws.Bool(false), EncodingType: in.EncodingType}
	last := ""
	keys := slices.Collect(maps.Keys(m.buckets[m.region]))
	for key := range m.markers {
		if region, key, _ := strings.Cut(key, "/"); region == m.region {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		if key <= aws.ToString(in.KeyMarker) || !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
			continue
		}
		if len(out.Versions)+2*len(out.DeleteMarkers) >= pageSize {
			out.IsTruncated, out.NextKeyMarker = aws.Bool(true), aws.String(url.QueryEscape(last))
			break
		}
		last = key
		if m.markers[m.region+"/"+key] {
			out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{
				Key: aws.String(url.QueryEscape(key)), VersionId: aws.String("marker"), IsLatest: aws.Bool(true),
			})
			continue
		}
		o := m.buckets[m.region][key]
		for version, latest := range map[string]bool{o.version: true, "old": false} {
			out.Versions = append(out.Versions, types.ObjectVersion{
				Key: aws.String(url.QueryEscape(key)), VersionId: aws.String(version), IsLatest: aws.Bool(latest), Size: aws.Int64(o.size),
				ETag: aws.String(`"` + o.etag + `"`),
			})
		}
	}
	return out, nil
}

// ListMultipartUploads names the upload of a key, whose parts ListParts does not
// know.
func (m memberS3) ListMultipartUploads(
	_ context.Context, in *s3.ListMultipartUploadsInput, _ ...func(*s3.Options),
) (*s3.ListMultipartUploadsOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	if m.onUploads != nil {
		if err := m.onUploads(m.region); err != nil {
			return nil, err
		}
	}
	out := &s3.ListMultipartUploadsOutput{ResultMetadata: listtest.Answered(time.Now())}
	if u, ok := m.uploads[m.region+"/"+*in.Prefix]; ok {
		u.Key, u.UploadId = in.Prefix, aws.String("upload")
		out.Uploads = append(out.Uploads, u)
	}
	return out, nil
}

func (m memberS3) ListParts(context.Context, *s3.ListPartsInput, ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	return &s3.ListPartsOutput{IsTruncated: aws.Bool(false)}, nil
}

func (m memberS3) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	m.mu.Lock()
	m.heads[m.region]++
	o, ok := m.buckets[m.region][*in.Key]
	m.mu.Unlock()
	if m.onHead != nil {
		if err := m.onHead(ctx, m.region, *in.Key); err != nil {
			return nil, err
		}
	}
	if !ok {
		err := answer(http.StatusNotFound, "NotFound")
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.markers[m.region+"/"+*in.Key] {
			var response *smithyhttp.ResponseError
			errors.As(err, &response)
			response.Response.Header.Set("X-Amz-Delete-Marker", "true")
		}
		return nil, err
	}
	return &s3.HeadObjectOutput{VersionId: aws.String(o.version), ContentLength: aws.Int64(o.size), ETag: aws.String(`"` + o.etag + `"`)},
		nil
}

// answer is an error as the SDK returns it.
func answer(status int, code string) error {
	return &smithy.OperationError{ServiceID: "S3", OperationName: "HeadObject", Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: http.Header{}}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "as told"},
	}}
}

// failed is an error as the Copier returns it.
func failed(class copier.Class, status int, code string) error {
	return &copier.Error{Op: "copy", Class: class, Err: answer(status, code)}
}

func slowDown() error { return failed(copier.Retryable, 503, "SlowDown") }

type memberCopier struct {
	*world
	region string
}

func (m memberCopier) Copy(ctx context.Context, req copier.Request) (copier.Result, error) {
	source := req.Source
	m.mu.Lock()
	m.copies[m.region+"/"+source.Key]++
	m.flying[m.region]++
	m.most[m.region] = max(m.most[m.region], m.flying[m.region])
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.flying[m.region]--
		m.mu.Unlock()
	}()
	result := copier.Result{Requests: copier.Requests{Copy: 1}}
	if m.onCopy != nil {
		if err := m.onCopy(ctx, m.region, source); err != nil {
			if source.Size > copier.DefaultThreshold && ctx.Err() != nil {
				m.mu.Lock()
				m.aborted++
				m.mu.Unlock()
			}
			return result, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	from, ok := m.buckets[source.Region][source.Key]
	if _, exists := m.buckets[m.region][source.Key]; exists {
		result.Outcome = copier.Exists
		return result, nil
	}
	if !ok || from.version != source.VersionID {
		result.Outcome = copier.SourceGone
		return result, nil
	}
	to := from
	to.version, to.modified = "replica", epoch.Add(time.Hour)
	delete(m.markers, m.region+"/"+source.Key)
	m.buckets[m.region][source.Key] = to
	result.Outcome, result.Bytes = copier.Copied, from.size
	return result, nil
}

// fillIn runs, and fails the test on an error.
func (w *world) fillIn(t *testing.T, change func(*Options), o Observer) Report {
	t.Helper()
	report, err := Run(t.Context(), w.options(change), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// options are for all members as targets, unless changed.
func (w *world) options(change func(*Options)) Options {
	o := Options{Members: w.members()}
	for _, m := range o.Members {
		o.To = append(o.To, m.Region)
	}
	if change != nil {
		change(&o)
	}
	return o
}
