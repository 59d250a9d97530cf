// Package buckets has versioned buckets of the sandbox's S3 in several Regions, for
// tests of packages that speak to S3 with the real client; tests only.
package buckets

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/owner"
	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/policy"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	sandbox "s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/sigv4"
	"s3fanout/internal/sandbox/stats"
)

// Buckets are one in each Region. Time passes only by Pass: objects are dated by
// it, and nothing else is.
type Buckets struct {
	t        testing.TB
	Regions  []string
	Clients  map[string]*s3.Client // by Region
	counters *stats.Counters

	mu  sync.Mutex
	now time.Time
}

const account = "123456789012"

// New makes empty buckets, of which the test gets rid when it ends.
func New(t testing.TB, regions ...string) *Buckets {
	t.Helper()
	b := &Buckets{
		t:        t,
		Regions:  regions,
		Clients:  map[string]*s3.Client{},
		counters: stats.New(regions),
		now:      time.Now().Truncate(time.Second),
	}
	accounts := iam.NewStore("aws", account)
	quiet := func(context.Context, sandbox.Notification) error { return nil }
	service, err := sandbox.Start(t.Context(), sandbox.Config{
		Partition: "aws", AccountID: account, Dir: t.TempDir(), Regions: regions, Now: b.Now,
		Store: accounts, Counters: b.counters, Faults: fault.New(regions, 1), Notify: quiet, NotifyTest: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The SDK signs with the time of the last answer, which Pass may have left far
		// behind.
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		id, refused := sigv4.Authenticate(r, accounts, signed)
		if refused != nil {
			http.Error(w, refused.Message, refused.Status)
			return
		}
		w.Header().Set("Date", b.Now().UTC().Format(http.TimeFormat))
		service.ServeAPI(w, r, id.Region, id.Caller)
	}))
	connections := &http.Transport{}
	t.Cleanup(func() {
		connections.CloseIdleConnections()
		server.Close()
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	admin := accounts.Admin()
	for _, region := range regions {
		if err := service.CreateBucket(t.Context(), region, sandbox.BucketConfig{Name: Name(region), Versioned: true}); err != nil {
			t.Fatal(err)
		}
		b.Clients[region] = s3.New(s3.Options{
			Region: region, BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
			HTTPClient:  &http.Client{Transport: connections},
			Credentials: credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, ""),
			APIOptions:  []func(*middleware.Stack) error{requestbody.Keep},
		}, owner.Expect(account))
	}
	return b
}

// Name is the bucket's in a Region.
func Name(region string) string { return "b-" + region }

// Now is the time of all buckets.
func (b *Buckets) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// Pass lets time pass.
func (b *Buckets) Pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// Calls counts an operation of S3 in all Regions.
func (b *Buckets) Calls(operation string) (n int64) {
	regions, _ := b.counters.Snapshot()
	for _, region := range regions {
		for _, operations := range region.S3 {
			n += operations[operation]
		}
	}
	return n
}

func (b *Buckets) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// Put writes an object and returns its version. Metadata are names and values in
// turn.
func (b *Buckets) Put(region, key, body string, metadata ...string) string {
	b.t.Helper()
	in := &s3.PutObjectInput{
		Bucket: aws.String(Name(region)), Key: &key, Body: strings.NewReader(body), Metadata: map[string]string{},
		ContentType: aws.String("text/x-test"), StorageClass: types.StorageClassStandardIa, Tagging: aws.String("colour=red"),
	}
	for i := 0; i+1 < len(metadata); i += 2 {
		in.Metadata[metadata[i]] = metadata[i+1]
	}
	out, err := b.Clients[region].PutObject(b.t.Context(), in)
	b.check(err)
	return aws.ToString(out.VersionId)
}

// PutWithSHA256 writes an object whose checksum is not that of a replica in parts.
func (b *Buckets) PutWithSHA256(region, key, body string) {
	b.t.Helper()
	_, err := b.Clients[region].PutObject(b.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(Name(region)), Key: &key, Body: strings.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	b.check(err)
}

// Replicate writes what one Region shows to another, as follow mode does: with an
// entry that names the write.
func (b *Buckets) Replicate(from, to, key string) {
	b.t.Helper()
	head, err := b.Clients[from].HeadObject(b.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(Name(from)), Key: &key})
	b.check(err)
	v := policy.Version{
		ID:       aws.ToString(head.VersionId),
		Modified: aws.ToTime(head.LastModified).Unix(),
		Figures:  policy.Figures{ETag: aws.ToString(head.ETag)},
	}
	write := v.ReadAs(from, key, head.Metadata[policy.EntryName]).Write
	b.Put(to, key, b.Body(from, key), policy.EntryName, policy.EntryFor(write, key, b.Now().Unix(), 0).String())
}

// Remove deletes a key: with a version for good, and else by a delete marker.
func (b *Buckets) Remove(region, key string, version ...string) {
	b.t.Helper()
	in := &s3.DeleteObjectInput{Bucket: aws.String(Name(region)), Key: &key}
	if len(version) > 0 {
		in.VersionId = &version[0]
	}
	_, err := b.Clients[region].DeleteObject(b.t.Context(), in)
	b.check(err)
}

// Body is what a key has, "-" if it has nothing.
func (b *Buckets) Body(region, key string) string {
	b.t.Helper()
	out, err := b.Clients[region].GetObject(b.t.Context(), &s3.GetObjectInput{Bucket: aws.String(Name(region)), Key: &key})
	var missing *types.NoSuchKey
	if errors.As(err, &missing) {
		return "-"
	}
	b.check(err)
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	b.check(err)
	return string(body)
}

// Tag sets an object's only tag.
func (b *Buckets) Tag(region, key, name, value string) {
	b.t.Helper()
	_, err := b.Clients[region].PutObjectTagging(b.t.Context(), &s3.PutObjectTaggingInput{
		Bucket: aws.String(Name(region)), Key: &key, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: &name, Value: &value}}},
	})
	b.check(err)
}
