package copier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc64"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// memory is an S3 service in memory with the rules that multipart copies
// depend on. It is called without a network, so that it works on virtual time.
type memory struct {
	mu      sync.Mutex
	objects map[string]*stored // "bucket/key"
	uploads map[string]*openUpload
	made    int            // uploads ever made
	ops     []string       // every request, in order of arrival
	copied  map[string]int // how often each part was copied, "upload/part"
	bad     []string       // requests no S3 client should send
	minPart int64
	// before is asked before a request takes effect, after when it has; a
	// reply goes out instead of the right one. An error cuts the connection.
	before, after func(r *http.Request, op string, n int) (*reply, error)
	// corrupt flips a bit of every part that is copied.
	corrupt bool
}

// stored is an object: what it was stored with, as headers.
type stored struct {
	body    []byte
	header  http.Header
	tags    [][2]string
	version string
	deleted bool
}

type openUpload struct {
	key    string
	header http.Header
	tags   [][2]string
	parts  map[int][]byte
	// by is the initiator, as S3 names it.
	by string
}

// The role of the Copier in tests, and a session of it.
const (
	ownRole    = "arn:aws:iam::111122223333:role/media-replicator-eu-west-1"
	ownSession = "arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator"
)

func newMemory() *memory {
	return &memory{objects: map[string]*stored{}, uploads: map[string]*openUpload{}, copied: map[string]int{}, minPart: 1}
}

// client is the real SDK client, wired to the memory.
func (m *memory) client(attempts int) *s3.Client {
	return s3.New(s3.Options{
		Region: "ap-south-1", BaseEndpoint: aws.String("http://s3.test"), UsePathStyle: true, HTTPClient: m,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = attempts
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
}

// Do is one request.
func (m *memory) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body := []byte{}
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	op := operationOf(r)
	m.mu.Lock()
	m.ops = append(m.ops, op)
	n, before, after := len(m.ops), m.before, m.after
	m.mu.Unlock()
	if before != nil {
		if answer, err := before(r, op, n); answer != nil || err != nil {
			return toResponse(r, answer), err
		}
	}
	m.mu.Lock()
	right := m.serve(r, op, body)
	m.mu.Unlock()
	if after != nil {
		if answer, err := after(r, op, n); answer != nil || err != nil {
			return toResponse(r, answer), err
		}
	}
	return toResponse(r, &right), nil
}

func toResponse(r *http.Request, a *reply) *http.Response {
	if a == nil {
		return nil
	}
	w := httptest.NewRecorder()
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, a.body)
	}
	return w.Result()
}

func operationOf(r *http.Request) string {
	q := r.URL.Query()
	source := r.Header.Get("X-Amz-Copy-Source") != ""
	switch {
	case r.Method == http.MethodHead:
		return "Head"
	case r.Method == http.MethodGet && q.Has("tagging"):
		return "Tags"
	case r.Method == http.MethodGet && q.Has("uploadId"):
		return "List"
	case r.Method == http.MethodPost && q.Has("uploads"):
		return "Create"
	case r.Method == http.MethodPost && q.Has("uploadId"):
		return "Complete"
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		return "Abort"
	case r.Method == http.MethodPut && q.Has("uploadId") && source:
		return "Part"
	case r.Method == http.MethodPut && source:
		return "Copy"
	}
	return "unknown " + r.Method
}

