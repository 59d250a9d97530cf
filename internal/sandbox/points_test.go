package sandbox

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/accesspoint"
	"s3fanout/internal/sandbox/iam"
)

// overAll is the committed assembly with an access point over the three buckets.
func overAll(t *testing.T, s *Sandbox) fstest.MapFS {
	t.Helper()
	return changed(t, func(_, mesh map[string]any) {
		var regions []any
		for _, region := range s.regions {
			regions = append(regions, map[string]any{"Bucket": s.state.Regions[region].Bucket})
		}
		mesh["Point"] = map[string]any{"Type": "AWS::S3::MultiRegionAccessPoint", "Properties": map[string]any{"Regions": regions}}
	})
}

// startPoint runs the committed templates with an access point over all buckets.
func startPoint(t *testing.T) (*Sandbox, accesspoint.Point) {
	t.Helper()
	s := start(t)
	if s.State().AccessPoints != nil {
		t.Error("access points are served, and there are none")
	}
	if _, err := s.Update(t.Context(), overAll(t, s)); err != nil {
		t.Fatal(err)
	}
	return s, s.points.Points()[0]
}

// from has an SDK's client reach access points from a Region, as HTTPS_PROXY and
// AWS_CA_BUNDLE would.
func (s *Sandbox) from(t *testing.T, region string, c aws.Config) *s3.Client {
	t.Helper()
	state := s.State().AccessPoints
	bundle, err := os.ReadFile(state.CABundle)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	proxy, err := url.Parse(state.Proxies[region])
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	c.HTTPClient = &http.Client{Transport: transport}
	return s3.NewFromConfig(c)
}

// where are the Regions whose buckets have the key.
func (s *Sandbox) where(t *testing.T, key string) (list []string) {
	t.Helper()
	for _, region := range s.regions {
		out, err := s3.NewFromConfig(s.config(region)).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{
			Bucket: aws.String(s.state.Regions[region].Bucket), Prefix: &key})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Contents) > 0 {
			list = append(list, region)
		}
	}
	return list
}

// A request goes to the nearest active bucket, whatever the client's own Region
// says, and reads what is there.
func TestRequestsGoToTheNearestBucket(t *testing.T) {
	s, point := startPoint(t)
	ctx := t.Context()
	for _, region := range s.regions {
		client, key := s.from(t, region, s.config("us-east-1")), "from "+region+"/ü+a&b=c"
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &point.ARN, Key: &key, Body: strings.NewReader(region), Tagging: aws.String("a=b"),
		}); err != nil {
			t.Fatal(err)
		}
		if got := s.where(t, key); len(got) != 1 || got[0] != region {
			t.Errorf("written from %s: in %v", region, got)
		}
		out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &point.ARN, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		_, err = text.ReadFrom(out.Body)
		_ = out.Body.Close()
		if err != nil || text.String() != region {
			t.Errorf("read from %s: %q, %v", region, text.String(), err)
		}
		if list, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &point.ARN}); err != nil || len(list.Contents) != 1 {
			t.Errorf("list from %s: %v", region, err)
		}
		if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &point.ARN, Key: &key}); err != nil {
			t.Error(err)
		}
	}
	// Europe away: its clients go to what is nearest then.
	if err := s.points.SetRoutes(point.ARN, []accesspoint.Route{{Region: "eu-west-1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.from(t, "eu-west-1", s.config("eu-west-1")).PutObject(ctx, &s3.PutObjectInput{
		Bucket: &point.ARN, Key: aws.String("b"), Body: strings.NewReader("1"),
	}); err != nil {
		t.Fatal(err)
	}
	if got := s.where(t, "b"); len(got) != 1 || got[0] != "us-east-1" {
		t.Errorf("written from eu-west-1, which is passive: in %v, want us-east-1", got)
	}
}

// An upload in parts goes on in the bucket where it began, also when the route has
// changed or a part comes from another Region.
func TestUploadGoesOnWhereItBegan(t *testing.T) {
	s, point := startPoint(t)
	ctx, key := t.Context(), aws.String("large")
	client := s.from(t, "eu-west-1", s.config("eu-west-1"))
	upload, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &point.ARN, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.points.SetRoutes(point.ARN, []accesspoint.Route{{Region: "eu-west-1"}}); err != nil {
		t.Fatal(err)
	}
	other := s.from(t, "us-east-1", s.config("us-east-1"))
	part, err := other.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &point.ARN, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &point.ARN, Key: key,
		UploadId: upload.UploadId,
		MultipartUpload: &s3types.CompletedMultipartUpload{
			Parts: []s3types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1), ChecksumCRC32: part.ChecksumCRC32}},
		}}); err != nil {
		t.Fatal(err)
	}
	if got := s.where(t, *key); len(got) != 1 || got[0] != "eu-west-1" {
		t.Errorf("the upload ended in %v, want eu-west-1", got)
	}
}

