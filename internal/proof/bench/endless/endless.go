// Package endless is an S3 server over buckets of any number of keys, which are
// computed and not stored: it takes little of the machine, so that what is
// measured beside it is the client. It checks nothing of what it is asked.
package endless

import (
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/operator/verify"
)

// Buckets is how many there are.
const Buckets = 3

// BucketName is the name of the i-th bucket.
func BucketName(i int) string { return fmt.Sprintf("bucket-%d", i) }

// Server is an S3 server that lists and answers HEADs. It may be used
// concurrently.
type Server struct {
	// Keys is how many keys each bucket has.
	Keys int
	// Lacks, if not 0, is of how many keys the last bucket lacks one.
	Lacks int
}

const modified = "2026-01-02T03:04:05.000Z"

// Key is the i-th key, in the order of listings.
func Key(i int) string { return fmt.Sprintf("objects/%03d/%09d.bin", i/50_000, i) }

func (s *Server) has(bucket string, i int) bool {
	return bucket != BucketName(Buckets-1) || s.Lacks == 0 || i%s.Lacks != s.Lacks/2
}

// ServeHTTP answers ListObjectsV2 and HeadObject.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Method == http.MethodHead {
		i := sort.Search(s.Keys, func(i int) bool { return Key(i) >= key })
		if i == s.Keys || Key(i) != key || !s.has(bucket, i) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(i))
		w.Header().Set("ETag", fmt.Sprintf(`"%032x"`, i))
		w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
		return
	}
	q := r.URL.Query()
	prefix, after := q.Get("prefix"), max(q.Get("start-after"), q.Get("continuation-token"))
	most, err := strconv.Atoi(q.Get("max-keys"))
	if err != nil || q.Get("list-type") != "2" || q.Get("encoding-type") != "url" {
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	i := sort.Search(s.Keys, func(i int) bool { k := Key(i); return k > after && k >= prefix })
	b := make([]byte, 0, 300*most)
	b = append(b, `<?xml version="1.0" encoding="UTF-8"?>`+
		`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>`...)
	n, last, more := 0, "", false
	for ; i < s.Keys; i++ {
		if !s.has(bucket, i) {
			continue
		}
		key := Key(i)
		if !strings.HasPrefix(key, prefix) {
			break
		}
		if n == most {
			more = true
			break
		}
		n, last = n+1, key
		b = append(b, `<Contents><Key>`...)
		b = append(b, key...)
		b = append(b, `</Key><LastModified>`+modified+`</LastModified><ETag>&quot;`...)
		b = fmt.Appendf(b, "%032x", i)
		b = append(b, `&quot;</ETag><Size>`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `</Size><StorageClass>STANDARD</StorageClass></Contents>`...)
	}
	b = fmt.Appendf(b, "<KeyCount>%d</KeyCount><IsTruncated>%t</IsTruncated>", n, more)
	if more {
		b = fmt.Appendf(b, "<NextContinuationToken>%s</NextContinuationToken>", last)
	}
	b = append(b, `</ListBucketResult>`...)
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(b) // the client has gone away
}

// Options are those of a comparison of the buckets that a Server at the endpoint
// has.
func Options(endpoint string) verify.Options {
	o := verify.Options{Grace: verify.DefaultGrace}
	config := aws.Config{
		BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		APIOptions: []func(*middleware.Stack) error{requestbody.Keep},
	}
	for i := range Buckets {
		region := fmt.Sprintf("region-%d", i)
		o.Buckets = append(o.Buckets, verify.Bucket{
			Region: region, Name: BucketName(i), Client: awsapi.NewS3(config, region, "111122223333", awsapi.RequestTime, 64),
		})
	}
	return o
}
