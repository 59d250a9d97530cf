package s3

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/oklog/ulid/v2"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/s3response"
)

// modified tells when a version was made, which its id says: a version keeps
// that time, while its file is written anew when it stops being current, and
// when it becomes so again. It returns the file's time where there is no id.
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html)
func modified(versionID string, file *time.Time) *time.Time {
	id, err := ulid.Parse(versionID)
	if err != nil {
		return file
	}
	t := ulid.Time(id.Time()).Truncate(time.Second) // as S3 tells times
	return &t
}

// ListObjects lists objects with their storage classes.
func (s *store) ListObjects(ctx context.Context, in *sdk.ListObjectsInput) (s3response.ListObjectsResult, error) {
	out, err := s.Posix.ListObjects(ctx, in)
	if err != nil {
		return out, err
	}
	if err := s.describe(*in.Bucket, out.Contents); err != nil {
		return out, err
	}
	if encodes(ctx) {
		out.EncodingType = types.EncodingTypeUrl
		encodeTexts(out.Prefix, out.Delimiter, out.Marker, out.NextMarker)
		encodeObjects(out.Contents, out.CommonPrefixes)
	}
	return out, nil
}

// ListObjectsV2 lists objects with their storage classes.
func (s *store) ListObjectsV2(ctx context.Context, in *sdk.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	out, err := s.Posix.ListObjectsV2(ctx, in)
	if err != nil {
		return out, err
	}
	if err := s.describe(*in.Bucket, out.Contents); err != nil {
		return out, err
	}
	if encodes(ctx) {
		out.EncodingType = types.EncodingTypeUrl
		encodeTexts(out.Prefix, out.Delimiter, out.StartAfter)
		encodeObjects(out.Contents, out.CommonPrefixes)
	}
	return out, nil
}

// describe corrects what the server says about current objects.
func (s *store) describe(bucket string, objects []s3response.Object) error {
	for i := range objects {
		o := &objects[i]
		class, err := s.class(bucket, *o.Key, "")
		if err != nil {
			return err
		}
		o.StorageClass = types.ObjectStorageClass(class)
		version, err := s.meta.RetrieveAttribute(nil, bucket, *o.Key, "version-id")
		if err != nil && !errors.Is(err, meta.ErrNoSuchKey) && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("read the version of %s/%s: %w", bucket, *o.Key, err)
		}
		o.LastModified = modified(string(version), o.LastModified)
	}
	return nil
}

// ListObjectVersions lists versions with their storage classes and the times
// when they were made.
func (s *store) ListObjectVersions(ctx context.Context, in *sdk.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	out, err := s.listVersions(ctx, in)
	if err != nil {
		return out, err
	}
	for i := range out.Versions {
		v := &out.Versions[i]
		class, err := s.class(*in.Bucket, *v.Key, value(v.VersionId))
		if err != nil {
			return out, err
		}
		v.StorageClass = types.ObjectVersionStorageClass(class)
		v.LastModified = modified(value(v.VersionId), v.LastModified)
	}
	for i := range out.DeleteMarkers {
		m := &out.DeleteMarkers[i]
		m.LastModified = modified(value(m.VersionId), m.LastModified)
	}
	if encodes(ctx) {
		out.EncodingType = types.EncodingTypeUrl
		encodeTexts(out.Prefix, out.Delimiter, out.KeyMarker, out.NextKeyMarker)
		encodeObjects(nil, out.CommonPrefixes)
		for i := range out.Versions {
			out.Versions[i].Key = encodedText(out.Versions[i].Key)
		}
		for i := range out.DeleteMarkers {
			out.DeleteMarkers[i].Key = encodedText(out.DeleteMarkers[i].Key)
		}
	}
	return out, nil
}

// listVersions lists a page of versions without the one that the page before
// ended with, which the server lists again if it is a current one. S3 goes on
// after it
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html, NextVersionIdMarker).
func (s *store) listVersions(ctx context.Context, in *sdk.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	if value(in.VersionIdMarker) == "" || in.MaxKeys == nil || *in.MaxKeys == 0 {
		return s.Posix.ListObjectVersions(ctx, in)
	}
	again := func(key, versionID *string) bool {
		return value(key) == value(in.KeyMarker) && value(versionID) == value(in.VersionIdMarker)
	}
	more := *in
	most := *in.MaxKeys + 1
	more.MaxKeys = &most
	out, err := s.Posix.ListObjectVersions(ctx, &more)
	if err != nil {
		return out, err
	}
	n := len(out.Versions) + len(out.DeleteMarkers)
	out.Versions = slices.DeleteFunc(out.Versions, func(v s3response.ObjectVersion) bool { return again(v.Key, v.VersionId) })
	out.DeleteMarkers = slices.DeleteFunc(out.DeleteMarkers, func(m types.DeleteMarkerEntry) bool { return again(m.Key, m.VersionId) })
	if len(out.Versions)+len(out.DeleteMarkers) == n { // one too many
		return s.Posix.ListObjectVersions(ctx, in)
	}
	out.MaxKeys = in.MaxKeys
	return out, nil
}

// encodes says whether a request for a list wants what is made of keys encoded,
// since XML cannot hold every character of a key
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, EncodingType).
func encodes(ctx context.Context) bool {
	rc, ok := ctx.(*fasthttp.RequestCtx)
	return ok && string(rc.QueryArgs().Peek("encoding-type")) == string(types.EncodingTypeUrl)
}

// encodedText returns a new text, because lists share some of theirs.
func encodedText(text *string) *string {
	if text == nil {
		return nil
	}
	e := encodeKey(*text)
	return &e
}

// encodeTexts encodes a list's own parameters.
func encodeTexts(texts ...*string) {
	for _, t := range texts {
		if t != nil {
			*t = encodeKey(*t)
		}
	}
}

func encodeObjects(objects []s3response.Object, prefixes []types.CommonPrefix) {
	for i := range objects {
		objects[i].Key = encodedText(objects[i].Key)
	}
	for i := range prefixes {
		prefixes[i].Prefix = encodedText(prefixes[i].Prefix)
	}
}

// GetObjectAttributes describes an object with its storage class.
func (s *store) GetObjectAttributes(ctx context.Context, in *sdk.GetObjectAttributesInput) (s3response.GetObjectAttributesResponse, error) {
	defer s.locks.rlock(*in.Bucket, *in.Key)()
	out, err := s.Posix.GetObjectAttributes(ctx, in)
	if err != nil {
		return out, err
	}
	out.LastModified = modified(value(out.VersionId), out.LastModified)
	if out.StorageClass == "" { // not asked for
		return out, nil
	}
	out.StorageClass, err = s.class(*in.Bucket, *in.Key, value(in.VersionId))
	return out, err
}
