package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestUnversionedBucket(t *testing.T) {
	w := newWorld(t)
	if err := w.service.CreateBucket(t.Context(), here, BucketConfig{Name: "flat", Notifications: Notifications{Rules: []NotificationRule{
		{ARN: topic, Events: []string{"s3:ObjectCreated:Put"}, Filter: KeyFilter("in/", ".jpg")},
	}}}); err != nil {
		t.Fatal(err)
	}
	w.messages(t)
	if out := w.put(t, here, "flat", "in/a.jpg", "x"); out.VersionId != nil {
		t.Errorf("got version %q, want none", *out.VersionId)
	}
	if r := onlyRecord(t, w); r.S3.Object.VersionID != "" || r.S3.ConfigurationID == "" {
		t.Errorf("event %+v: want no version and a configuration", r.S3)
	}
	w.put(t, here, "flat", "out/a.jpg", "x")
	w.put(t, here, "flat", "in/a.png", "x")
	if _, err := w.client(here).CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String("flat"), Key: aws.String("in/copy.jpg"), CopySource: copySource("flat", "in/a.jpg", ""),
	}); err != nil {
		t.Fatal(err)
	}
	if m := w.messages(t); len(m) != 0 {
		t.Errorf("%d notifications of what the configuration leaves out", len(m))
	}
	head, err := w.client(here).HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("flat"), Key: aws.String("in/copy.jpg")})
	if err != nil || head.VersionId != nil || head.StorageClass != "" || head.ServerSideEncryption != "AES256" {
		t.Errorf("got version %v, storage class %q, encryption %q (%v)", head.VersionId, head.StorageClass, head.ServerSideEncryption, err)
	}
}

func TestVirtualHostedStyle(t *testing.T) {
	w := newWorld(t)
	address := strings.TrimPrefix(w.endpoint, "http://")
	_, port, _ := net.SplitHostPort(address)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	transport := &http.Transport{DialContext: dial}
	defer transport.CloseIdleConnections()
	c := sdk.New(w.client(here).Options(), func(o *sdk.Options) {
		o.UsePathStyle = false
		o.BaseEndpoint = aws.String("http://localhost:" + port)
		o.HTTPClient = &http.Client{Transport: transport}
	})
	if _, err := c.PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("dir/a b"), Body: strings.NewReader("virtual"),
	}); err != nil {
		t.Fatal(err)
	}
	if got := w.get(t, here, hereBucket, "dir/a b"); got != "virtual" {
		t.Errorf("got %q, want virtual", got)
	}
	list, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String(hereBucket), Delimiter: aws.String("/")})
	if err != nil || len(list.CommonPrefixes) != 1 || *list.CommonPrefixes[0].Prefix != "dir/" {
		t.Errorf("got %+v (%v), want the prefix dir/", list, err)
	}
}

func TestHeadBucketTellsTheRegion(t *testing.T) {
	w := newWorld(t)
	head, err := w.client(here).HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: aws.String(hereBucket)})
	if err != nil || aws.ToString(head.BucketRegion) != here {
		t.Errorf("got Region %v (%v), want %s", head.BucketRegion, err, here)
	}
	_, err = w.client(there).HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: aws.String(hereBucket)})
	wantCode(t, err, 301, "MovedPermanently")
}

func TestForgedSignature(t *testing.T) {
	w := newWorld(t)
	creds := w.store.Admin()
	creds.SecretAccessKey = "wrong"
	_, err := w.client(here, creds).ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String(hereBucket)})
	if err == nil {
		t.Error("a forged signature was accepted")
	}
}

// A copy whose client gives up is made and announced all the same.
func TestClientThatGoesAway(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "big", strings.Repeat("x", 32<<20))
	w.messages(t)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := w.client(here).CopyObject(ctx, &sdk.CopyObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String("copy"), CopySource: copySource(hereBucket, "big", ""),
		})
		failed <- err
	}()
	wait(t, func() bool {
		regions, _ := w.counters.Snapshot()
		return regions[here].S3["arn:aws:iam::"+account+":user/administrator"]["CopyObject"] == 1
	})
	cancel()
	if err := <-failed; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	wait(t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.received) == 1 })
	if r := onlyRecord(t, w); r.EventName != "ObjectCreated:Copy" || *r.S3.Object.Size != 32<<20 {
		t.Errorf("event %+v, want one about the copy", r)
	}
}

