package s3

import (
	"mime"
	"net/http"
	"strings"

	"s3fanout/internal/sandbox/s3/store"
)

// maxMetadata is how many bytes an object's user metadata may have, names and
// values together
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
const maxMetadata = 2 << 10

// redirect is the header with the target of a redirect, which belongs to an
// object like its system metadata, but is never copied.
const redirect = "x-amz-website-redirect-location"

// systemHeaders are the headers that an object keeps and is answered with.
func systemHeaders() []string {
	return []string{
		"cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires", redirect,
	}
}

// storageClasses returns the classes of general purpose buckets
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html).
func storageClasses() []string {
	return []string{
		standard, "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
	}
}

const standard = "STANDARD"

// archived says whether an object of the class has to be restored before it
// can be read (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
func archived(class string) bool { return class == "GLACIER" || class == "DEEP_ARCHIVE" }

// shownClass is how documents name a class.
func shownClass(class string) string {
	if class == "" {
		return standard
	}
	return class
}

// parseAttributes reads what a request wants an object to have.
func parseAttributes(h http.Header) (a store.Attributes, err error) {
	a.Headers = map[string]string{"content-type": "binary/octet-stream"}
	for _, name := range systemHeaders() {
		if v := strings.Join(h.Values(name), ","); v != "" {
			a.Headers[name] = v
		}
	}
	// The encoding of the upload is not the object's.
	if encoding, ok := a.Headers["content-encoding"]; ok {
		delete(a.Headers, "content-encoding")
		var kept []string
		for one := range strings.SplitSeq(encoding, ",") {
			if one = strings.TrimSpace(one); one != "" && one != "aws-chunked" {
				kept = append(kept, one)
			}
		}
		if len(kept) > 0 {
			a.Headers["content-encoding"] = strings.Join(kept, ",")
		}
	}
	begins := func(prefix string) bool { return strings.HasPrefix(a.Headers[redirect], prefix) }
	if a.Headers[redirect] != "" && !begins("/") && !begins("http://") && !begins("https://") {
		return a, badRequest(
			"InvalidRedirectLocation",
			"The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
		)
	}
	if a.StorageClass = h.Get("X-Amz-Storage-Class"); a.StorageClass == standard {
		a.StorageClass = ""
	}
	if a.Metadata, err = parseMetadata(h); err != nil {
		return a, err
	}
	a.Tags, err = parseTagHeader(h.Get("X-Amz-Tagging"))
	return a, err
}

// parseMetadata reads user metadata. What is outside of ASCII is decoded as
// RFC 2047 words if it is some, and encoded so before it is returned.
func parseMetadata(h http.Header) (map[string]string, error) {
	var d mime.WordDecoder
	metadata := map[string]string{}
	size := 0
	for name, values := range h {
		name, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-")
		if !ok {
			continue
		}
		value := strings.Join(values, ",")
		if plain, err := d.DecodeHeader(value); err == nil {
			value = plain
		}
		metadata[name] = value
		size += len(name) + len(value)
	}
	if size > maxMetadata {
		e := badRequest("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
		e.MaxSize = maxMetadata
		return nil, e
	}
	return metadata, nil
}

// showAttributes sets the headers that tell what an object has.
func showAttributes(header http.Header, a store.Attributes) {
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	for name, value := range a.Metadata {
		header.Set("X-Amz-Meta-"+name, mime.BEncoding.Encode("UTF-8", value)) // leaves ASCII alone
	}
	if a.StorageClass != "" { // S3 does not name STANDARD
		header.Set("X-Amz-Storage-Class", a.StorageClass)
	}
}
