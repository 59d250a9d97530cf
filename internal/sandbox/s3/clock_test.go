package s3

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"s3fanout/internal/sandbox/fault"
)

// TestClockOfARegionIsApart: what S3 dates in one Region is dated by that
// Region's clock, everywhere that it tells a time.
func TestClockOfARegionIsApart(t *testing.T) {
	w := newWorld(t)
	w.messages(t) // the test event
	const off = 10 * time.Minute
	if err := w.faults.Set(fault.Fault{Region: here, Kind: fault.S3Clock, Rate: 1, ClockMillis: off.Milliseconds()}); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	// near wants a time to be now by a clock that is off by so much.
	near := func(what string, got time.Time, off time.Duration) {
		t.Helper()
		if early, late := begun.Add(off-time.Second), time.Now().Add(off+time.Second); got.Before(early) || got.After(late) {
			t.Errorf("%s: got %v, want %v to %v", what, got, early, late)
		}
	}
	for region, bucket := range map[string]string{here: hereBucket, there: farBucket} {
		expected := map[string]time.Duration{here: off, there: 0}[region]
		c := w.client(region)
		w.put(t, region, bucket, "put", "x")
		head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: &bucket, Key: aws.String("put")})
		if err != nil {
			t.Fatal(err)
		}
		near(region+" HEAD's LastModified", *head.LastModified, expected)
		response, _ := awsmiddleware.GetRawResponse(head.ResultMetadata).(*smithyhttp.Response)
		if date, err := http.ParseTime(response.Header.Get("Date")); err != nil {
			t.Error(err)
		} else {
			near(region+" HEAD's Date", date, expected)
		}

		copied, err := c.CopyObject(t.Context(), &sdk.CopyObjectInput{
			Bucket: &bucket, Key: aws.String("copied"), CopySource: copySource(bucket, "put", ""),
		})
		if err != nil {
			t.Fatal(err)
		}
		near(region+" copy's LastModified", *copied.CopyObjectResult.LastModified, expected)

		upload, err := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: aws.String("parts")})
		if err != nil {
			t.Fatal(err)
		}
		uploads, err := c.ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{Bucket: &bucket})
		if err != nil {
			t.Fatal(err)
		}
		near(region+" upload's Initiated", *uploads.Uploads[0].Initiated, expected)
		if _, err := c.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadInput{
			Bucket: &bucket, Key: upload.Key, UploadId: upload.UploadId,
		}); err != nil {
			t.Fatal(err)
		}

		if _, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: &bucket, Key: aws.String("put")}); err != nil {
			t.Fatal(err)
		}
		versions, err := c.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: &bucket, Prefix: aws.String("put")})
		if err != nil {
			t.Fatal(err)
		}
		near(region+" marker's LastModified", *versions.DeleteMarkers[0].LastModified, expected)
		near(region+" listed LastModified", *versions.Versions[0].LastModified, expected)
	}
	events := w.messages(t)
	if len(events) != 2 {
		t.Errorf("%d events, want those of the object and its copy", len(events))
	}
	for _, n := range events {
		at, err := time.Parse(eventTime, recordOf(t, n).EventTime)
		if err != nil {
			t.Fatal(err)
		}
		near("event's time", at, off)
	}
}

// TestConflictsOnDemand: S3 answers 409 where a rival is about, which nothing here
// can be made to meet by chance.
func TestConflictsOnDemand(t *testing.T) {
	w := newWorld(t)
	c := w.client(here)
	etag := w.put(t, here, hereBucket, "k", "one").ETag
	if err := w.faults.Set(fault.Fault{Region: here, Kind: fault.S3Conflict, Rate: 1, Count: 3}); err != nil {
		t.Fatal(err)
	}
	w.put(t, here, hereBucket, "other", "unconditional")
	deletion := &sdk.DeleteObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k"), IfMatch: etag}
	_, err := c.DeleteObject(t.Context(), deletion)
	wantCode(t, err, 409, "ConditionalRequestConflict")
	_, err = w.client(here).CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), CopySource: copySource(hereBucket, "other", ""), IfMatch: etag,
	})
	wantCode(t, err, 409, "ConditionalRequestConflict")
	_, err = c.PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("new"), IfNoneMatch: aws.String("*"),
	})
	wantCode(t, err, 409, "ConditionalRequestConflict")
	if got := w.get(t, here, hereBucket, "k"); got != "one" {
		t.Errorf("refused writes left %q", got)
	}
	if _, err := c.DeleteObject(t.Context(), deletion); err != nil {
		t.Errorf("the fault has struck three times: %v", err)
	}
}