// What AWS does not take by an access point is refused, by its name.
func TestNotByAnAccessPoint(t *testing.T) {
	s, point := startPoint(t)
	ctx, bucket := t.Context(), s.state.Regions["us-east-1"].Bucket
	client := s.from(t, "us-east-1", s.config("us-east-1"))
	direct := s3.NewFromConfig(s.config("us-east-1"))
	if _, err := direct.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String("a"), Body: strings.NewReader("1"),
	}); err != nil {
		t.Fatal(err)
	}
	upload, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &point.ARN, Key: aws.String("b")})
	if err != nil {
		t.Fatal(err)
	}
	a := &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: aws.String("a")}}}
	for name, call := range map[string]func() error{
		"DeleteObjects": func() error {
			_, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &point.ARN, Delete: a})
			return err
		},
		"ListObjectVersions": func() error {
			_, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &point.ARN})
			return err
		},
		"ListObjects": func() error { _, err := client.ListObjects(ctx, &s3.ListObjectsInput{Bucket: &point.ARN}); return err },
		"UploadPartCopy": func() error {
			_, err := client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: &point.ARN, Key: aws.String("b"), UploadId: upload.UploadId, PartNumber: aws.Int32(1),
				CopySource: aws.String(bucket + "/a"),
			})
			return err
		},
		"GetBucketPolicy": func() error {
			_, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &point.ARN})
			return err
		},
		"GetBucketVersioning": func() error {
			_, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &point.ARN})
			return err
		},
	} {
		err := call()
		if code(err) != "MethodNotAllowed" || !strings.Contains(err.Error(), name+" does not go by a Multi-Region Access Point") {
			t.Errorf("%s: %v, want MethodNotAllowed", name, err)
		}
	}
	if _, err := direct.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &bucket, Key: aws.String("c"), CopySource: aws.String(point.ARN + "/object/a"),
	}); code(err) != "NotImplemented" {
		t.Errorf("CopyObject out of an access point: %v, want NotImplemented", err)
	}
	if _, err := client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &point.ARN, Key: aws.String("c"), CopySource: aws.String(bucket + "/a"),
	}); err != nil {
		t.Errorf("CopyObject into an access point: %v", err)
	}
}

// Both the access point and the bucket have to let the caller, and the bucket's
// policy can tell by which access point a request came.
func TestPermissionsOfAccessPoints(t *testing.T) {
	s, point := startPoint(t)
	ctx, bucket := t.Context(), s.state.Regions["us-east-1"].Bucket
	write := func(resources ...string) string {
		return `{"Effect":"Allow","Action":"s3:PutObject","Resource":["` + strings.Join(resources, `","`) + `"]}`
	}
	onPoint, onBucket := point.ARN+"/object/*", "arn:aws:s3:::"+bucket+"/*"
	both := s.trusting(t, "both", write(onPoint, onBucket))
	bucketOnly := s.trusting(t, "bucket-only", write(onBucket))
	pointOnly := s.trusting(t, "point-only", write(onPoint))
	put := func(role *iam.Role) error {
		_, err := s.from(t, "us-east-1", s.as(role, "us-east-1")).PutObject(ctx, &s3.PutObjectInput{
			Bucket: &point.ARN, Key: aws.String("a"), Body: strings.NewReader("1"),
		})
		return err
	}
	direct := func(role *iam.Role) error {
		_, err := s3.NewFromConfig(s.as(role, "us-east-1")).PutObject(ctx, &s3.PutObjectInput{
			Bucket: &bucket, Key: aws.String("a"), Body: strings.NewReader("1"),
		})
		return err
	}
	for _, tt := range []struct {
		what string
		err  error
		want string
	}{
		{"both, by the access point", put(both), ""},
		{"the bucket alone, by the access point", put(bucketOnly), "AccessDenied"},
		{"the access point alone, by it", put(pointOnly), "AccessDenied"},
		{"both, by the bucket's name", direct(both), ""},
		{"the access point alone, by the bucket's name", direct(pointOnly), "AccessDenied"},
	} {
		if code(tt.err) != tt.want || tt.want == "" && tt.err != nil {
			t.Errorf("%s: %v, want %q", tt.what, tt.err, tt.want)
		}
	}

	policy := func(text string) *iam.Document {
		d, err := iam.ParseAs(iam.ResourcePolicy, []byte(`{"Version":"2012-10-17","Statement":[`+text+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	only := `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"` + onBucket +
		`","Condition":{"ArnNotLike":{"s3:DataAccessPointArn":"arn:aws:s3::` + AccountID + `:accesspoint/*"}}}`
	if err := s.s3.SetBucketPolicy(bucket, policy(only), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if err := put(both); err != nil {
		t.Errorf("only by an access point, and by it: %v", err)
	}
	if err := direct(both); code(err) != "AccessDenied" {
		t.Errorf("only by an access point, and by the bucket's name: %v", err)
	}
	if err := s.points.SetPolicy(
		point.Name, policy(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"`+onPoint+`"}`),
	); err != nil {
		t.Fatal(err)
	}
	if err := put(both); code(err) != "AccessDenied" {
		t.Errorf("denied by the access point's policy: %v", err)
	}
}
