package s3

import (
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// request is what an HTTP request asks S3 for.
type request struct {
	operation operation
	bucket    string // "" for the service
	key       string // decoded; "" for a bucket
	query     url.Values
	header    http.Header
	source    object   // of a copy
	refusal   *refusal // set if the sandbox does not have the operation
}

// object names an object, or one version of it.
type object struct {
	bucket    string
	key       string
	versionID string // "" for the current version
}

// virtualDomain is the domain below which a host name starts with a bucket.
// Clients that are given an IP address put the bucket into the path.
const virtualDomain = "localhost"

// parseRequest understands a request. The operation has a name also when
// there is an error, so that the request can be counted. Of one that came by an
// access point the bucket is given, and the whole path is the key.
func parseRequest(r *http.Request, byPoint string) (request, error) {
	req := request{query: r.URL.Query(), header: r.Header}
	req.takeHoisted()
	path, err := url.PathUnescape(rawPath(r))
	if err != nil {
		req.operation.name = "Unknown"
		return req, errInvalidURI()
	}
	path = strings.TrimPrefix(path, "/")
	if byPoint != "" {
		req.bucket, req.key = byPoint, path
	} else if bucket, _, ok := strings.Cut(r.Host, "."+virtualDomain); ok {
		req.bucket, req.key = bucket, path
	} else {
		req.bucket, req.key, _ = strings.Cut(path, "/")
	}
	op, known := findOperation(r.Method, req.level(), req.query, r.Header)
	req.operation = op
	if refused, ok := findRefusal(r.Method, req.level(), req.query); !known && ok {
		req.operation, req.refusal = refused.operation, &refused
		return req, nil
	}
	if !known {
		return req, errNotImplemented("the operation %s", op.name)
	}
	if byPoint != "" && !byPointToo(op.name) {
		return req, errMethodNotAllowed(op.name + " does not go by a Multi-Region Access Point.")
	}
	if err := op.check(req.query, r.Header); err != nil {
		return req, err
	}
	if req.copies() {
		if req.source, err = parseCopySource(r.Header.Get("X-Amz-Copy-Source")); err != nil {
			return req, err
		}
	}
	return req, nil
}

// takeHoisted takes headers that a presigned URL has as parameters, where they
// are signed as well
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
func (r request) takeHoisted() {
	if !r.query.Has("X-Amz-Signature") {
		return
	}
	for name, values := range r.query {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(presigned(), lower) {
			delete(r.query, name)
			r.header[http.CanonicalHeaderKey(name)] = values
		}
	}
}

// maxHeaders is how many bytes of headers a request may have. AWS writes this
// limit of PUT, but it holds for all
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
const maxHeaders = 8 << 10

// headerBytes counts the request's headers as they came over the wire.
func headerBytes(r *http.Request) int {
	const around = len(": \r\n")
	n := len("Host") + len(r.Host) + around
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + around
		}
	}
	return n
}

// rawPath returns the path as it came over the wire.
func rawPath(r *http.Request) string {
	if path, _, _ := strings.Cut(r.RequestURI, "?"); strings.HasPrefix(path, "/") {
		return path
	}
	return r.URL.EscapedPath()
}

func (r request) level() level {
	switch {
	case r.bucket == "":
		return onService
	case r.key == "":
		return onBucket
	}
	return onObject
}

// copies says whether the request reads a second object.
func (r request) copies() bool {
	return r.operation.name == "CopyObject" || r.operation.name == "UploadPartCopy"
}

// copiesTags says whether a CopyObject carries its source's tags, which is
// the default.
func (r request) copiesTags() bool {
	return r.operation.name == "CopyObject" && !strings.EqualFold(r.header.Get("X-Amz-Tagging-Directive"), "REPLACE")
}

// sourceBucket is what the name of any bucket is, also of one of the old rules.
var sourceBucket = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// parseCopySource reads an x-amz-copy-source header: URL-encoded bucket and
// key, and optionally a version
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
func parseCopySource(header string) (object, error) {
	path, query, _ := strings.Cut(header, "?")
	path, err := url.QueryUnescape(path)
	if err != nil {
		return object{}, errInvalidArgument("Invalid copy source encoding")
	}
	path = strings.TrimPrefix(path, "/")
	if strings.HasPrefix(path, "arn:") {
		return object{}, errNotImplemented("access points as copy sources")
	}
	bucket, key, ok := strings.Cut(path, "/")
	if !ok || bucket == "" || key == "" {
		return object{}, errInvalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if net.ParseIP(bucket) != nil || !sourceBucket.MatchString(bucket) {
		return object{}, errInvalidArgument("Invalid copy source bucket name")
	}
	version, err := url.ParseQuery(query)
	if err != nil || len(version) > 1 || (len(version) == 1 && !version.Has("versionId")) {
		return object{}, errInvalidArgument("The only query parameter of a copy source is versionId.")
	}
	return object{bucket: bucket, key: key, versionID: version.Get("versionId")}, nil
}

// validKey refuses keys that AWS refuses: too long ones, and those whose ".."
// lead out of the bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
func validKey(key string) error {
	const maxKey = 1024
	if len(key) > maxKey {
		e := badRequest("KeyTooLongError", "Your key is too long")
		e.Key = key
		return e
	}
	if !utf8.ValidString(key) {
		return errInvalidURI()
	}
	depth := 0
	for part := range strings.SplitSeq(key, "/") {
		switch part {
		case "..":
			depth--
		case "", ".":
		default:
			depth++
		}
		if depth < 0 {
			return errInvalidURI()
		}
	}
	return nil
}

func errInvalidURI() *apiError { return badRequest("InvalidURI", "Couldn't parse the specified URI.") }
