package s3

import (
	"mime"
	"net/http"
	"strings"
)

// User metadata outside of ASCII is decoded as RFC 2047 words before it is
// stored, and encoded so before it is returned
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).

// decodeMetadata returns user metadata as it is stored. What does not decode
// stays as it is.
func decodeMetadata(metadata map[string]string) map[string]string {
	var d mime.WordDecoder
	decoded := make(map[string]string, len(metadata))
	for name, value := range metadata {
		if plain, err := d.DecodeHeader(value); err == nil {
			value = plain
		}
		decoded[name] = value
	}
	return decoded
}

// encodeMetadata encodes the user metadata in an answer's headers.
func encodeMetadata(header http.Header) {
	for name, values := range header {
		if !strings.HasPrefix(name, "X-Amz-Meta-") {
			continue
		}
		for i, value := range values {
			values[i] = mime.BEncoding.Encode("UTF-8", value) // leaves ASCII alone
		}
	}
}
