package s3

import (
	"bufio"
	"crypto/sha256"
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
	trailed bool         // whether trailing headers may follow
	trailer http.Header

	left      int64 // of the chunk
	signature string
	hash      hash.Hash
	err       error
}

// newChunked returns nil for a body that is not in chunks.
func (s *Service) newChunked(r *http.Request) (*chunked, error) {
	c := &chunked{body: bufio.NewReader(r.Body), trailer: http.Header{}, hash: sha256.New()}
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

func errIncompleteBody() *apiError {
	return badRequest("IncompleteBody", "The request body terminated before the number of bytes specified by the Content-Length HTTP header")
}

func errChunk(why string) *apiError {
	return errInvalidRequest("The body is not in the aws-chunked encoding: " + why + ".")
}

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
	c.left -= int64(n)
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
	if err != nil || c.left < 0 {
		return errChunk("a chunk has the size " + strconv.Quote(size))
	}
	var signed bool
	c.signature, signed = strings.CutPrefix(extension, "chunk-signature=")
	if signed != (c.chain != nil) {
		return errChunk("a chunk has the extension " + strconv.Quote(extension))
	}
	c.hash.Reset()
	if c.left > 0 {
		return nil
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
	if line != "" {
		return errChunk("a chunk is longer than its size")
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

// readTrailer reads the trailing headers up to the empty line.
func (c *chunked) readTrailer() error {
	var signed strings.Builder
	signature := ""
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
		case !ok || !c.trailed:
			return errChunk("a trailing header is not expected, or is not name:value")
		case name == "x-amz-trailer-signature":
			signature = value
		default:
			c.trailer.Set(name, value)
			signed.WriteString(name + ":" + value + "\n")
		}
	}
	if c.chain != nil && c.trailed && !c.chain.Trailer(signature, signed.String()) {
		return errSignature()
	}
	return nil
}

// line reads a line without its end.
func (c *chunked) line() (string, error) {
	raw, err := c.body.ReadSlice('\n') // at most the buffer's size, more than any has
	switch {
	case errors.Is(err, io.EOF):
		return "", errIncompleteBody()
	case errors.Is(err, bufio.ErrBufferFull):
		return "", errChunk("a line is too long")
	case err != nil:
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r"), nil
}
