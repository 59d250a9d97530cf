package s3

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// uploadPath is where the server keeps an unfinished upload: a directory below
// the bucket's, with a file for each part and the metadata of the object.
func uploadPath(key, uploadID string) string {
	return path.Join(posix.MetaTmpMultipartDir, fmt.Sprintf("%x", sha256.Sum256([]byte(key))), uploadID)
}

// findUpload returns the checksum that an upload was created with, zero if
// none was named. An upload that is completed or aborted is NoSuchUpload.
func (s *store) findUpload(bucket, key, uploadID string) (s3response.Checksum, error) {
	var c s3response.Checksum
	dir := uploadPath(key, uploadID)
	if info, err := os.Stat(path.Join(bucket, dir)); uploadID == "" || strings.ContainsAny(uploadID, "/.") || err != nil || !info.IsDir() {
		return c, s3err.GetNoSuchUploadErr(uploadID)
	}
	raw, err := s.meta.RetrieveAttribute(nil, bucket, dir, "checksums")
	switch {
	case errors.Is(err, meta.ErrNoSuchKey):
		return c, nil
	case errors.Is(err, os.ErrNotExist): // gone meanwhile
		return c, s3err.GetNoSuchUploadErr(uploadID)
	case err != nil:
		return c, fmt.Errorf("read upload %s of s3://%s/%s: %w", uploadID, bucket, key, err)
	}
	return c, json.Unmarshal(raw, &c)
}

// initiatorAttribute is the item that holds who began an upload. It must not
// be one of the server's names.
const initiatorAttribute = "sandbox-initiator"

// setInitiator notes who began an upload, which the front knows.
func (s *store) setInitiator(ctx context.Context, bucket, upload string) error {
	track := requestHeader(ctx, trackHeader)
	if track == nil {
		return nil
	}
	caller, ok := s.callers.Load(*track)
	if !ok {
		return nil
	}
	if err := s.meta.StoreAttribute(nil, bucket, upload, initiatorAttribute, []byte(caller.(string))); err != nil {
		return fmt.Errorf("note who began upload %s of %s: %w", upload, bucket, err)
	}
	return nil
}

// initiator returns who began an upload: the ARN of a user or a role's session
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Initiator.html).
func (s *store) initiator(bucket, upload string) (s3response.Initiator, error) {
	arn, err := s.meta.RetrieveAttribute(nil, bucket, upload, initiatorAttribute)
	if err != nil && !errors.Is(err, meta.ErrNoSuchKey) && !errors.Is(err, os.ErrNotExist) {
		return s3response.Initiator{}, fmt.Errorf("read who began upload %s of %s: %w", upload, bucket, err)
	}
	return s3response.Initiator{ID: string(arn)}, nil
}

// CreateMultipartUpload begins an upload and notes who did it and its storage
// class.
func (s *store) CreateMultipartUpload(ctx context.Context, in s3response.CreateMultipartUploadInput) (s3response.InitiateMultipartUploadResult, error) {
	in.Metadata = decodeMetadata(in.Metadata)
	out, err := s.Posix.CreateMultipartUpload(ctx, in)
	if err != nil {
		return out, err
	}
	upload := uploadPath(*in.Key, out.UploadId)
	if err := s.setClass(nil, *in.Bucket, upload, requestedClass(ctx)); err != nil {
		return out, err
	}
	return out, s.setInitiator(ctx, *in.Bucket, upload) // last: see repairUpload
}

// ListParts lists an upload's parts with what the upload was created with.
func (s *store) ListParts(ctx context.Context, in *sdk.ListPartsInput) (s3response.ListPartsResult, error) {
	checksum, err := s.findUpload(*in.Bucket, *in.Key, value(in.UploadId))
	if err != nil {
		return s3response.ListPartsResult{}, err
	}
	out, err := s.Posix.ListParts(ctx, in)
	if err != nil {
		return out, err
	}
	out.ChecksumAlgorithm, out.ChecksumType = checksum.Algorithm, checksum.Type
	upload := uploadPath(*in.Key, *in.UploadId)
	out.Owner.ID = s.owner
	if out.Initiator, err = s.initiator(*in.Bucket, upload); err != nil {
		return out, err
	}
	out.StorageClass, err = s.class(*in.Bucket, upload, "")
	return out, err
}

