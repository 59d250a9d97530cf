package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// upload puts an object into the bucket.
func upload(ctx context.Context, client *s3.Client, bucket string, o object) error {
	body, err := o.seekable()
	if err != nil {
		return err
	}
	tags := url.Values{}
	for k, v := range o.tags {
		tags.Set(k, v)
	}
	in := &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(o.key), Body: body,
		ContentType: aws.String("application/octet-stream"), Metadata: o.metadata,
	}
	if len(tags) > 0 {
		in.Tagging = aws.String(tags.Encode())
	}
	if _, err := client.PutObject(ctx, in); err != nil {
		return fmt.Errorf("upload s3://%s/%s: %w", bucket, o.key, err)
	}
	return nil
}

// present tells whether the bucket has the key.
func present(ctx context.Context, client *s3.Client, bucket, key string) (bool, error) {
	_, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if missing := (*types.NotFound)(nil); errors.As(err, &missing) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for s3://%s/%s: %w", bucket, key, err)
	}
	return true, nil
}

// compare reads a replica and says how it differs from what was uploaded;
// nil if it does not.
func compare(ctx context.Context, client *s3.Client, bucket string, o object) error {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(o.key)})
	if err != nil {
		return fmt.Errorf("read s3://%s/%s: %w", bucket, o.key, err)
	}
	defer func() { _ = out.Body.Close() }()
	same, err := sameBytes(out.Body, o.body())
	switch {
	case err != nil:
		return fmt.Errorf("read s3://%s/%s: %w", bucket, o.key, err)
	case !same:
		return fmt.Errorf("s3://%s/%s: the bytes differ from the upload", bucket, o.key)
	case !maps.Equal(out.Metadata, o.metadata):
		return fmt.Errorf("s3://%s/%s: metadata is %v, uploaded was %v", bucket, o.key, out.Metadata, o.metadata)
	case aws.ToString(out.ContentType) != "application/octet-stream":
		return fmt.Errorf("s3://%s/%s: content type is %q", bucket, o.key, aws.ToString(out.ContentType))
	}
	tagging, err := client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: aws.String(bucket), Key: aws.String(o.key)})
	if err != nil {
		return fmt.Errorf("read the tags of s3://%s/%s: %w", bucket, o.key, err)
	}
	tags := map[string]string{}
	for _, t := range tagging.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	if !maps.Equal(tags, o.tags) {
		return fmt.Errorf("s3://%s/%s: tags are %v, uploaded were %v", bucket, o.key, tags, o.tags)
	}
	return nil
}

// sameBytes compares two streams to their ends. A stream that breaks off is an
// error, and no difference.
func sameBytes(a, b io.Reader) (bool, error) {
	bufA, bufB := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		nA, endA, err := fill(a, bufA)
		if err != nil {
			return false, err
		}
		nB, endB, err := fill(b, bufB)
		if err != nil {
			return false, err
		}
		if !bytes.Equal(bufA[:nA], bufB[:nB]) {
			return false, nil
		}
		if endA || endB {
			return endA && endB, nil
		}
	}
}

// fill reads until buf is full or the stream has ended. io.ReadFull makes
// io.ErrUnexpectedEOF of an end, which is also what a broken connection gives.
func fill(r io.Reader, buf []byte) (n int, end bool, err error) {
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if errors.Is(err, io.EOF) {
			// With a full buffer the end is left to the next call, as some
			// streams tell of it with the last bytes and others after them.
			return n, n < len(buf), nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}
