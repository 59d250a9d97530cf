package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// rawRequest is a request's path and query as they came over the wire: net/url
// rewrites some spellings, and drops parameters that hold a semicolon.
type rawRequest struct {
	path       string // still encoded
	parameters []parameter
}

// parameter is one of the query, decoded.
type parameter struct{ name, value string }

func (q rawRequest) parameter(name string) string {
	for _, p := range q.parameters {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

func splitRequest(r *http.Request) (rawRequest, *Error) {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // absolute form, or not from a server
		path, query = r.URL.EscapedPath(), r.URL.RawQuery
	}
	if path == "" {
		path = "/"
	}
	raw := rawRequest{path: path}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		decodedName, err := url.QueryUnescape(name)
		if err != nil {
			return raw, badEncoding(name)
		}
		decodedValue, err := url.QueryUnescape(value)
		if err != nil {
			return raw, badEncoding(value)
		}
		raw.parameters = append(raw.parameters, parameter{decodedName, decodedValue})
	}
	if _, err := url.PathUnescape(path); err != nil {
		return raw, badEncoding(path)
	}
	return raw, nil
}

func badEncoding(what string) *Error {
	return &Error{
		Status:  http.StatusBadRequest,
		Code:    "InvalidURI",
		Message: "Couldn't parse the specified URI: " + strconv.Quote(what) + ".",
	}
}

// canonicalRequest builds the text that is signed.
func (a *authorization) canonicalRequest(r *http.Request, raw rawRequest, payload string) string {
	return strings.Join([]string{
		r.Method,
		canonicalPath(a.service, raw.path),
		canonicalQuery(raw.parameters, a.presigned),
		canonicalHeaders(r, a.signedHeaders),
		strings.Join(a.signedHeaders, ";"),
		payload,
	}, "\n")
}

// canonicalPath encodes the path. In S3 keys are opaque: the path is decoded
// and encoded once, in one spelling, with all its slashes and dots. Other
// services remove dots and double slashes and encode what came once more.
func canonicalPath(service, path string) string {
	if service == "s3" {
		decoded, err := url.PathUnescape(path)
		if err != nil { // splitRequest has refused it
			return path
		}
		return encode(decoded, true)
	}
	return encode(normalize(path), true)
}

// normalize removes empty, "." and ".." parts as RFC 3986, section 6.2.2.3,
// says, and keeps a slash at the end.
func normalize(path string) string {
	var parts []string
	last := ""
	for part := range strings.SplitSeq(path, "/") {
		last = part
		switch part {
		case "", ".":
		case "..":
			if len(parts) > 0 {
				parts = parts[:len(parts)-1]
			}
		default:
			parts = append(parts, part)
		}
	}
	clean := "/" + strings.Join(parts, "/")
	if len(parts) > 0 && (last == "" || last == "." || last == "..") {
		clean += "/"
	}
	return clean
}

// canonicalQuery encodes the parameters and sorts them by encoded name, then
// by encoded value. A presigned URL's signature is not part of what is signed.
func canonicalQuery(parameters []parameter, presigned bool) string {
	encoded := make([]parameter, 0, len(parameters))
	for _, p := range parameters {
		if presigned && p.name == "X-Amz-Signature" {
			continue
		}
		encoded = append(encoded, parameter{encode(p.name, false), encode(p.value, false)})
	}
	slices.SortFunc(encoded, func(a, b parameter) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	pairs := make([]string, 0, len(encoded))
	for _, p := range encoded {
		pairs = append(pairs, p.name+"="+p.value)
	}
	return strings.Join(pairs, "&")
}

// canonicalHeaders lists the signed headers, one a line, with a line feed
// after each. net/http keeps some headers outside of r.Header.
func canonicalHeaders(r *http.Request, signed []string) string {
	var b strings.Builder
	for _, name := range signed {
		values := slices.Clone(r.Header.Values(name))
		switch {
		case name == "host":
			values = []string{r.Host}
		case name == "content-length" && len(values) == 0:
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		case name == "transfer-encoding" && len(values) == 0:
			values = r.TransferEncoding
		}
		for i, v := range values {
			values[i] = collapse(v)
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String()
}

// collapse trims a header's value and makes runs of spaces one space.
func collapse(v string) string {
	v = strings.Trim(v, " \t")
	for strings.Contains(v, "  ") {
		v = strings.ReplaceAll(v, "  ", " ")
	}
	return v
}

// encode is AWS's UriEncode: everything but A-Z a-z 0-9 - . _ ~ (and, if
// wanted, the slash) becomes %XX, byte by byte.
func encode(s string, keepSlash bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