// CompleteMultipartUpload puts an object together, atomically with its
// conditions. An upload that does not exist any more is NoSuchUpload, whatever
// there is under its key
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
func (s *store) CompleteMultipartUpload(ctx context.Context, in *sdk.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	var none s3response.CompleteMultipartUploadResult
	bucket, key := *in.Bucket, *in.Key
	defer s.locks.lock(bucket, key)()
	upload, err := s.findUpload(bucket, key, value(in.UploadId))
	if err != nil {
		return none, "", err
	}
	if err := s.decide(ctx, bucket, key, in.IfMatch, in.IfNoneMatch); err != nil {
		return none, "", err
	}
	if err := checkCompletion(in, upload); err != nil {
		return none, "", err
	}
	class, err := s.class(bucket, uploadPath(key, *in.UploadId), "")
	if err != nil {
		return none, "", err
	}
	set, err := s.attributesOfUpload(in)
	if err != nil {
		return none, "", fmt.Errorf("read upload of s3://%s/%s: %w", bucket, key, err)
	}
	unconditional := *in
	unconditional.IfMatch, unconditional.IfNoneMatch = nil, nil
	unconditional.MultipartUpload = s.withChecksums(in, upload)
	var classed error
	out, versionID, err := s.CompleteMultipartUploadWithCopy(ctx, &unconditional, func(part, object *os.File) (bool, error) {
		if class != types.StorageClassStandard { // before the object has its name
			classed = s.setClass(object, bucket, key, string(class))
		}
		return appendSparse(part, object)
	})
	if err == nil {
		err = classed
	}
	if err != nil {
		return out, versionID, err
	}
	s.forget(bucket, key, set, true)
	head, err := s.Posix.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: in.Bucket, Key: in.Key})
	if err != nil {
		return out, versionID, err
	}
	s.record(ctx, written{etag: *head.ETag, versionID: versionID, size: *head.ContentLength})
	return out, versionID, nil
}

// withChecksums returns the parts with their stored checksums where the
// request leaves them out, which it may if the upload's checksum is that of
// the full object. Only composite ones are made of what the request says.
func (s *store) withChecksums(in *sdk.CompleteMultipartUploadInput, upload s3response.Checksum) *types.CompletedMultipartUpload {
	if upload.Type != types.ChecksumTypeFullObject || in.MultipartUpload == nil {
		return in.MultipartUpload
	}
	parts := slices.Clone(in.MultipartUpload.Parts)
	for i, p := range parts {
		if p.PartNumber == nil || p.ChecksumCRC32 != nil || p.ChecksumCRC32C != nil || p.ChecksumCRC64NVME != nil {
			continue
		}
		var c s3response.Checksum
		raw, err := s.meta.RetrieveAttribute(nil, *in.Bucket, path.Join(uploadPath(*in.Key, *in.UploadId), strconv.Itoa(int(*p.PartNumber))), "checksums")
		if err != nil || json.Unmarshal(raw, &c) != nil {
			continue // a part that is not there: the server says so
		}
		parts[i].ChecksumCRC32, parts[i].ChecksumCRC32C, parts[i].ChecksumCRC64NVME = c.CRC32, c.CRC32C, c.CRC64NVME
	}
	return &types.CompletedMultipartUpload{Parts: parts}
}

// checkCompletion refuses what the server would let pass: a checksum that the
// upload does not have, and, in an upload with a checksum, parts that are not
// numbered from 1 without a gap
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompletedPart.html).
func checkCompletion(in *sdk.CompleteMultipartUploadInput, upload s3response.Checksum) error {
	for _, c := range []struct {
		algorithm types.ChecksumAlgorithm
		value     *string
	}{
		{types.ChecksumAlgorithmCrc32, in.ChecksumCRC32}, {types.ChecksumAlgorithmCrc32c, in.ChecksumCRC32C},
		{types.ChecksumAlgorithmCrc64nvme, in.ChecksumCRC64NVME}, {types.ChecksumAlgorithmSha1, in.ChecksumSHA1},
		{types.ChecksumAlgorithmSha256, in.ChecksumSHA256}, {types.ChecksumAlgorithmSha512, in.ChecksumSHA512},
		{types.ChecksumAlgorithmMd5, in.ChecksumMD5}, {types.ChecksumAlgorithmXxhash64, in.ChecksumXXHASH64},
		{types.ChecksumAlgorithmXxhash3, in.ChecksumXXHASH3}, {types.ChecksumAlgorithmXxhash128, in.ChecksumXXHASH128},
	} {
		if c.value != nil && c.algorithm != upload.Algorithm {
			return s3err.GetChecksumTypeMismatchErr(orNull(upload.Algorithm), c.algorithm)
		}
	}
	if upload.Algorithm == "" || in.MultipartUpload == nil {
		return nil
	}
	parts := in.MultipartUpload.Parts
	previous := int32(0)
	for _, part := range parts {
		if part.PartNumber == nil || *part.PartNumber <= previous {
			return nil // the server has a word for this
		}
		previous = *part.PartNumber
	}
	if int(previous) == len(parts) {
		return nil
	}
	return s3err.APIError{
		Code: "InternalError", HTTPStatusCode: http.StatusInternalServerError,
		Description: "We encountered an internal error. Please try again. (The parts of an upload with a checksum have to be numbered from 1, without a gap.)",
	}
}

func orNull(a types.ChecksumAlgorithm) types.ChecksumAlgorithm {
	if a == "" {
		return "null"
	}
	return a
}
