package s3

import (
	"crypto/md5"  //nolint:gosec // its size alone is used
	"crypto/sha1" //nolint:gosec // its size alone is used
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"

	"s3fanout/internal/sandbox/s3/store"
)

// algorithms are the checksums that the sandbox has, with their bytes: S3's
// without the XXHASH ones
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
func algorithms() map[store.Algorithm]int {
	return map[store.Algorithm]int{
		store.CRC32: crc32.Size, store.CRC32C: crc32.Size, store.CRC64NVME: crc64.Size,
		store.SHA1: sha1.Size, store.SHA256: sha256.Size, store.SHA512: sha512.Size, store.MD5: md5.Size,
	}
}

// findAlgorithm reads the name of an algorithm.
func findAlgorithm(name string) (store.Algorithm, error) {
	a := store.Algorithm(strings.ToUpper(name))
	if _, ok := algorithms()[a]; ok {
		return a, nil
	}
	if strings.HasPrefix(string(a), "XXHASH") {
		return "", errNotImplemented("the checksum algorithm %s", a)
	}
	return "", errInvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: " +
		"[CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]")
}

// checksumTypes returns what the algorithm's checksum of an upload in parts
// can be one of, the default first.
func checksumTypes(a store.Algorithm) []store.ChecksumType {
	switch a {
	case store.CRC64NVME:
		return []store.ChecksumType{store.FullObject}
	case store.CRC32, store.CRC32C:
		return []store.ChecksumType{store.Composite, store.FullObject}
	}
	return []store.ChecksumType{store.Composite}
}

func checksumHeader(a store.Algorithm) string { return "X-Amz-Checksum-" + string(a) }

// validChecksum says whether the text can be a checksum of the algorithm.
func validChecksum(a store.Algorithm, value string) bool {
	raw, err := base64.StdEncoding.DecodeString(value)
	return err == nil && len(raw) == algorithms()[a]
}

func errMultipleChecksums() *apiError {
	return errInvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
}

// requestChecksum returns the checksum in a request's headers, if any. That of an
// upload in parts may end in the number of parts.
func requestChecksum(h http.Header) (c store.Checksum, err error) {
	algorithm := ""
	for name, values := range h {
		rest, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-checksum-")
		if !ok || rest == "algorithm" || rest == "type" || rest == "mode" {
			continue
		}
		if algorithm != "" || len(values) > 1 {
			return c, errMultipleChecksums()
		}
		algorithm = rest
	}
	if algorithm == "" {
		return c, nil
	}
	if c.Algorithm, err = findAlgorithm(algorithm); err != nil {
		return c, err
	}
	c.Value = h.Get("X-Amz-Checksum-" + algorithm)
	sum, parts, several := strings.Cut(c.Value, "-")
	if _, err := strconv.ParseUint(parts, 10, 32); !validChecksum(c.Algorithm, sum) || several && err != nil {
		return c, errInvalidRequest("Value for x-amz-checksum-" + algorithm + " header is invalid.")
	}
	return c, nil
}

// showChecksum sets the headers that tell a checksum.
func showChecksum(header http.Header, c store.Checksum) {
	if c.Value == "" {
		return
	}
	header.Set(checksumHeader(c.Algorithm), c.Value)
	if c.Type != "" {
		header.Set("X-Amz-Checksum-Type", string(c.Type))
	}
}

// checksumElements are the elements that tell a checksum.
type checksumElements struct {
	CRC32     string             `xml:"ChecksumCRC32,omitempty"`
	CRC32C    string             `xml:"ChecksumCRC32C,omitempty"`
	CRC64NVME string             `xml:"ChecksumCRC64NVME,omitempty"`
	SHA1      string             `xml:"ChecksumSHA1,omitempty"`
	SHA256    string             `xml:"ChecksumSHA256,omitempty"`
	SHA512    string             `xml:"ChecksumSHA512,omitempty"`
	MD5       string             `xml:"ChecksumMD5,omitempty"`
	Type      store.ChecksumType `xml:"ChecksumType,omitempty"`
}

func (e *checksumElements) of(a store.Algorithm) *string {
	switch a {
	case store.CRC32:
		return &e.CRC32
	case store.CRC32C:
		return &e.CRC32C
	case store.SHA1:
		return &e.SHA1
	case store.SHA256:
		return &e.SHA256
	case store.SHA512:
		return &e.SHA512
	case store.MD5:
		return &e.MD5
	}
	return &e.CRC64NVME
}

// present returns a checksum that the elements have, and how many they have.
func (e *checksumElements) present() (c store.Checksum, count int) {
	for a := range algorithms() {
		if v := *e.of(a); v != "" {
			c, count = store.Checksum{Algorithm: a, Value: v}, count+1
		}
	}
	return c, count
}

func elementsOf(c store.Checksum) (e checksumElements) {
	if c.Value != "" {
		*e.of(c.Algorithm), e.Type = c.Value, c.Type
	}
	return e
}
