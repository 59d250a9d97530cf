// Package sigv4 finds out who sent a request: it verifies AWS Signature
// Version 4, in the Authorization header or in the query of a presigned URL.
//
// It rebuilds the canonical request from what came over the wire, with its own
// encoding and sorting, so that a request is accepted if AWS would accept it
// and refused with AWS's code and status if not. It guarantees that the
// method, path, query, every signed header and, outside S3, the body are what
// the holder of the secret key signed, within fifteen minutes.
//
// It does not check the payload of S3 requests: that is streamed, and the S3
// server checks it against the hash that is signed here. Signature Version 4A is
// verified too, but for chunks that are signed by it. Version 2 is refused.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)
package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/sandbox/iam"
)

// MaxBody is how much of a body, in bytes, is read to verify it. Larger
// bodies outside S3 are refused; no service takes as much in one request.
const MaxBody = 16 << 20

// maxSkew is how far a request's time may be from ours.
const maxSkew = 15 * time.Minute

// unsignedPayload stands for the payload's hash where that is not signed.
const unsignedPayload = "UNSIGNED-PAYLOAD"

// Identity is what a valid signature tells.
type Identity struct {
	Caller iam.Caller
	Region string // of the credential scope; empty with a RegionSet
	// RegionSet is what a signature of Version 4A holds for: Regions, or patterns
	// such as "*", with commas between. It is empty exactly for Version 4, whether
	// or not such a request has an X-Amz-Region-Set.
	RegionSet   string
	Service     string // of the credential scope, as "s3"
	PayloadHash string // as signed: the payload's SHA-256 in hex or, for S3, also UNSIGNED-PAYLOAD or STREAMING-…
	Presigned   bool   // signed in the query
}

// Authenticate verifies the request's signature by the credentials of the
// store. Outside S3 it reads the body, up to MaxBody, and leaves r.Body and
// r.ContentLength so that the body can be read again; the body of an S3
// request is not touched. It may be called concurrently for different requests.
func Authenticate(r *http.Request, store *iam.Store, now time.Time) (Identity, *Error) {
	raw, err := splitRequest(r)
	if err != nil {
		return Identity{}, err
	}
	a, err := parseAuthorization(r, raw)
	if err != nil {
		return Identity{}, err
	}
	credentials, caller, found := store.Lookup(a.accessKeyID)
	if !found {
		return Identity{}, a.unknownKey()
	}
	if err := a.checkToken(credentials.SessionToken); err != nil {
		return Identity{}, err
	}
	if err := a.checkTime(now); err != nil {
		return Identity{}, err
	}
	if credentials.Expired(now) {
		return Identity{}, a.expiredToken()
	}
	if err := a.checkSignedHeaders(r.Header); err != nil {
		return Identity{}, err
	}
	payload, err := a.payloadHash(r, raw)
	if err != nil {
		return Identity{}, err
	}
	if !a.verify(credentials.SecretAccessKey, a.canonicalRequest(r, raw, payload)) {
		return Identity{}, a.mismatch()
	}
	return Identity{
		Caller: caller, Region: a.region, RegionSet: a.regionSet, Service: a.service, PayloadHash: payload, Presigned: a.presigned,
	}, nil
}

// SigningKey derives the key that signs requests of one day, Region and
// service. The date is YYYYMMDD.
func SigningKey(secret, date, region, service string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{date, region, service, scopeEnd} {
		key = sum(key, part)
	}
	return key
}

// sign returns the signature that a canonical request should have, in hex.
func (a *authorization) sign(secret, canonical string) string {
	return hex.EncodeToString(sum(SigningKey(secret, a.date, a.region, a.service), a.textToSign(canonical)))
}

// textToSign is what stands for a canonical request.
func (a *authorization) textToSign(canonical string) string {
	name := algorithm
	if a.asymmetric {
		name = asymmetric
	}
	hash := sha256.Sum256([]byte(canonical))
	return strings.Join([]string{name, a.time.Format(timeFormat), a.scope(), hex.EncodeToString(hash[:])}, "\n")
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// checkToken compares the session token; credentials without one must come without.
func (a *authorization) checkToken(want string) *Error {
	switch {
	case hmac.Equal([]byte(want), []byte(a.token)):
		return nil
	case a.token == "":
		return a.unknownKey() // AWS does not know a session's key by itself
	case a.service == "s3":
		return a.fail(http.StatusBadRequest, "InvalidToken", "The provided token is malformed or otherwise invalid.")
	}
	return a.unknownKey()
}

// checkTime compares the time of signing with now, and the scope's date with
// the time of signing. A presigned URL holds for as long as it says.
func (a *authorization) checkTime(now time.Time) *Error {
	if a.time.Format(dateFormat) != a.date {
		return a.malformed("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
			a.date + " != " + a.time.Format(dateFormat) + ".")
	}
	late := now.Sub(a.time)
	switch {
	case a.presigned && late > a.expires:
		return a.expired("Request has expired")
	case a.presigned && -late > maxSkew:
		return a.expired("Request is not yet valid")
	case !a.presigned && (late > maxSkew || -late > maxSkew):
		return a.skewed(now)
	}
	return nil
}

// checkSignedHeaders makes sure that nothing that means something to AWS came
// without a signature: the host and every x-amz- header.
func (a *authorization) checkSignedHeaders(header http.Header) *Error {
	if !slices.Contains(a.signedHeaders, "host") {
		return a.unsigned("host")
	}
	var missing []string
	for name := range header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(a.signedHeaders, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return a.unsigned(missing...)
	}
	return nil
}

// hexHash is a SHA-256 in hex.
var hexHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// payloadHash returns the last line of the canonical request: for S3 what the
// client declared, for all others what the body really is.
func (a *authorization) payloadHash(r *http.Request, raw rawRequest) (string, *Error) {
	if a.service != "s3" {
		return a.hashBody(r)
	}
	declared := r.Header.Get("X-Amz-Content-Sha256")
	if declared == "" {
		declared = raw.parameter("X-Amz-Content-Sha256")
	}
	switch {
	case declared == "" && a.presigned:
		return unsignedPayload, nil
	case declared == "":
		return "", a.fail(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	case a.asymmetric && strings.HasPrefix(declared, "STREAMING-AWS4-"):
		return "", a.noStreams(declared)
	case hexHash.MatchString(declared),
		declared == unsignedPayload,
		declared == "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		declared == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		declared == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		return declared, nil
	}
	return "", a.fail(http.StatusBadRequest, "InvalidArgument",
		"x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "+
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.")
}

func (a *authorization) hashBody(r *http.Request) (string, *Error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, MaxBody))
		_ = r.Body.Close() // the whole of it has been read, or none of it counts
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			return "", a.fail(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request's body is too large.")
		case err != nil:
			return "", a.fail(http.StatusBadRequest, "IncompleteBody", "The request's body ended early: "+err.Error()+".")
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	hash := sha256.Sum256(body)
	return hex.EncodeToString(hash[:]), nil
}
