package verify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/awsapi"
	"s3fanout/internal/verify"
)

// endless is an S3 server over buckets whose keys are computed, as many as it
// is told. The last bucket lacks one of lacks keys.
type endless struct {
	keys     int
	lacks    int
	requests atomic.Int64
}

const modified = "2026-01-02T03:04:05.000Z"

func endlessKey(i int) string { return fmt.Sprintf("objects/%03d/%09d.bin", i/50_000, i) }

func (e *endless) has(bucket string, i int) bool {
	return bucket != "bucket-2" || e.lacks == 0 || i%e.lacks != e.lacks/2
}

func (e *endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.requests.Add(1)
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Method == http.MethodHead {
		i := sort.Search(e.keys, func(i int) bool { return endlessKey(i) >= key })
		if i == e.keys || endlessKey(i) != key || !e.has(bucket, i) {
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
	i := sort.Search(e.keys, func(i int) bool { k := endlessKey(i); return k > after && k >= prefix })
	b := make([]byte, 0, 300*most)
	b = append(b, `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>`...)
	n, last, more := 0, "", false
	for ; i < e.keys; i++ {
		if !e.has(bucket, i) {
			continue
		}
		key := endlessKey(i)
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

const endlessBuckets = 3

func endlessOptions(endpoint string) verify.Options {
	o := verify.Options{Grace: verify.DefaultGrace}
	config := aws.Config{
		BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	}
	for i := range endlessBuckets {
		region := fmt.Sprintf("region-%d", i)
		o.Buckets = append(o.Buckets, verify.Bucket{
			Region: region, Name: fmt.Sprintf("bucket-%d", i), Client: awsapi.NewS3(config, region, awsapi.RequestTime, 64),
		})
	}
	return o
}

// child is the variable that makes this test binary a process that compares
// the buckets of the endpoint that it names.
const child = "S3FANOUT_VERIFY_CHILD"

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(child); endpoint != "" {
		s, err := verify.Run(context.Background(), endlessOptions(endpoint), func(verify.Difference) error { return nil }, nil)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.Keys, s.Equal, s.Missing, s.Lists, peakMemory())
		os.Exit(0)
	}
	goleak.VerifyTestMain(m) // no test leaves a goroutine behind
}

// peakMemory is the most that this process has had in memory, in bytes.
func peakMemory() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// A process that compares many keys needs no more memory than for few, and
// hardly more requests than pages.
func TestMemoryAndRequestsOfManyKeys(t *testing.T) {
	const mib, maxMemory = 1 << 20, 64 << 20
	if runtime.GOOS != "linux" || raceDetector {
		t.Skip("reads a process's peak memory from /proc, and the race detector takes several times as much")
	}
	keys := 40_000
	if os.Getenv("S3FANOUT_E2E_LARGE") != "" {
		keys = 1_000_000
	}
	e := &endless{keys: keys, lacks: keys / 10}
	server := httptest.NewServer(e)
	defer server.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+server.URL)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var seen, equal, missing, lists, memory int
	if _, err := fmt.Sscan(string(out), &seen, &equal, &missing, &lists, &memory); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pages := endlessBuckets * ((keys + 999) / 1000)
	t.Logf("%d keys in each of %d buckets: peak memory %.1f MiB, %d ListObjectsV2 for %d pages, %.1f s",
		keys, endlessBuckets, float64(memory)/mib, lists, pages, time.Since(start).Seconds())
	if seen != keys || missing != 10 || equal != keys-10 {
		t.Errorf("%d keys, %d equal, %d missing; want %d with 10 missing", seen, equal, missing, keys)
	}
	if memory == 0 || memory > maxMemory {
		t.Errorf("peak memory %d bytes, want at most %d", memory, maxMemory)
	}
	if most := pages + pages/20 + 120; lists > most {
		t.Errorf("%d requests, want at most %d", lists, most)
	}
}

// How fast are keys compared, beside the same requests with nothing done about
// the answers? A measurement: times are printed, not judged.
func TestBenchmarkAgainstBareListing(t *testing.T) {
	if os.Getenv("S3FANOUT_E2E_BENCH") == "" {
		t.Skip("takes minutes; run make bench, which sets S3FANOUT_E2E_BENCH")
	}
	const keys, ranges, rounds = 100_000, 8, 7
	server := httptest.NewServer(&endless{keys: keys})
	defer server.Close()
	o := endlessOptions(server.URL)
	var bare, compared []float64
	for range rounds {
		start := time.Now()
		if n, err := bareListing(t.Context(), o, keys, ranges); err != nil || n != endlessBuckets*keys {
			t.Fatalf("%d keys, %v", n, err)
		}
		bare = append(bare, keys/time.Since(start).Seconds())
		start = time.Now()
		if s, err := verify.Run(t.Context(), o, func(verify.Difference) error { return errors.New("no difference") }, nil); err != nil || s.Keys != keys {
			t.Fatalf("%+v, %v", s, err)
		}
		compared = append(compared, keys/time.Since(start).Seconds())
		t.Logf("keys of %d buckets a second: bare listing %.0f, verify %.0f", endlessBuckets, bare[len(bare)-1], compared[len(compared)-1])
	}
	sort.Float64s(bare)
	sort.Float64s(compared)
	for name, i := range map[string]int{"median": rounds / 2, "fastest": rounds - 1} {
		t.Logf("%s: bare listing %.0f, verify %.0f, %.2f of it", name, bare[i], compared[i], compared[i]/bare[i])
	}
}

// bareListing lists ranges of all buckets at once that are known beforehand.
func bareListing(ctx context.Context, o verify.Options, keys, ranges int) (int64, error) {
	var total atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for _, b := range o.Buckets {
		for i := range ranges {
			g.Go(func() error {
				from, to := i*keys/ranges, (i+1)*keys/ranges
				in := &s3.ListObjectsV2Input{Bucket: &b.Name, MaxKeys: aws.Int32(1000), EncodingType: types.EncodingTypeUrl}
				if from > 0 {
					in.StartAfter = aws.String(endlessKey(from - 1))
				}
				for end := endlessKey(to - 1); ; {
					out, err := b.Client.ListObjectsV2(ctx, in)
					if err != nil {
						return err
					}
					for _, o := range out.Contents {
						key, err := url.QueryUnescape(*o.Key)
						if err != nil {
							return err
						}
						if key > end {
							return nil
						}
						total.Add(1)
						if key == end {
							return nil
						}
					}
					in.ContinuationToken = out.NextContinuationToken
				}
			})
		}
	}
	err := g.Wait()
	return total.Load(), err
}
