package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"golang.org/x/sync/errgroup"

	"s3fanout/internal/function/functionenv"
	sandboxs3 "s3fanout/internal/sandbox/s3"
)

// onlyWith skips what takes minutes unless a variable asks for it.
func onlyWith(t *testing.T, variable, target string) {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skipf("takes minutes; run make %s, which sets %s", target, variable)
	}
}

const seedSize = 128 * mib

// build makes an object out of zeros, marked by what follows at its end. The
// sandbox keeps zeros that are copied as holes, so that it is quick and small.
// zeros are the sizes of parts, at most seedSize each.
func (w *world) build(region, key string, zeros []int64, end string) {
	w.t.Helper()
	bucket, client, ctx := aws.String(w.bucket(region)), w.s3(region), w.t.Context()
	fail := func(err error) {
		if err != nil {
			w.t.Helper()
			w.t.Fatal(err)
		}
	}
	// The first copy in parts turns the zeros into a hole.
	_, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: bucket, Key: aws.String("zeros"), Body: bytes.NewReader(make([]byte, seedSize)),
	})
	fail(err)
	seed := w.begin(region, "seed")
	part, err := seed.copy(1, "zeros", seedSize, seedSize)
	fail(err)
	fail(seed.complete([]s3types.CompletedPart{part}))

	u := w.begin(region, key)
	parts := make([]s3types.CompletedPart, len(zeros)+1)
	var g errgroup.Group
	g.SetLimit(16)
	for i, size := range zeros {
		g.Go(func() (err error) {
			parts[i], err = u.copy(i+1, "seed", size, seedSize)
			return err
		})
	}
	fail(g.Wait())
	number := aws.Int32(int32(len(parts)))
	out, err := client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: bucket, Key: &key, UploadId: &u.id, PartNumber: number, Body: strings.NewReader(end),
		ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme,
	})
	fail(err)
	parts[len(zeros)] = s3types.CompletedPart{PartNumber: number, ETag: out.ETag, ChecksumCRC64NVME: out.ChecksumCRC64NVME}
	fail(u.complete(parts))
}

// userUpload is an upload in parts that a test makes.
type userUpload struct {
	w           *world
	client      *s3.Client // one, so that its connections are used again
	region, key string
	id          string
}