func wait(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-t.Context().Done():
			t.Fatal("gave up waiting")
		case <-tick.C:
		}
	}
}

// Services in one process do not know of each other.
func TestSeveralInOneProcess(t *testing.T) {
	one, other := newWorld(t), newWorld(t)
	one.put(t, here, hereBucket, "k", "one")
	other.put(t, here, hereBucket, "k", "other")
	if got := one.get(t, here, hereBucket, "k") + other.get(t, here, hereBucket, "k"); got != "oneother" {
		t.Errorf("got %q, want oneother", got)
	}
}

func TestCopySourceEncoding(t *testing.T) {
	tests := map[string]struct {
		want object
		ok   bool
	}{
		"b/k":                           {object{"b", "k", ""}, true},
		"/b/k":                          {object{"b", "k", ""}, true},
		"b/a%20b%2Bc?versionId=v":       {object{"b", "a b+c", "v"}, true},
		"b/a+b":                         {object{"b", "a b", ""}, true},
		"b%2Fk%2Fl":                     {object{"b", "k/l", ""}, true},
		"b/what%3FversionId=no":         {object{"b", "what?versionId=no", ""}, true},
		"b":                             {object{}, false},
		"b/":                            {object{}, false},
		"b/k?other=1":                   {object{}, false},
		"b/%zz":                         {object{}, false},
		"127.0.0.1/k":                   {object{}, false},
		"b@d/k":                         {object{}, false},
		"arn:aws:s3:us-east-1:1:ap/o/k": {object{}, false},
	}
	for header, test := range tests {
		got, err := parseCopySource(header)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("%s: got %+v (%v), want %+v", header, got, err, test.want)
		}
	}
}

func FuzzEncodeKey(f *testing.F) {
	for _, seed := range []string{"", "a b", "a+b%/ü", "//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if got, err := url.QueryUnescape(encodeKey(key)); err != nil || got != key {
			t.Errorf("%q: got %q (%v) back", key, got, err)
		}
	})
}

// Over TLS, clients send checksums in a trailer after a body that is not signed.
func TestTrailingChecksum(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewTLSServer(http.HandlerFunc(w.serve))
	defer server.Close()
	sawTrailer := false
	c := sdk.New(w.client(here).Options(), func(o *sdk.Options) {
		o.BaseEndpoint = &server.URL
		o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			sawTrailer = sawTrailer || r.Header.Get("X-Amz-Trailer") != ""
			return server.Client().Do(r)
		})
	})
	body := strings.Repeat("streamed ", 1<<17)
	for _, algorithm := range []types.ChecksumAlgorithm{"", types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha256} {
		_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader(body), ChecksumAlgorithm: algorithm,
		})
		if err != nil {
			t.Fatalf("%s: %v", algorithm, err)
		}
		if got := w.get(t, here, hereBucket, "k"); got != body {
			t.Errorf("%s: got %d bytes, want %d", algorithm, len(got), len(body))
		}
	}
	if !sawTrailer {
		t.Error("the client sent no trailer, so that nothing was tested")
	}
	if r := lastRecord(t, w); *r.S3.Object.Size != int64(len(body)) {
		t.Errorf("the event says %d bytes, want %d", *r.S3.Object.Size, len(body))
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// While a key is overwritten and deleted, each read sees one write whole.
func TestReadsAreWhole(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.client(here)
	b, k := aws.String(hereBucket), aws.String("k")
	w.put(t, here, hereBucket, "source", "copied", func(in *sdk.PutObjectInput) { in.Metadata = map[string]string{"body": "copied"} })
	w.put(t, here, hereBucket, "k", "first", func(in *sdk.PutObjectInput) { in.Metadata = map[string]string{"body": "first"} })
	var writers, readers sync.WaitGroup
	var done atomic.Bool
	var seen atomic.Int32
	for range 2 {
		readers.Go(func() {
			for !done.Load() {
				out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: k})
				if err != nil {
					wantCode(t, err, 404, "NoSuchKey")
					continue
				}
				body, err := io.ReadAll(out.Body)
				if err != nil || string(body) != out.Metadata["body"] {
					t.Errorf("body %q with metadata %v (%v)", body, out.Metadata, err)
				}
				seen.Add(1)
			}
		})
	}
	wait(t, func() bool { return seen.Load() > 0 })
	for i := range 3 {
		writers.Go(func() {
			body := fmt.Sprintf("writer %d", i)
			for range 15 {
				var err error
				switch i {
				case 0:
					_, err = c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k})
				case 1:
					_, err = c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: b, Key: k, CopySource: copySource(hereBucket, "source", "")})
				default:
					_, err = c.PutObject(ctx, &sdk.PutObjectInput{
						Bucket: b, Key: k, Body: strings.NewReader(body), Metadata: map[string]string{"body": body},
					})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
}

