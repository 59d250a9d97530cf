package s3

import (
	"context"
	"crypto/md5" //nolint:gosec // what S3 makes ETags of
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3response"
)

// partCopy is an UploadPartCopy.
type partCopy struct {
	bucket, key, uploadID string
	number                int
	source                object
	conditions            sourceConditions
	rangeHeader           string
	pace                  func(size int64) // waits until so many bytes may have arrived
}

// copyPart copies a range of an object or of a version of it into an upload.
// The server's own takes a source's checksum for that of each of its ranges,
// and a key that contains "?versionId=" for a version; this one does not.
func (s *store) copyPart(ctx context.Context, c partCopy) (s3response.CopyPartResult, error) {
	var none s3response.CopyPartResult
	upload, err := s.findUpload(c.bucket, c.key, c.uploadID)
	if err != nil {
		return none, err
	}
	whole := ""
	source, err := s.GetObject(ctx, &sdk.GetObjectInput{
		Bucket: &c.source.bucket, Key: &c.source.key, VersionId: &c.source.versionID, Range: &whole,
		IfMatch: c.conditions.ifMatch, IfNoneMatch: c.conditions.ifNoneMatch,
		IfModifiedSince: c.conditions.ifModifiedSince, IfUnmodifiedSince: c.conditions.ifUnmodifiedSince,
	})
	if err != nil {
		return none, sourceError(err)
	}
	if source.Body != nil {
		defer func() { _ = source.Body.Close() }() // only read
	}
	first, size, err := parseCopyRange(c.rangeHeader, *source.ContentLength)
	if err != nil {
		return none, err
	}
	file, ok := source.Body.(*os.File)
	if !ok && source.Body != nil {
		return none, fmt.Errorf("copy from s3://%s/%s: the server opened a %T, not a file", c.source.bucket, c.source.key, source.Body)
	}
	out, err := s.storePart(c, upload, file, first, size)
	out.CopySourceVersionId = value(source.VersionId)
	return out, err
}

// storePart writes the part beside the upload, and puts it in its place when
// all of it is there.
func (s *store) storePart(c partCopy, upload s3response.Checksum, source *os.File, first, size int64) (_ s3response.CopyPartResult, err error) {
	var none s3response.CopyPartResult
	dir := uploadPath(c.key, c.uploadID)
	part := path.Join(dir, strconv.Itoa(c.number))
	f, err := os.CreateTemp(path.Join(c.bucket, path.Dir(dir)), ".copy-")
	if err != nil {
		return none, fmt.Errorf("make a part of s3://%s/%s: %w", c.bucket, c.key, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // of no use any more
		}
	}()
	defer func() { err = errors.Join(err, f.Close()) }()
	algorithm := upload.Algorithm
	if algorithm == "" {
		algorithm = types.ChecksumAlgorithmCrc64nvme // S3's own, which it keeps to itself
	}
	sum, err := s.writePart(f, source, first, size, algorithm)
	if err != nil {
		return none, fmt.Errorf("write part %d of s3://%s/%s: %w", c.number, c.bucket, c.key, err)
	}
	out := s3response.CopyPartResult{ETag: &sum.etag}
	if err := s.describePart(f, c.bucket, part, upload, sum, &out); err != nil {
		return none, err
	}
	c.pace(size)
	if err := os.Rename(f.Name(), path.Join(c.bucket, part)); err != nil {
		if _, gone := s.findUpload(c.bucket, c.key, c.uploadID); gone != nil {
			return none, errors.Join(gone, os.Remove(f.Name()))
		}
		return none, err
	}
	info, err := f.Stat()
	if err != nil {
		return none, err
	}
	out.LastModified = info.ModTime()
	return out, nil
}

// writePart copies bytes and returns their checksums. Zeros are neither
// written nor, where the source has a hole, read.
func (s *store) writePart(f, source *os.File, first, size int64, algorithm types.ChecksumAlgorithm) (sums, error) {
	nothing := zeros{size, string(algorithm)}
	empty := size == 0
	if !empty {
		data, _, err := nextData(source, first, first+size)
		if err != nil {
			return sums{}, err
		}
		empty = data >= first+size
	}
	if known, ok := s.zeros.get(nothing); ok && empty {
		return known, f.Truncate(size)
	}
	etag := md5.New() //nolint:gosec // see above
	var from io.Reader = strings.NewReader("")
	if size > 0 {
		from = io.NewSectionReader(source, first, size)
	}
	hashed, err := utils.NewHashReader(io.TeeReader(from, etag), "", utils.HashType(strings.ToLower(string(algorithm))))
	if err != nil {
		return sums{}, err
	}
	n, err := writeSparse(f, hashed)
	if err != nil {
		return sums{}, err
	}
	if n != size {
		return sums{}, fmt.Errorf("the source ended after %d of %d bytes", n, size)
	}
	sum := sums{etag: `"` + hex.EncodeToString(etag.Sum(nil)) + `"`, checksum: hashed.Sum()}
	if empty {
		s.zeros.put(nothing, sum)
	}
	return sum, nil
}

// describePart stores what the server keeps of a part, by its names for it.
func (s *store) describePart(f *os.File, bucket, part string, upload s3response.Checksum, sum sums, out *s3response.CopyPartResult) error {
	items := map[string][]byte{"etag": []byte(sum.etag)}
	if upload.Algorithm == "" {
		items["part-crc64nvme"] = []byte(sum.checksum)
	} else {
		c := s3response.Checksum{Algorithm: upload.Algorithm}
		for _, field := range []struct {
			algorithm    types.ChecksumAlgorithm
			kept, answer **string
		}{
			{types.ChecksumAlgorithmCrc32, &c.CRC32, &out.ChecksumCRC32}, {types.ChecksumAlgorithmCrc32c, &c.CRC32C, &out.ChecksumCRC32C},
			{types.ChecksumAlgorithmCrc64nvme, &c.CRC64NVME, &out.ChecksumCRC64NVME}, {types.ChecksumAlgorithmSha1, &c.SHA1, &out.ChecksumSHA1},
			{types.ChecksumAlgorithmSha256, &c.SHA256, &out.ChecksumSHA256}, {types.ChecksumAlgorithmSha512, &c.SHA512, &out.ChecksumSHA512},
			{types.ChecksumAlgorithmMd5, &c.MD5, &out.ChecksumMD5}, {types.ChecksumAlgorithmXxhash64, &c.XXHASH64, &out.ChecksumXXHASH64},
			{types.ChecksumAlgorithmXxhash3, &c.XXHASH3, &out.ChecksumXXHASH3}, {types.ChecksumAlgorithmXxhash128, &c.XXHASH128, &out.ChecksumXXHASH128},
		} {
			if field.algorithm == upload.Algorithm {
				*field.kept, *field.answer = &sum.checksum, &sum.checksum
			}
		}
		raw, err := json.Marshal(c)
		if err != nil {
			return err
		}
		items["checksums"] = raw
	}
	for name, item := range items {
		if err := s.meta.StoreAttribute(f, bucket, part, name, item); err != nil {
			return fmt.Errorf("describe part %s/%s: %w", bucket, part, err)
		}
	}
	return nil
}