func (w *world) begin(region, key string) userUpload {
	w.t.Helper()
	client := w.s3(region)
	out, err := client.CreateMultipartUpload(w.t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String(w.bucket(region)), Key: &key,
		ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme, ChecksumType: s3types.ChecksumTypeFullObject,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return userUpload{w: w, client: client, region: region, key: key, id: *out.UploadId}
}

// copy copies the first bytes of another object of the bucket into a part.
func (u userUpload) copy(number int, from string, size, sourceSize int64) (s3types.CompletedPart, error) {
	in := &s3.UploadPartCopyInput{
		Bucket: aws.String(u.w.bucket(u.region)), Key: &u.key, UploadId: &u.id, PartNumber: aws.Int32(int32(number)),
		CopySource: aws.String(u.w.bucket(u.region) + "/" + from),
	}
	if size < sourceSize {
		in.CopySourceRange = aws.String(fmt.Sprintf("bytes=0-%d", size-1))
	}
	out, err := u.client.UploadPartCopy(u.w.t.Context(), in)
	if err != nil {
		return s3types.CompletedPart{}, err
	}
	return s3types.CompletedPart{
		PartNumber: in.PartNumber, ETag: out.CopyPartResult.ETag, ChecksumCRC64NVME: out.CopyPartResult.ChecksumCRC64NVME,
	}, nil
}

func (u userUpload) complete(parts []s3types.CompletedPart) error {
	_, err := u.client.CompleteMultipartUpload(u.w.t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(u.w.bucket(u.region)), Key: &u.key, UploadId: &u.id,
		MultipartUpload: &s3types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

// wantLargeReplica checks a replica without reading all of it: S3's checksum
// of its bytes, and the bytes around its end.
func (w *world) wantLargeReplica(home, region, key, end string) {
	w.t.Helper()
	want, got := w.describe(home, key), w.describe(region, key)
	if *got.ContentLength != *want.ContentLength || aws.ToString(got.ChecksumCRC64NVME) != *want.ChecksumCRC64NVME ||
		got.ChecksumType != want.ChecksumType {
		w.t.Errorf("%s: %d bytes with the checksum %q, want %d with %q", region,
			*got.ContentLength, aws.ToString(got.ChecksumCRC64NVME), *want.ContentLength, *want.ChecksumCRC64NVME)
	}
	out, err := w.s3(region).GetObject(w.t.Context(), &s3.GetObjectInput{
		Bucket: aws.String(w.bucket(region)), Key: &key, Range: aws.String(fmt.Sprintf("bytes=-%d", len(end)+3)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	if b, err := io.ReadAll(out.Body); err != nil || string(b) != "\x00\x00\x00"+end {
		w.t.Errorf("%s: ends with %q (%v), want three zeros and %q", region, b, err, end)
	}
}

func repeat(size int64, n int) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = size
	}
	return list
}

// A byte more than one CopyObject can copy. The sandbox computes the checksums
// of all of it, which takes minutes under the race detector.
func TestFiveGiBAndAByte(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	w := start(t, threeRegions(t))
	home := w.regions[0]
	const key, end = "5 GiB and a byte", "!"
	w.build(home, key, repeat(seedSize, 5<<30/seedSize), end)
	w.settle()
	for _, region := range w.regions[1:] {
		w.wantLargeReplica(home, region, key, end)
		w.wantLetters(region, 0)
		if n := w.unfinishedUploads(region); n != 0 {
			t.Errorf("%s: %d unfinished uploads", region, n)
		}
	}
}

// As many parts as S3 takes. The function's memory does not grow with them.
func TestTenThousandPartsInBoundedMemory(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	if runtime.GOOS != "linux" {
		t.Skip("reads a process's peak memory from /proc")
	}
	const maxMemory = 64 * mib
	var peak atomic.Int64
	w := start(t, threeRegions(t), observe(func(c sandboxs3.Call) error {
		if byFunction(c) && c.Operation == "CompleteMultipartUpload" {
			peak.Store(max(peak.Load(), peakMemory(t)))
		}
		return nil
	}))
	home := w.regions[0]
	const key, end = "10,000 parts", "the end"
	w.build(home, key, repeat(seedSize, 9_999), end)
	w.settleWithin(10 * time.Minute)
	for _, region := range w.regions[1:] {
		w.wantLargeReplica(home, region, key, end)
		w.wantLetters(region, 0)
		if n := w.operations(region)["UploadPartCopy"]; n < 9_000 {
			t.Errorf("%s: %d parts, want about 10,000", region, n)
		}
	}
	t.Logf("peak memory of a function: %.1f MiB", float64(peak.Load())/mib)
	if p := peak.Load(); p == 0 || p > maxMemory {
		t.Errorf("a function's peak memory was %d bytes, want at most %d", p, maxMemory)
	}
}

// peakMemory is the most that a function's process has had in memory, in bytes.
func peakMemory(t *testing.T) int64 {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Error(err)
	}
	most := int64(0)
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != build.function {
			continue // gone, or another's
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(link), "status"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
				if err != nil {
					t.Error(err)
				}
				most = max(most, kib<<10)
			}
		}
	}
	return most
}

// Where each request gets so much and no more, how much faster are 32 parts at a
// time than one CopyObject? A measurement: times are printed, not judged.
func TestBenchmarkCopyInParts(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_BENCH", "bench")
	atOnce, inParts, home := "ap-northeast-1", "eu-west-1", "us-east-1"
	a := editable(t, threeRegions(t))
	for region, threshold := range map[string]string{atOnce: "5368709120", inParts: strconv.Itoa(threshold)} {
		a.edit("s3fanout-"+region, func(resources map[string]any) int {
			return ofType(resources, "AWS::Lambda::Function", func(_ string, p map[string]any) {
				variables := p["Environment"].(map[string]any)["Variables"].(map[string]any)
				variables[functionenv.MultipartThreshold], variables[functionenv.MultipartParallel] = threshold, "32"
			})
		})
	}
	w := start(t, a.files)
	for _, region := range []string{atOnce, inParts} {
		w.slow(region, 10*mib)
	}
	const key, end = "2 GiB", "end"
	zeros := repeat(seedSize, 2<<30/seedSize)
	zeros[len(zeros)-1] -= int64(len(end))
	w.build(home, key, zeros, end)
	w.settleWithin(10 * time.Minute)
	for _, region := range []string{atOnce, inParts} {
		w.wantLargeReplica(home, region, key, end)
	}
	one, many := w.copyTime(atOnce, key), w.copyTime(inParts, key)
	t.Logf("one CopyObject: %v, 32 parts at a time: %v, %.1f times as fast", one, many, float64(one)/float64(many))
}

// copyTime is how long the function's log says that it took to copy a key.
func (w *world) copyTime(region, key string) time.Duration {
	w.t.Helper()
	var line struct {
		Outcome    string
		DurationMs int64
	}
	text := w.logLines(region, strconv.Quote(key))
	if err := json.Unmarshal([]byte(text), &line); err != nil || line.Outcome != "Copied" {
		w.t.Fatalf("the function's log of %s has %q for %q (%v), want one line that says Copied", region, text, key, err)
	}
	return time.Duration(line.DurationMs) * time.Millisecond
}
