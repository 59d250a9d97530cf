package s3

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/sigv4"
)

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// raw returns a signed request, for what an SDK would not send.
func (w *world) raw(t testing.TB, method, target, payloadHash string, body []byte, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.endpoint+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", payloadHash)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	admin := w.store.Admin()
	credentials := aws.Credentials{AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey}
	err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		SignHTTP(t.Context(), credentials, r, payloadHash, "s3", here, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// do sends a request and returns the status, the headers and the body.
func do(t testing.TB, r *http.Request) (int, http.Header, string) {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

// A client that waits for 100 before it sends nothing gets it first: botocore
// would otherwise take the answer for the one to its next request.
func TestExpectWithoutBodyIsContinued(t *testing.T) {
	w := newWorld(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(w.endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }() // only read
	answers := bufio.NewReader(connection)
	for i := range 2 { // on one connection
		r := w.raw(t, http.MethodPut, fmt.Sprintf("/%s/empty%d", hereBucket, i), emptyHash, nil, "Expect", "100-continue")
		if err := r.Write(connection); err != nil {
			t.Fatal(err)
		}
		var got []int
		for len(got) == 0 || got[len(got)-1] == http.StatusContinue {
			res, err := http.ReadResponse(answers, r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			got = append(got, res.StatusCode)
		}
		if len(got) != 2 || got[1] != http.StatusOK {
			t.Errorf("answered %v, want 100, then 200", got)
		}
	}
}

// chunks encodes data in signed chunks.
func chunks(t testing.TB, w *world, r *http.Request, trailer string, data ...string) string {
	t.Helper()
	admin := w.store.Admin()
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	date := at.Format("20060102")
	key := sigv4.SigningKey(admin.SecretAccessKey, date, here, "s3")
	_, previous, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	sign := func(kind string, hashes ...string) string {
		previous = hmacHex(key, strings.Join(append([]string{
			"AWS4-HMAC-SHA256-" + kind, r.Header.Get("X-Amz-Date"), date + "/" + here + "/s3/aws4_request", previous,
		}, hashes...), "\n"))
		return previous
	}
	var b strings.Builder
	for _, d := range append(data, "") {
		hash := sha256.Sum256([]byte(d))
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s", len(d), sign("PAYLOAD", emptyHash, hex.EncodeToString(hash[:])), d)
		if d != "" {
			b.WriteString("\r\n")
		}
	}
	if trailer != "" {
		hash := sha256.Sum256([]byte(trailer + "\n"))
		fmt.Fprintf(&b, "%s\r\nx-amz-trailer-signature:%s\r\n", trailer, sign("TRAILER", hex.EncodeToString(hash[:])))
	}
	return b.String() + "\r\n"
}

// A body in signed chunks is taken as it was signed, or not at all; how it came
// is not kept as the object's encoding.
func TestSignedChunks(t *testing.T) {
	w := newWorld(t)
	first, second := strings.Repeat("a", 70_000), "bc"
	var sum [4]byte
	table := crc32.MakeTable(crc32.Castagnoli)
	for i := range sum {
		sum[i] = byte(crc32.Checksum([]byte(first+second), table) >> (24 - 8*i))
	}
	trailer := "x-amz-checksum-crc32c:" + base64Of(sum[:])
	for name, tt := range map[string]struct {
		trailer string
		change  func(string) string
		status  int
		code    string
	}{
		"as signed":                 {"", nil, 200, ""},
		"as signed, with a trailer": {trailer, nil, 200, ""},
		"changed data": {"", func(s string) string { return strings.Replace(s, "bc", "bd", 1) }, 403,
			"SignatureDoesNotMatch"},
		"changed trailer": {trailer, func(s string) string { return strings.Replace(s, "crc32c:", "crc32c: A", 1) }, 403,
			"SignatureDoesNotMatch"},
		"wrong checksum":             {"x-amz-checksum-crc32c:AAAAAA==", nil, 400, "BadDigest"},
		"cut off in a chunk":         {"", func(s string) string { return s[:len(s)/2] }, 400, "IncompleteBody"},
		"cut off before the end":     {"", func(s string) string { return s[:len(s)-2] }, 400, "IncompleteBody"},
		"without the last chunk":     {"", func(s string) string { return s[:strings.LastIndex(s, "0;")] }, 400, "IncompleteBody"},
		"a size that is none":        {"", func(s string) string { return "x" + s }, 400, "IncompleteBody"},
		"a chunk of another size":    {"", func(s string) string { return strings.Replace(s, "2;", "1;", 1) }, 400, "IncompleteBody"},
		"chunks without a signature": {"", func(string) string { return "1\r\na\r\n0\r\n\r\n" }, 400, "IncompleteBody"},
		"another trailer":            {"x-amz-checksum-sha1:AAAA", nil, 400, "MalformedTrailerError"},
	} {
		t.Run(name, func(t *testing.T) {
			hash, header := streamingSigned, []string{
				"Content-Encoding", "aws-chunked,gzip", "X-Amz-Decoded-Content-Length", fmt.Sprint(len(first) + len(second)),
			}
			if tt.trailer != "" {
				hash, header = streamingTrailer, append(header, "X-Amz-Trailer", "x-amz-checksum-crc32c")
			}
			r := w.raw(t, http.MethodPut, "/"+hereBucket+"/k", hash, nil, header...)
			body := chunks(t, w, r, tt.trailer, first, second)
			if tt.change != nil {
				body = tt.change(body)
			}
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			status, _, answer := do(t, r)
			if status != tt.status || !strings.Contains(answer, tt.code) {
				t.Fatalf("got %d %s, want %d %s", status, answer, tt.status, tt.code)
			}
			if status != http.StatusOK {
				return
			}
			if got := w.get(t, here, hereBucket, "k"); got != first+second {
				t.Errorf("got %d bytes, want %d", len(got), len(first+second))
			}
			if got := aws.ToString(w.head(t, here, hereBucket, "k").ContentEncoding); got != "gzip" {
				t.Errorf("the encoding is %q, want gzip", got)
			}
		})
	}
}

// Only the last chunk may be small.
func TestSmallChunks(t *testing.T) {
	w := newWorld(t)
	large := strings.Repeat("a", leastChunk)
	for _, tt := range []struct {
		data   []string
		status int
	}{{[]string{"a"}, 200}, {[]string{large, large, "a"}, 200}, {[]string{"a", "b"}, 403}, {[]string{"a", large}, 403}} {
		size := 0
		for _, d := range tt.data {
			size += len(d)
		}
		r := w.raw(t, http.MethodPut, "/"+hereBucket+"/k", streamingSigned, nil, "X-Amz-Decoded-Content-Length", fmt.Sprint(size))
		body := chunks(t, w, r, "", tt.data...)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		if status, _, answer := do(t, r); status != tt.status || status != 200 && !strings.Contains(answer, "InvalidChunkSizeError") {
			t.Errorf("%d bytes in %d chunks: %d %s, want %d", size, len(tt.data), status, answer, tt.status)
		}
	}
}

// What is only the upload's encoding is not the object's, through the SDK either.
func TestUploadEncodingIsNotKept(t *testing.T) {
	w := newWorld(t)
	for sent, want := range map[string]string{"aws-chunked": "", "aws-chunked, br": "br", "gzip,br": "gzip,br"} {
		w.put(t, here, hereBucket, "k", "x", func(in *sdk.PutObjectInput) { in.ContentEncoding = &sent })
		if got := aws.ToString(w.head(t, here, hereBucket, "k").ContentEncoding); got != want {
			t.Errorf("of %q the encoding %q was kept, want %q", sent, got, want)
		}
	}
}

func TestBodiesThatS3Refuses(t *testing.T) {
	w := newWorld(t)
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	for _, tt := range []struct {
		name, hash string
		header     []string
		status     int
		code       string
	}{
		{"another hash", sum("other"), nil, 400, "XAmzContentSHA256Mismatch"},
		{"another MD5", sum("body"), []string{"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}, 400, "BadDigest"},
		{"an MD5 that is none", sum("body"), []string{"Content-MD5", "x"}, 400, "InvalidDigest"},
		{"a checksum that is none", sum("body"), []string{"X-Amz-Checksum-Crc32", "x"}, 400, "InvalidRequest"},
		{"two checksums", sum("body"), []string{"X-Amz-Checksum-Crc32", "AAAAAA==", "X-Amz-Checksum-Crc32c", "AAAAAA=="}, 400,
			"InvalidRequest"},
		{"an algorithm without its checksum", sum("body"), []string{"X-Amz-Sdk-Checksum-Algorithm", "CRC32"}, 400, "InvalidRequest"},
		{"a checksum of XXHASH", sum("body"), []string{"X-Amz-Checksum-Xxhash64", "AAAAAAAAAAA="}, 501, "NotImplemented"},
		{"chunks without their size", streamingUnsigned, nil, 411, "MissingContentLength"},
		{"a trailer without chunks", sum("body"), []string{"X-Amz-Trailer", "x-amz-checksum-crc32"}, 400, "InvalidRequest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, _, answer := do(t, w.raw(t, http.MethodPut, "/"+hereBucket+"/k", tt.hash, []byte("body"), tt.header...))
			if status != tt.status || !strings.Contains(answer, "<Code>"+tt.code+"</Code>") {
				t.Errorf("got %d %s, want %d %s", status, answer, tt.status, tt.code)
			}
		})
	}
	list, err := w.client(here).ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: aws.String(hereBucket)})
	if err != nil || len(list.Versions) != 0 {
		t.Errorf("%+v (%v) is there, want nothing", list.Versions, err)
	}
}

// FuzzChunked checks that what is not in the encoding is refused, and nothing
// breaks.
func FuzzChunked(f *testing.F) {
	f.Add("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n")
	f.Add("0\r\n\r\n")
	f.Add("1;chunk-signature=0\r\na\r\n0;chunk-signature=0\r\n\r\n")
	f.Add("ffffffffffffffff\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		r, err := http.NewRequest(http.MethodPut, "/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Content-Sha256", streamingUnsigned)
		r.Header.Set("X-Amz-Decoded-Content-Length", "3")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		c, err := (&Service{}).newChunked(r)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(c)
		if len(data) > len(body) || err == nil && len(data) != 3 {
			t.Errorf("%d bytes of %d (%v)", len(data), len(body), err)
		}
		if err == nil && !strings.Contains(body, "0\r\n") && !strings.Contains(body, "0\n") {
			t.Errorf("%q came to an end", body)
		}
	})
}

func hmacHex(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func md5Of(s string) string {
	sum := md5.Sum([]byte(s))
	return base64Of(sum[:])
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
