// Package listtest is a bucket in memory for tests: it lists as S3 does, in the
// order of the keys' bytes, encoded, in pages with opaque tokens, and tells
// about single objects.
//
// It is no server: what the SDK puts between a client and S3 is not tested by
// it.
package listtest

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Bucket is safe for concurrent use. The zero value is empty.
type Bucket struct {
	// Before, if set, is called before each request is answered: "ListObjectsV2"
	// or "HeadObject" with the key. Its error is the answer.
	Before func(ctx context.Context, operation, key string) error
	// MaxPage, if set, says how many keys the next page has at most.
	MaxPage func() int
	// Now is the Date of its answers; nil means time.Now. The zero time stands
	// for a server that sends none.
	Now func() time.Time

	mu      sync.Mutex
	keys    []string // sorted
	objects map[string]s3.HeadObjectOutput
	markers map[string]time.Time
	tags    map[string]map[string]string
	uploads map[string]Upload
	lists   int
	heads   int
	others  map[string]int
}

// Put writes an object: what a HEAD says of it, with the ETag in quotation
// marks.
func (b *Bucket) Put(key string, o s3.HeadObjectOutput) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.objects == nil {
		b.objects = map[string]s3.HeadObjectOutput{}
	}
	if i, found := slices.BinarySearch(b.keys, key); !found {
		b.keys = slices.Insert(b.keys, i, key)
	}
	b.objects[key] = o
	delete(b.markers, key)
}

// Delete removes an object.
func (b *Bucket) Delete(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i, found := slices.BinarySearch(b.keys, key); found {
		b.keys = slices.Delete(b.keys, i, i+1)
		delete(b.objects, key)
	}
}

// Requests says how many ListObjectsV2 and HeadObject there were.
func (b *Bucket) Requests() (lists, heads int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lists, b.heads
}

// ListObjectsV2 is S3's, without delimiters.
func (b *Bucket) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if err := b.begin(ctx, "ListObjectsV2", ""); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lists++
	after := aws.ToString(in.StartAfter)
	if in.ContinuationToken != nil {
		raw, err := base64.StdEncoding.DecodeString(*in.ContinuationToken)
		if err != nil {
			return nil, &smithy.GenericAPIError{Code: "InvalidArgument", Message: "The continuation token provided is incorrect"}
		}
		after = string(raw)
	}
	size := int(aws.ToInt32(in.MaxKeys))
	if in.MaxKeys == nil || size > 1000 {
		size = 1000
	}
	if b.MaxPage != nil {
		size = min(size, b.MaxPage())
	}
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(false), EncodingType: in.EncodingType, ResultMetadata: b.answered()}
	i, found := slices.BinarySearch(b.keys, max(after, aws.ToString(in.Prefix)))
	if found && b.keys[i] == after && after != "" {
		i++
	}
	for ; i < len(b.keys) && strings.HasPrefix(b.keys[i], aws.ToString(in.Prefix)); i++ {
		key := b.keys[i]
		if len(out.Contents) == size {
			out.IsTruncated = aws.Bool(true)
			out.NextContinuationToken = aws.String(base64.StdEncoding.EncodeToString([]byte(after)))
			break
		}
		after = key
		o := b.objects[key]
		key = encoded(key, in.EncodingType)
		out.Contents = append(out.Contents, types.Object{Key: &key, Size: o.ContentLength, ETag: o.ETag, LastModified: o.LastModified})
	}
	return out, nil
}

// HeadObject is S3's.
func (b *Bucket) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	if err := b.begin(ctx, "HeadObject", aws.ToString(in.Key)); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heads++
	o, ok := b.objects[aws.ToString(in.Key)]
	if !ok {
		var header []string
		if _, hasMarker := b.markers[aws.ToString(in.Key)]; hasMarker {
			header = append(header, "X-Amz-Delete-Marker", "true")
		}
		if at := b.now(); !at.IsZero() {
			header = append(header, "Date", at.UTC().Format(http.TimeFormat))
		}
		return nil, Refused(http.StatusNotFound, "NotFound", header...)
	}
	o.ResultMetadata = b.answered()
	return &o, nil
}

func (b *Bucket) begin(ctx context.Context, operation, key string) error {
	if b.Before != nil {
		if err := b.Before(ctx, operation, key); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Refused is the SDK's error of an answer with a status and S3's code, and
// headers as names and values in turn.
func Refused(status int, code string, header ...string) error {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &smithy.OperationError{ServiceID: "S3", OperationName: "HeadObject", Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: h}},
		Err:      &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf("status %d", status)},
	}}
}
