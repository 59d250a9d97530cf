package sigv4

import (
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/iam"
)

// The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// and https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html.
func TestDocumentedChains(t *testing.T) {
	const secret, scope = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524T000000Z\n20130524/us-east-1/s3/aws4_request"
	data := []string{strings.Repeat("a", 65536), strings.Repeat("a", 1024), ""}
	for _, tt := range []struct {
		name, seed string
		chunks     []string
		trailer    string
	}{
		{"without a trailer", "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", []string{
			"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
			"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
			"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
		}, ""},
		{"with a trailer", "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", []string{
			"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
			"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
			"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
		}, "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &Chain{key: SigningKey(secret, "20130524", "us-east-1", "s3"), scope: scope, previous: tt.seed}
			for i, signature := range tt.chunks {
				if !c.Chunk(signature, sha256.Sum256([]byte(data[i]))) {
					t.Errorf("chunk %d: refused", i)
				}
			}
			if tt.trailer != "" && !c.Trailer(tt.trailer, "x-amz-checksum-crc32c:sOO8/Q==\n") {
				t.Error("trailer: refused")
			}
			if c.Chunk(tt.chunks[2], sha256.Sum256(nil)) {
				t.Error("a signature was accepted twice")
			}
		})
	}
}

// A chain begins only where somebody's signature is.
func TestChainNeedsASignature(t *testing.T) {
	store := iam.NewStore("aws", "123456789012")
	for name, header := range map[string]string{
		"none": "",
		"unknown key": "AWS4-HMAC-SHA256 Credential=nobody/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=" +
			strings.Repeat("0", 64),
	} {
		r := httptest.NewRequest(http.MethodPut, "/b/k", nil)
		r.Header.Set("X-Amz-Date", "20130524T000000Z")
		r.Header.Set("Authorization", header)
		if _, err := NewChain(r, store); err == nil {
			t.Errorf("%s: a chain was begun", name)
		}
	}
}