func (m *memory) serve(r *http.Request, op string, body []byte) reply {
	path := strings.TrimPrefix(r.URL.Path, "/")
	id := r.URL.Query().Get("uploadId")
	upload := m.uploads[id]
	switch op {
	case "Head", "Tags":
		return m.read(r, path, op)
	case "Copy":
		return m.copy(r, path)
	case "Create":
		m.made++
		id := "upload-" + strconv.Itoa(m.made)
		m.uploads[id] = &openUpload{
			key: path, header: kept(r.Header), tags: parseTags(r.Header.Get("X-Amz-Tagging")), parts: map[int][]byte{}, by: ownSession,
		}
		return reply{status: 200, body: "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>"}
	}
	if upload == nil || upload.key != path {
		return refused(404, "NoSuchUpload", "The specified upload does not exist.")
	}
	switch op {
	case "Part":
		return m.part(r, id, upload)
	case "List":
		return list(r.URL.Query(), upload)
	case "Abort":
		delete(m.uploads, id)
		return reply{status: 204}
	case "Complete":
		return m.complete(r, id, upload, string(body))
	}
	return refused(400, "InvalidRequest", op)
}

// kept are the headers of a request that belong to the object.
func kept(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		l := strings.ToLower(name)
		switch l {
		case "content-type", "content-encoding", "content-disposition", "content-language", "cache-control", "expires",
			"x-amz-website-redirect-location", "x-amz-storage-class", "x-amz-checksum-algorithm", "x-amz-checksum-type":
			out[name] = values
		}
		if strings.HasPrefix(l, "x-amz-meta-") {
			out[name] = values
		}
	}
	return out
}

func parseTags(s string) [][2]string {
	var out [][2]string
	for pair := range strings.SplitSeq(s, "&") {
		k, v, ok := strings.Cut(pair, "=")
		key, errK := url.QueryUnescape(k)
		value, errV := url.PathUnescape(v) // S3 might read it either way
		if other, err := url.QueryUnescape(v); ok && errK == nil && errV == nil && err == nil && other == value {
			out = append(out, [2]string{key, value})
		}
	}
	return out
}

func (m *memory) find(path, version string) (*stored, *reply) {
	o := m.objects[path]
	if version == "" && strings.HasPrefix(path, "src/") {
		m.bad = append(m.bad, "a source read without its version")
	}
	switch {
	case o == nil || version == "" && o.deleted:
		answer := refused(404, "NoSuchKey", "The specified key does not exist.")
		return nil, &answer
	case version != "" && version != o.version || o.deleted:
		answer := refused(404, "NoSuchVersion", "The specified version does not exist.")
		return nil, &answer
	}
	return o, nil
}

func (m *memory) read(r *http.Request, path, op string) reply {
	o, missing := m.find(path, r.URL.Query().Get("versionId"))
	if missing != nil {
		return *missing
	}
	if op == "Tags" {
		var b strings.Builder
		b.WriteString("<Tagging><TagSet>")
		for _, tag := range o.tags {
			fmt.Fprintf(&b, "<Tag><Key>%s</Key><Value>%s</Value></Tag>", xmlText(tag[0]), xmlText(tag[1]))
		}
		return reply{status: 200, body: b.String() + "</TagSet></Tagging>"}
	}
	h := map[string]string{"ETag": etagOf(o.body), "Content-Length": strconv.Itoa(len(o.body)), "x-amz-version-id": o.version}
	for name := range o.header {
		if !strings.HasPrefix(name, "X-Amz-Checksum-") || r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
			h[name] = o.header.Get(name)
		}
	}
	return reply{status: 200, header: h}
}

func xmlText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;").Replace(s)
}

// source is what x-amz-copy-source names.
func (m *memory) source(r *http.Request) (*stored, *reply) {
	raw, query, _ := strings.Cut(r.Header.Get("X-Amz-Copy-Source"), "?")
	path, _ := url.PathUnescape(raw)
	version, _ := url.PathUnescape(strings.TrimPrefix(query, "versionId="))
	o, missing := m.find(path, version)
	if missing != nil {
		return nil, missing
	}
	if want := r.Header.Get("X-Amz-Copy-Source-If-Match"); want != "" && want != etagOf(o.body) {
		answer := refused(412, "PreconditionFailed", "x-amz-copy-source-If-Match")
		return nil, &answer
	}
	return o, nil
}

