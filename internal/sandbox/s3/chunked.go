package s3

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"s3fanout/internal/sandbox/sigv4"
)

// How a body is signed that comes in chunks, as X-Amz-Content-Sha256 says.
const (
	streamingUnsigned = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	streamingSigned   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingTrailer  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
)

// chunked decodes a body in the aws-chunked encoding
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html).
// At the end of the data it has verified every signature, and knows the
// trailing headers.
type chunked struct {
	body    *bufio.Reader
	chain   *sigv4.Chain // nil if the chunks are not signed
	trailed bool         // whether a trailer follows
	awaited string       // name of its header, in lower case; "" if there is none
	trailer string       // the header's value

	size      int64 // of all data
	read      int64
	small     bool  // a chunk was so small that it has to be the last one
	left      int64 // of the chunk
	signature string
	hash      hash.Hash
	err       error
}

// newChunked returns nil for a body that is not in chunks.
func (s *Service) newChunked(r *http.Request) (*chunked, error) {
	c := &chunked{
		body: bufio.NewReader(r.Body), awaited: strings.ToLower(r.Header.Get("X-Amz-Trailer")), size: uploadSize(r), hash: sha256.New(),
	}
	switch r.Header.Get("X-Amz-Content-Sha256") {
	case streamingUnsigned:
		c.trailed = true
		return c, nil
	case streamingTrailer:
		c.trailed = true
	case streamingSigned:
	default:
		return nil, nil
	}
	chain, err := sigv4.NewChain(r, s.config.Store)
	if err != nil {
		return nil, &apiError{status: err.Status, Code: err.Code, Message: err.Message}
	}
	c.chain = chain
	return c, nil
}

// errIncompleteBody is also what S3 says of a body that is not in the encoding.
func errIncompleteBody() *apiError {
	return badRequest("IncompleteBody", "The request body terminated unexpectedly")
}

func errWrongLength() *apiError {
	return badRequest("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

func errMalformedTrailer() *apiError {
	return badRequest("MalformedTrailerError", "The request contained trailing data that was not well-formed "+
		"or did not conform to our published schema.")
}

// leastChunk is how many bytes every chunk but the last has at least.
const leastChunk = 8 << 10

// Read reads data without what surrounds it.
func (c *chunked) Read(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.left == 0 {
		if c.err = c.begin(); c.err != nil {
			return 0, c.err
		}
	}
	n, err := c.body.Read(b[:min(int64(len(b)), c.left)])
	c.left, c.read = c.left-int64(n), c.read+int64(n)
	if c.chain != nil {
		c.hash.Write(b[:n])
	}
	switch {
	case errors.Is(err, io.EOF):
		c.err = errIncompleteBody()
	case err != nil:
		c.err = err
	case c.left == 0:
		c.err = c.end()
	}
	return n, nil
}

// begin reads the head of a chunk; of the last one, which is empty, all that
// follows, and returns io.EOF.
func (c *chunked) begin() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	c.left, err = strconv.ParseInt(size, 16, 64)
	var signed bool
	c.signature, signed = strings.CutPrefix(extension, "chunk-signature=")
	switch {
	case err != nil || c.left < 0 || signed != (c.chain != nil) || signed && len(c.signature) != hex.EncodedLen(sha256.Size):
		return errIncompleteBody()
	case c.left > 0 && c.small:
		return &apiError{
			status: http.StatusForbidden, Code: "InvalidChunkSizeError",
			Message: "Only the last chunk is allowed to have a size less than 8192 bytes",
		}
	}
	c.small = c.left < leastChunk
	c.hash.Reset()
	if c.left > 0 {
		return nil
	}
	if c.read != c.size {
		return errWrongLength()
	}
	if err := c.verify(); err != nil {
		return err
	}
	if err := c.readTrailer(); err != nil {
		return err
	}
	return io.EOF
}

// end reads what follows a chunk's data.
func (c *chunked) end() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	if line != "" { // longer than its size
		return errIncompleteBody()
	}
	return c.verify()
}

func (c *chunked) verify() error {
	if c.chain != nil && !c.chain.Chunk(c.signature, [sha256.Size]byte(c.hash.Sum(nil))) {
		return errSignature()
	}
	return nil
}

func errSignature() *apiError {
	return &apiError{
		status: http.StatusForbidden, Code: "SignatureDoesNotMatch",
		Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
	}
}

// readTrailer reads the trailing headers up to the empty line: the one that the
// request announced, and the signature.
func (c *chunked) readTrailer() error {
	header, signature := "", ""
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case ok && c.trailed && name == "x-amz-trailer-signature":
			signature = value
		case ok && c.trailed && name == c.awaited && header == "":
			c.trailer, header = value, name+":"+value+"\n"
		default:
			return errMalformedTrailer()
		}
	}
	if c.awaited != "" && header == "" {
		return errMalformedTrailer()
	}
	if c.chain != nil && c.trailed && !c.chain.Trailer(signature, header) {
		return errSignature()
	}
	return nil
}

// line reads a line without its end.
func (c *chunked) line() (string, error) {
	raw, err := c.body.ReadSlice('\n') // at most the buffer's size, more than any has
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull):
		return "", errIncompleteBody()
	case err != nil:
		return "", err
	}
	line, ok := strings.CutSuffix(string(raw), "\r\n")
	if !ok {
		return "", errIncompleteBody()
	}
	return line, nil
}
