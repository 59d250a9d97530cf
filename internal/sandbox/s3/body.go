package s3

import (
	"bytes"
	"crypto/md5" //nolint:gosec // its size alone is used
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"s3fanout/internal/sandbox/s3/store"
)

// maxUpload is the largest body of an object or a part
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const maxUpload = 5 << 30

// body is what a request brings, and what it says of it.
type body struct {
	data    io.Reader
	chunked *chunked // nil unless it comes so
	size    int64

	md5, sha256 []byte // nil if there is none to compare
	checksum    store.Checksum
	trailed     bool // whether the checksum comes after the data
}

// receive reads what the request says of its body, but its checksum.
func (s *Service) receive(r *http.Request) (*body, error) {
	b := &body{data: r.Body, size: uploadSize(r)}
	switch {
	case b.size < 0:
		return nil, &apiError{
			status: http.StatusLengthRequired, Code: "MissingContentLength", Message: "You must provide the Content-Length HTTP header.",
		}
	case b.size > maxUpload:
		return nil, errTooLarge()
	}
	var err error
	if b.chunked, err = s.newChunked(r); err != nil {
		return nil, err
	}
	if b.chunked != nil {
		b.data = b.chunked
	}
	if sum, err := hex.DecodeString(r.Header.Get("X-Amz-Content-Sha256")); err == nil && len(sum) == sha256.Size {
		b.sha256 = sum
	}
	if value, ok := r.Header["Content-Md5"]; ok {
		if b.md5, err = base64.StdEncoding.DecodeString(value[0]); err != nil || len(b.md5) != md5.Size {
			return nil, badRequest("InvalidDigest", "The Content-MD5 you specified is not valid.")
		}
	}
	return b, nil
}

func errTooLarge() *apiError {
	return badRequest("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
}

// expectChecksum reads which checksum comes with the body, before or after it.
func (b *body) expectChecksum(h http.Header) (err error) {
	if b.checksum, err = requestChecksum(h); err != nil {
		return err
	}
	trailer := h.Get("X-Amz-Trailer")
	unsupported := errInvalidRequest("The value specified in the x-amz-trailer header is not supported")
	name, after := strings.CutPrefix(strings.ToLower(trailer), "x-amz-checksum-")
	switch {
	case trailer != "" && (!after || b.chunked == nil || !b.chunked.trailed):
		return unsupported
	case after && b.checksum.Value != "":
		return errMultipleChecksums()
	case after:
		if b.checksum.Algorithm, err = findAlgorithm(name); err != nil {
			return unsupported
		}
		b.trailed = true
	}
	named := h.Get("X-Amz-Sdk-Checksum-Algorithm")
	switch {
	case named != "" && b.checksum.Algorithm == "":
		return errInvalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding " +
			"x-amz-checksum-* or x-amz-trailer headers were found.")
	case named != "" && !strings.EqualFold(named, string(b.checksum.Algorithm)):
		return errInvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return nil
}

// stage reads the body to its end, keeps it with its checksums, those of the
// algorithms among them, and verifies it.
func (s *Service) stage(b *body, wanted ...store.Algorithm) (*store.Blob, error) {
	if b.sha256 != nil {
		wanted = append(wanted, store.SHA256)
	}
	if a := b.checksum.Algorithm; a != "" {
		wanted = append(wanted, a)
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	blob, err := s.store.Stage(b.data, wanted...)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errIncompleteBody()
	case err != nil:
		return nil, err
	}
	if err := b.verify(blob); err != nil {
		return nil, errors.Join(err, blob.Close())
	}
	return blob, nil
}

// verify compares what came with what the request says.
func (b *body) verify(blob *store.Blob) error {
	if blob.Size() != b.size {
		return errWrongLength()
	}
	if b.sha256 != nil && blob.Sum(store.SHA256) != base64.StdEncoding.EncodeToString(b.sha256) {
		return badRequest("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if b.md5 != nil && blob.Sum(store.MD5) != base64.StdEncoding.EncodeToString(b.md5) {
		return badRequest("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	want := b.checksum.Value
	if b.trailed {
		if want = b.chunked.trailer; !validChecksum(b.checksum.Algorithm, want) {
			return errInvalidRequest("Value for " + b.chunked.awaited + " trailing header is invalid.")
		}
	}
	if want != "" && want != blob.Sum(b.checksum.Algorithm) {
		return badRequest("BadDigest", "The "+string(b.checksum.Algorithm)+" you specified did not match the calculated checksum.")
	}
	return nil
}

// document reads the request's body where that is no object, and verifies it
// as one.
func (x *exchange) document() ([]byte, error) {
	const limit = 4 << 20
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, limit)
	b, err := x.receive(x.r)
	if err != nil {
		return nil, err
	}
	if x.operation.name != "CompleteMultipartUpload" { // whose checksum is the object's
		if err := b.expectChecksum(x.header); err != nil {
			return nil, err
		}
	}
	var raw bytes.Buffer
	b.data = io.TeeReader(b.data, &raw)
	blob, err := x.stage(b)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, badRequest("MaxMessageLengthExceeded", "Your request was too big.")
	case err != nil:
		return nil, err
	}
	return raw.Bytes(), blob.Close()
}

// uploadSize is how many bytes of an object the request's body has, -1 if it
// does not say.
func uploadSize(r *http.Request) int64 {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return r.ContentLength
	}
	n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
