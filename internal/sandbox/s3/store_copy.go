package s3

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// CopyObject copies an object or a version of it as a read and a write, so
// that the write's conditions hold, a copy onto itself makes a new version,
// and tags arrive with the object. What is carried is what
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html says.
func (s *store) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	var none s3response.CopyObjectOutput
	from, err := parseCopySource(*in.CopySource)
	if err != nil {
		return none, err
	}
	bucket, key, versionID := from.bucket, from.key, from.versionID
	wholeObject := ""
	source, err := s.GetObject(ctx, &sdk.GetObjectInput{
		Bucket: &bucket, Key: &key, VersionId: &versionID, Range: &wholeObject,
		IfMatch: in.CopySourceIfMatch, IfNoneMatch: in.CopySourceIfNoneMatch,
		IfModifiedSince: in.CopySourceIfModifiedSince, IfUnmodifiedSince: in.CopySourceIfUnmodifiedSince,
		ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return none, sourceError(err)
	}
	if source.Body != nil {
		defer func() { _ = source.Body.Close() }() // only read
	}
	if *source.ContentLength > maxCopySize {
		return none, s3err.GetCopySourceObjectTooLargeErr(maxCopySize)
	}
	if versionID == "" && bucket == *in.Bucket && key == *in.Key &&
		in.MetadataDirective != types.MetadataDirectiveReplace && *in.WebsiteRedirectLocation == "" {
		return none, s3err.GetAPIError(s3err.ErrInvalidCopyDest)
	}
	put, err := s.copied(ctx, in, source, bucket, key, versionID)
	if err != nil {
		return none, err
	}
	out, err := s.PutObject(ctx, put)
	if err != nil {
		return none, err
	}
	head, err := s.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: in.Bucket, Key: in.Key, VersionId: optional(out.VersionID)})
	if err != nil {
		return none, err
	}
	return s3response.CopyObjectOutput{
		CopyObjectResult: &s3response.CopyObjectResult{
			ETag: &out.ETag, LastModified: head.LastModified, ChecksumType: out.ChecksumType,
			ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C, ChecksumCRC64NVME: out.ChecksumCRC64NVME,
			ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256, ChecksumSHA512: out.ChecksumSHA512,
			ChecksumMD5: out.ChecksumMD5, ChecksumXXHASH64: out.ChecksumXXHASH64,
			ChecksumXXHASH3: out.ChecksumXXHASH3, ChecksumXXHASH128: out.ChecksumXXHASH128,
		},
		VersionId:           optional(out.VersionID),
		CopySourceVersionId: source.VersionId,
	}, nil
}

// sourceError words a failed condition on the source as one of the copy.
func sourceError(err error) error {
	const prefix = "x-amz-copy-source-"
	var failed s3err.PreconditionFailedError
	if errors.As(err, &failed) {
		return s3err.GetPreconditionFailedErr(prefix + failed.Condition)
	}
	var e s3err.S3Error
	if errors.As(err, &e) && e.StatusCode() == http.StatusNotModified {
		return s3err.GetPreconditionFailedErr(prefix + s3err.ConditionIfNoneMatch)
	}
	return err
}

// copied returns the write that makes a copy of the source.
func (s *store) copied(ctx context.Context, in s3response.CopyObjectInput, source *sdk.GetObjectOutput, bucket, key, versionID string) (s3response.PutObjectInput, error) {
	put := s3response.PutObjectInput{
		Bucket: in.Bucket, Key: in.Key,
		IfMatch: requestHeader(ctx, "If-Match"), IfNoneMatch: requestHeader(ctx, "If-None-Match"),
		Body: source.Body, ContentLength: source.ContentLength,
		ChecksumAlgorithm: in.ChecksumAlgorithm,
		// Never taken from the source.
		WebsiteRedirectLocation: in.WebsiteRedirectLocation,
		Tagging:                 in.Tagging,
	}
	if put.ChecksumAlgorithm == "" {
		put.ChecksumAlgorithm = checksumAlgorithm(source)
	}
	if in.MetadataDirective == types.MetadataDirectiveReplace {
		put.ContentType, put.ContentEncoding, put.ContentLanguage = in.ContentType, in.ContentEncoding, in.ContentLanguage
		put.ContentDisposition, put.CacheControl, put.Expires = in.ContentDisposition, in.CacheControl, in.Expires
		put.Metadata = in.Metadata
	} else {
		put.ContentType, put.ContentEncoding, put.ContentLanguage = source.ContentType, source.ContentEncoding, source.ContentLanguage
		put.ContentDisposition, put.CacheControl, put.Expires = source.ContentDisposition, source.CacheControl, source.ExpiresString
		put.Metadata = source.Metadata
	}
	if in.TaggingDirective == types.TaggingDirectiveReplace {
		return put, nil
	}
	put.Tagging = nil
	if source.TagCount == nil || *source.TagCount == 0 {
		return put, nil
	}
	if versionID == "" && source.VersionId != nil {
		versionID = *source.VersionId // the tags of what has been opened, whatever is current by now
	}
	tags, err := s.GetObjectTagging(ctx, bucket, key, versionID)
	if err != nil {
		return put, err
	}
	encoded := url.Values{}
	for k, v := range tags {
		encoded.Set(k, v)
	}
	put.Tagging = optional(encoded.Encode())
	return put, nil
}

// checksumAlgorithm tells which checksum an object was stored with.
func checksumAlgorithm(o *sdk.GetObjectOutput) types.ChecksumAlgorithm {
	for _, c := range []struct {
		value     *string
		algorithm types.ChecksumAlgorithm
	}{
		{o.ChecksumCRC64NVME, types.ChecksumAlgorithmCrc64nvme}, {o.ChecksumCRC32, types.ChecksumAlgorithmCrc32},
		{o.ChecksumCRC32C, types.ChecksumAlgorithmCrc32c}, {o.ChecksumSHA1, types.ChecksumAlgorithmSha1},
		{o.ChecksumSHA256, types.ChecksumAlgorithmSha256}, {o.ChecksumSHA512, types.ChecksumAlgorithmSha512},
		{o.ChecksumMD5, types.ChecksumAlgorithmMd5}, {o.ChecksumXXHASH64, types.ChecksumAlgorithmXxhash64},
		{o.ChecksumXXHASH3, types.ChecksumAlgorithmXxhash3}, {o.ChecksumXXHASH128, types.ChecksumAlgorithmXxhash128},
	} {
		if c.value != nil {
			return c.algorithm
		}
	}
	return ""
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
