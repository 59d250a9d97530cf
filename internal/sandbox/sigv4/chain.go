package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"s3fanout/internal/sandbox/iam"
)

// Chain verifies the signatures in the body of a streamed S3 upload. Each
// covers the one before; the first one covers the request's own
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html).
// It must not be used concurrently.
type Chain struct {
	key      []byte
	scope    string // time and scope, as they are signed
	previous string
}

// NewChain begins the chain of a request that Authenticate has accepted.
func NewChain(r *http.Request, store *iam.Store) (*Chain, *Error) {
	raw, err := splitRequest(r)
	if err != nil {
		return nil, err
	}
	a, err := parseAuthorization(r, raw)
	if err != nil {
		return nil, err
	}
	credentials, _, found := store.Lookup(a.accessKeyID)
	if !found {
		return nil, a.unknownKey()
	}
	return &Chain{
		key:      SigningKey(credentials.SecretAccessKey, a.date, a.region, a.service),
		scope:    a.time.Format(timeFormat) + "\n" + a.scope(),
		previous: a.signature,
	}, nil
}

// Chunk says whether the signature is that of the next chunk, whose data has
// the SHA-256.
func (c *Chain) Chunk(signature string, data [sha256.Size]byte) bool {
	empty := sha256.Sum256(nil)
	return c.next(signature, algorithm+"-PAYLOAD", hex.EncodeToString(empty[:]), hex.EncodeToString(data[:]))
}

// Trailer says whether the signature is that of the trailing headers, one
// "name:value\n" each
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html).
func (c *Chain) Trailer(signature, headers string) bool {
	hash := sha256.Sum256([]byte(headers))
	return c.next(signature, algorithm+"-TRAILER", hex.EncodeToString(hash[:]))
}

func (c *Chain) next(signature, kind string, hashes ...string) bool {
	text := append([]string{kind, c.scope, c.previous}, hashes...)
	want := hex.EncodeToString(sum(c.key, strings.Join(text, "\n")))
	c.previous = want
	return hmac.Equal([]byte(want), []byte(signature))
}