func (m *memory) copy(r *http.Request, path string) reply {
	o, missing := m.source(r)
	switch {
	case missing != nil:
		return *missing
	case r.Header.Get("If-None-Match") == "*" && m.objects[path] != nil:
		return refused(412, "PreconditionFailed", "If-None-Match")
	}
	dup := *o
	dup.header = o.header.Clone()
	dup.header.Del("X-Amz-Storage-Class")
	dup.header.Del("X-Amz-Website-Redirect-Location")
	if r.Header.Get("X-Amz-Metadata-Directive") == "REPLACE" {
		for name := range dup.header {
			if !strings.HasPrefix(name, "X-Amz-Checksum") {
				dup.header.Del(name)
			}
		}
		maps.Copy(dup.header, kept(r.Header))
	}
	if redirect := r.Header.Get("X-Amz-Website-Redirect-Location"); redirect != "" {
		dup.header.Set("X-Amz-Website-Redirect-Location", redirect)
	}
	if class := r.Header.Get("X-Amz-Storage-Class"); class != "" {
		dup.header.Set("X-Amz-Storage-Class", class)
	}
	m.objects[path] = &dup
	return copied()
}

func (m *memory) part(r *http.Request, id string, u *openUpload) reply {
	o, missing := m.source(r)
	if missing != nil {
		return *missing
	}
	if r.Header.Get("X-Amz-Copy-Source-If-Match") == "" {
		m.bad = append(m.bad, "a part without x-amz-copy-source-if-match")
	}
	first, last := 0, len(o.body)-1
	if v := r.Header.Get("X-Amz-Copy-Source-Range"); v != "" {
		if n, err := fmt.Sscanf(v, "bytes=%d-%d", &first, &last); n != 2 || err != nil || first > last || last >= len(o.body) {
			return refused(400, "InvalidArgument", "range "+v)
		}
	}
	number, _ := strconv.Atoi(r.URL.Query().Get("partNumber"))
	if number < 1 || number > maxParts {
		return refused(400, "InvalidArgument", "part number")
	}
	data := bytes.Clone(o.body[first : last+1])
	if m.corrupt {
		data[0] ^= 1
	}
	u.parts[number] = data
	m.copied[id+"/"+strconv.Itoa(number)]++
	return reply{status: 200, body: "<CopyPartResult><ETag>" + xmlText(etagOf(data)) + "</ETag></CopyPartResult>"}
}

func list(q url.Values, u *openUpload) reply {
	const page = 3
	after, _ := strconv.Atoi(q.Get("part-number-marker"))
	var b strings.Builder
	fmt.Fprintf(&b, "<ListPartsResult><Initiator><ID>%s</ID></Initiator><ChecksumAlgorithm>%s</ChecksumAlgorithm>",
		u.by, u.header.Get("X-Amz-Checksum-Algorithm"))
	numbers, truncated, last := sortedKeys(u.parts), false, 0
	n := 0
	for _, number := range numbers {
		if number <= after {
			continue
		}
		if n++; n > page {
			truncated = true
			break
		}
		last = number
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag><Size>%d</Size></Part>",
			number, xmlText(etagOf(u.parts[number])), len(u.parts[number]))
	}
	fmt.Fprintf(&b, "<IsTruncated>%t</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker></ListPartsResult>", truncated, last)
	return reply{status: 200, body: b.String()}
}

func sortedKeys(parts map[int][]byte) []int {
	var out []int
	for n := range maps.Keys(parts) {
		out = append(out, n)
	}
	sort.Ints(out)
	return out
}

func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

func crc64nvme(body []byte) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], crc64.Checksum(body, crc64.MakeTable(0x9a6c9329ac4bc9b5)))
	return base64.StdEncoding.EncodeToString(b[:])
}

// check fails the test if a request was wrong in a way that S3 would let pass.
func (m *memory) check(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.bad {
		t.Error(b)
	}
	for _, op := range m.ops {
		if strings.HasPrefix(op, "unknown") {
			t.Error(op)
		}
	}
}
