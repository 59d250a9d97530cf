package store

import (
	"crypto/md5"  //nolint:gosec // what S3 makes ETags of
	"crypto/sha1" //nolint:gosec // one of S3's checksums
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"slices"
	"strconv"
	"sync"
)

const crc64NVMEPolynomial = 0x9A6C9329AC4BC9B5 // reflected

var crc64NVME = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(crc64NVMEPolynomial) })

func newHash(a Algorithm) (hash.Hash, error) {
	switch a {
	case MD5:
		return md5.New(), nil //nolint:gosec // see above
	case CRC32:
		return crc32.NewIEEE(), nil
	case CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli)), nil
	case CRC64NVME:
		return crc64.New(crc64NVME()), nil
	case SHA1:
		return sha1.New(), nil //nolint:gosec // see above
	case SHA256:
		return sha256.New(), nil
	case SHA512:
		return sha512.New(), nil
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownChecksum, a)
}

// hashes computes several checksums of what is written to it.
type hashes struct {
	algorithms []Algorithm
	running    []hash.Hash
}

// newHashes computes MD5 and those of the algorithms, each once.
func newHashes(algorithms ...Algorithm) (*hashes, error) {
	h := &hashes{}
	for _, a := range append([]Algorithm{MD5}, algorithms...) {
		if a == "" || slices.Contains(h.algorithms, a) {
			continue
		}
		running, err := newHash(a)
		if err != nil {
			return nil, err
		}
		h.algorithms, h.running = append(h.algorithms, a), append(h.running, running)
	}
	return h, nil
}

func (h *hashes) Write(b []byte) (int, error) {
	for _, r := range h.running {
		_, _ = r.Write(b) // never fails
	}
	return len(b), nil
}

// sums are checksums of the same bytes in base64.
type sums map[Algorithm]string

func (h *hashes) sums() sums {
	s := make(sums, len(h.algorithms))
	for i, a := range h.algorithms {
		s[a] = base64.StdEncoding.EncodeToString(h.running[i].Sum(nil))
	}
	return s
}

// has says whether all of them are known.
func (s sums) has(algorithms ...Algorithm) bool {
	for _, a := range algorithms {
		if a != "" && s[a] == "" {
			return false
		}
	}
	return true
}

// etag turns an MD5 into the ETag of an object that was written at once.
func etag(md5 string) string {
	raw, err := base64.StdEncoding.DecodeString(md5)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(raw)
}

// md5Of is the inverse of etag.
func md5Of(etag string) string {
	raw, err := hex.DecodeString(etag)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// compositeETag is the ETag of an object of parts.
func compositeETag(md5s []string) string {
	h := md5.New() //nolint:gosec // see above
	for _, sum := range md5s {
		raw, _ := base64.StdEncoding.DecodeString(sum) // written by sums
		_, _ = h.Write(raw)
	}
	return hex.EncodeToString(h.Sum(nil)) + "-" + strconv.Itoa(len(md5s))
}

// sizedSum is a checksum of so many bytes.
type sizedSum struct {
	size int64
	sum  string
}

// combine makes the checksum of an object of those of its parts
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
func combine(a Algorithm, t ChecksumType, parts []sizedSum) (Checksum, error) {
	if t == FullObject {
		value, err := combineCRC(a, parts)
		return Checksum{Algorithm: a, Type: t, Value: value}, err
	}
	h, err := newHash(a)
	if err != nil {
		return Checksum{}, err
	}
	for _, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.sum)
		if err != nil {
			return Checksum{}, fmt.Errorf("%w: a part's checksum: %w", ErrDamaged, err)
		}
		_, _ = h.Write(raw) // never fails
	}
	return Checksum{
		Algorithm: a,
		Type:      Composite,
		Value:     base64.StdEncoding.EncodeToString(h.Sum(nil)) + "-" + strconv.Itoa(len(parts)),
	}, nil
}

// defaultType is the type of a checksum whose upload names none.
func defaultType(a Algorithm) ChecksumType {
	switch a {
	case "":
		return ""
	case CRC64NVME:
		return FullObject
	}
	return Composite
}