// Every operation that the sandbox has takes what an SDK sends for it.
func TestEveryOperation(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.client(here)
	b, k := aws.String(hereBucket), aws.String("k")
	v := w.put(t, here, hereBucket, "k", "x").VersionId
	w.put(t, here, hereBucket, "other", "x")
	upload := startUpload(t, c, "up")
	steps := []struct {
		name string
		call func() error
	}{
		{"ListBuckets", func() error { _, err := c.ListBuckets(ctx, &sdk.ListBucketsInput{}); return err }},
		{"GetBucketLocation", func() error { _, err := c.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: b}); return err }},
		{"GetBucketVersioning", func() error {
			out, err := c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: b})
			if err == nil && out.Status != types.BucketVersioningStatusEnabled {
				err = fmt.Errorf("status %q", out.Status)
			}
			return err
		}},
		{"ListObjects", func() error {
			_, err := c.ListObjects(ctx, &sdk.ListObjectsInput{Bucket: b, Prefix: aws.String(""), EncodingType: "url"})
			return err
		}},
		{"ListObjectVersions", func() error {
			out, err := c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: b})
			if err == nil && len(out.Versions) != 2 {
				err = fmt.Errorf("%d versions", len(out.Versions))
			}
			return err
		}},
		{"GetObjectAttributes", func() error {
			out, err := c.GetObjectAttributes(ctx, &sdk.GetObjectAttributesInput{
				Bucket: b, Key: k, VersionId: v, ObjectAttributes: []types.ObjectAttributes{"Checksum", "ObjectSize", "ETag"},
			})
			if err == nil && aws.ToInt64(out.ObjectSize) != 1 {
				err = fmt.Errorf("size %v", out.ObjectSize)
			}
			return err
		}},
		{"PutObjectTagging", func() error {
			_, err := c.PutObjectTagging(ctx, &sdk.PutObjectTaggingInput{
				Bucket: b, Key: k, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}},
			})
			return err
		}},
		{"GetObjectTagging", func() error {
			out, err := c.GetObjectTagging(ctx, &sdk.GetObjectTaggingInput{Bucket: b, Key: k, VersionId: v})
			if err == nil && len(out.TagSet) != 1 {
				err = fmt.Errorf("%d tags", len(out.TagSet))
			}
			return err
		}},
		{"DeleteObjectTagging", func() error {
			_, err := c.DeleteObjectTagging(ctx, &sdk.DeleteObjectTaggingInput{Bucket: b, Key: k})
			return err
		}},
		{"ListMultipartUploads", func() error {
			out, err := c.ListMultipartUploads(ctx, &sdk.ListMultipartUploadsInput{Bucket: b})
			if err == nil && len(out.Uploads) != 1 {
				err = fmt.Errorf("%d uploads", len(out.Uploads))
			}
			return err
		}},
		{"UploadPart", func() error {
			_, err := c.UploadPart(ctx, &sdk.UploadPartInput{
				Bucket: b, Key: upload.Key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x"),
			})
			return err
		}},
		{"ListParts", func() error {
			out, err := c.ListParts(ctx, &sdk.ListPartsInput{Bucket: b, Key: upload.Key, UploadId: upload.UploadId})
			if err == nil && len(out.Parts) != 1 {
				err = fmt.Errorf("%d parts", len(out.Parts))
			}
			return err
		}},
		{"AbortMultipartUpload", func() error {
			_, err := c.AbortMultipartUpload(ctx, &sdk.AbortMultipartUploadInput{Bucket: b, Key: upload.Key, UploadId: upload.UploadId})
			return err
		}},
		{"DeleteObject", func() error {
			_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k, VersionId: v})
			return err
		}},
	}
	for _, s := range steps {
		if err := s.call(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}
