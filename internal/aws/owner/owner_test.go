package owner

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const account = "111122223333"

// client sends every request to a server that keeps its headers.
func client(t *testing.T, expected string) (*s3.Client, *[]http.Header) {
	t.Helper()
	var seen []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		_, _ = io.WriteString(w, `<Answer><ETag>"e"</ETag></Answer>`)
	}))
	t.Cleanup(server.Close)
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	}, Expect(expected)), &seen
}

// An operation that has the field is one that S3 takes the header of. The SDK's
// own inputs say so of every operation that there is.
func TestEveryOperationExpectsTheOwnerWhereS3TakesIt(t *testing.T) {
	kind := reflect.TypeFor[*s3.Client]()
	operations := 0
	for i := range kind.NumMethod() {
		method := kind.Method(i)
		if method.Type.NumIn() < 3 || !strings.HasSuffix(method.Type.In(2).String(), "Input") {
			continue
		}
		operations++
		var want []string
		input := method.Type.In(2).Elem()
		if _, ok := input.FieldByName("ExpectedBucketOwner"); ok {
			want = append(want, bucketHeader)
		}
		if _, ok := input.FieldByName("ExpectedSourceBucketOwner"); ok {
			want = append(want, sourceHeader)
		}
		if got := headersOf(method.Name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: headers %v, want %v", method.Name, got, want)
		}
	}
	if operations < 90 {
		t.Errorf("%d operations: the test looks in the wrong place", operations)
	}
}

func TestRequestsSayWhoseBucketTheyMean(t *testing.T) {
	c, seen := client(t, account)
	ctx, bucket, key := t.Context(), aws.String("b"), aws.String("k")
	for _, request := range []struct {
		name         string
		send         func() error
		bucket, from string
	}{
		{"HeadObject", func() error {
			_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key})
			return err
		}, account, ""},
		{"CopyObject", func() error {
			_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: key, CopySource: aws.String("a/k")})
			return err
		}, account, account},
		{"UploadPartCopy", func() error {
			_, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: bucket, Key: key, UploadId: key, PartNumber: aws.Int32(1), CopySource: aws.String("a/k"),
			})
			return err
		}, account, account},
		{"CopyObject from another account", func() error {
			_, err := c.CopyObject(ctx, &s3.CopyObjectInput{
				Bucket: bucket, Key: key, CopySource: aws.String("a/k"), ExpectedSourceBucketOwner: aws.String("999999999999"),
			})
			return err
		}, account, "999999999999"},
		{"ListBuckets", func() error {
			_, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		}, "", ""},
	} {
		*seen = nil
		if err := request.send(); err != nil || len(*seen) != 1 {
			t.Fatalf("%s: %v, %d requests", request.name, err, len(*seen))
		}
		header := (*seen)[0]
		if got, from := header.Get(bucketHeader), header.Get(sourceHeader); got != request.bucket || from != request.from {
			t.Errorf("%s: expects %q and of the source %q, want %q and %q", request.name, got, from, request.bucket, request.from)
		}
		signed := header.Get("Authorization")
		if request.bucket != "" && !strings.Contains(signed, strings.ToLower(bucketHeader)) {
			t.Errorf("%s: the header is not signed: %s", request.name, signed)
		}
	}
}

// A client without an account sends nothing that does not name it.
func TestARequestWithoutAnOwnerIsNotSent(t *testing.T) {
	c, seen := client(t, "")
	_, err := c.HeadBucket(context.Background(), &s3.HeadBucketInput{Bucket: aws.String("b")})
	if err == nil || !strings.Contains(err.Error(), "does not say whose bucket it means") || len(*seen) != 0 {
		t.Errorf("got %v and %d requests, want an error and none", err, len(*seen))
	}
	if _, err := c.HeadBucket(context.Background(), &s3.HeadBucketInput{
		Bucket: aws.String("b"), ExpectedBucketOwner: aws.String(account),
	}); err != nil || len(*seen) != 1 {
		t.Errorf("with an owner: %v and %d requests, want one", err, len(*seen))
	}
}
