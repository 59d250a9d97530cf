package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
	sandboxs3 "s3fanout/internal/sandbox/s3"
)

const (
	mib = 1 << 20
	// threshold is the least that makes sense: S3 copies no range of a source
	// that is not larger.
	threshold = 5 * mib
	// plannedPart is the size of the parts that small objects are copied in.
	plannedPart = 8 * mib
)

// inParts is three Regions whose functions copy what is over the threshold in
// so many parts at a time.
func inParts(t *testing.T, parallel int, change ...func(properties map[string]any)) fs.FS {
	t.Helper()
	a := editable(t, threeRegions(t))
	a.edit("*", func(resources map[string]any) int {
		return ofType(resources, "AWS::Lambda::Function", func(_ string, p map[string]any) {
			variables := p["Environment"].(map[string]any)["Variables"].(map[string]any)
			variables[functionenv.MultipartThreshold] = strconv.Itoa(threshold)
			variables[functionenv.MultipartParallel] = strconv.Itoa(parallel)
			for _, c := range change {
				c(p)
			}
		})
	})
	return a.files
}

func timeout(seconds int) func(map[string]any) {
	return func(p map[string]any) { p["Timeout"] = seconds }
}

// observe has a test look at every S3 request; see sandbox.Config.
func observe(look func(sandboxs3.Call) error) func(*sandbox.Config) {
	return func(c *sandbox.Config) { c.OnS3Call = look }
}

// byFunction says whether a function's role made the request.
func byFunction(c sandboxs3.Call) bool { return strings.Contains(c.CallerARN, ":assumed-role/") }

// noise is a body of which no two parts are alike.
func noise(size int) string {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)})
	_, _ = r.Read(b) // never fails
	return string(b)
}

// describe returns all that S3 says of an object but what a copy cannot keep.
func (w *world) describe(region, key string) s3.HeadObjectOutput {
	w.t.Helper()
	head, err := w.s3(region).HeadObject(w.t.Context(), &s3.HeadObjectInput{
		Bucket: aws.String(w.bucket(region)), Key: aws.String(key), ChecksumMode: s3types.ChecksumModeEnabled,
	})
	if err != nil {
		w.t.Fatalf("describe %q in %s: %v", key, region, err)
	}
	head.ETag, head.LastModified, head.VersionId, head.ResultMetadata = nil, nil, nil, middleware.Metadata{}
	return *head
}

func (w *world) operations(region string) map[string]int64 {
	total := map[string]int64{}
	for caller, operations := range w.sandbox.Stats().Regions[region].S3 {
		if strings.Contains(caller, ":assumed-role/") {
			for operation, n := range operations {
				total[operation] += n
			}
		}
	}
	return total
}

// full is an upload with everything that a copy carries.
func (w *world) full(region, key, body string) object {
	w.t.Helper()
	tags := url.Values{}
	for i := range 10 {
		tags.Set(fmt.Sprintf("tag-%d", i), fmt.Sprintf("value %d", i))
	}
	o := object{
		key: key, body: body,
		metadata: map[string]string{"owner": "platform", "word": "=?UTF-8?b?w7xuw69jw7Zkw6k=?=", "long": strings.Repeat("x", 1500)},
	}
	_, err := w.s3(region).PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(w.bucket(region)), Key: &key, Body: strings.NewReader(body), Metadata: o.metadata,
		Tagging:     aws.String(tags.Encode()),
		ContentType: aws.String("text/x-noise; charset=none"), ContentEncoding: aws.String("identity"),
		ContentLanguage:    aws.String("de, en"),
		ContentDisposition: aws.String(`attachment; filename="noise"`), CacheControl: aws.String("max-age=60"),
		Expires: aws.Time(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	o.tags = w.tags(region, key)
	return o
}

func TestEverySizeArrivesWithAllItsProperties(t *testing.T) {
	t.Parallel()
	w := start(t, inParts(t, 4))
	home := w.regions[0]
	inParts := 0
	for _, size := range []int{
		0, 1, threshold - 1, threshold, threshold + 1, plannedPart - 1, plannedPart, plannedPart + 1, 2*plannedPart + 12345,
	} {
		o := w.full(home, fmt.Sprintf("%d bytes", size), noise(size))
		w.settle()
		w.wantEverywhere(o)
		want := w.describe(home, o.key)
		for _, region := range w.regions[1:] {
			if got := w.describe(region, o.key); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %q is\n%+v, want\n%+v", region, o.key, got, want)
			}
			if n := w.unfinishedUploads(region); n != 0 {
				t.Errorf("%s: %d unfinished uploads", region, n)
			}
			w.wantLetters(region, 0)
		}
		if size > threshold {
			inParts++
		}
	}
	for _, region := range w.regions[1:] {
		if got := w.operations(region); got["CompleteMultipartUpload"] != int64(inParts) || got["CopyObject"] != int64(9-inParts) {
			t.Errorf("%s: %v, want %d objects copied in parts, and %d at once", region, got, inParts, 9-inParts)
		}
	}
}

// Whether a replica was copied at once or in parts, only its ETag tells.
func TestCopiesAtOnceAndInPartsAreAlike(t *testing.T) {
	t.Parallel()
	w := start(t, inPartsIn(t, "eu-west-1"))
	body := noise(plannedPart + 1)
	for name, algorithm := range map[string]s3types.ChecksumAlgorithm{
		"crc64nvme": s3types.ChecksumAlgorithmCrc64nvme, "crc32": s3types.ChecksumAlgorithmCrc32, "crc32c": s3types.ChecksumAlgorithmCrc32c,
	} {
		_, err := w.s3("us-east-1").PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(w.bucket("us-east-1")), Key: &name, Body: strings.NewReader(body), ChecksumAlgorithm: algorithm,
			Metadata: map[string]string{"a": "b"}, ContentType: aws.String("a/b"),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		atOnce, inParts := w.describe("ap-northeast-1", name), w.describe("eu-west-1", name)
		if !reflect.DeepEqual(atOnce, inParts) {
			t.Errorf("%s: copied at once\n%+v, in parts\n%+v", name, atOnce, inParts)
		}
	}
	once, parts := w.operations("ap-northeast-1"), w.operations("eu-west-1")
	if once["CopyObject"] != 3 || parts["CompleteMultipartUpload"] != 3 {
		t.Errorf("requests %v and %v, want three copies at once and three in parts", once, parts)
	}
}

// inPartsIn is three Regions of which one copies in parts.
func inPartsIn(t *testing.T, region string) fs.FS {
	t.Helper()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-"+region, func(resources map[string]any) int {
		return ofType(resources, "AWS::Lambda::Function", func(_ string, p map[string]any) {
			p["Environment"].(map[string]any)["Variables"].(map[string]any)[functionenv.MultipartThreshold] = strconv.Itoa(threshold)
		})
	})
	return a.files
}

// With six seconds an invocation begins two parts of two seconds, since it keeps half
// of its time for what is under way, and another one goes on where it stopped. Not
// parallel: a part must not take as much as two seconds longer.
func TestCopyOverSeveralInvocationsCopiesNoPartTwice(t *testing.T) {
	const parts = 7
	w := start(t, inParts(t, 1, timeout(6)))
	for _, region := range w.regions[1:] {
		w.slow(region, plannedPart/2) // two seconds a part
	}
	o := w.full(w.regions[0], "slow", noise((parts-1)*plannedPart+1))
	w.settle()
	for _, region := range w.regions[1:] {
		w.slow(region, 0)
	}
	w.wantEverywhere(o)
	for _, region := range w.regions[1:] {
		w.wantLetters(region, 0)
		got := w.operations(region)
		if got["UploadPartCopy"] != parts || got["CreateMultipartUpload"] != 1 || got["CompleteMultipartUpload"] != 1 {
			t.Errorf("%s: %v, want one upload and each of %d parts copied once", region, got, parts)
		}
		if n := w.sandbox.Stats().Regions[region].Lambda; n.Invocations < 3 || n.Errors != 0 {
			t.Errorf("%s: %+v, want at least two hand-overs and no error", region, n)
		}
		if n := w.unfinishedUploads(region); n != 0 {
			t.Errorf("%s: %d unfinished uploads", region, n)
		}
	}
}

// slow gives each S3 request in the Region so many bytes a second; 0: as many
// as there are.
func (w *world) slow(region string, bytesPerSecond int64) {
	w.t.Helper()
	f := fault.Fault{Region: region, Kind: fault.S3Bandwidth, Rate: 1, BytesPerSecond: bytesPerSecond}
	if bytesPerSecond == 0 {
		f.Rate = 0
	}
	if err := w.sandbox.SetFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// A hand-over whose continuation fails for good ends as a dead letter, and the
// redrive of it copies what is missing and nothing else. Not parallel, as above.
func TestRedriveContinuesWhereTheCopyStopped(t *testing.T) {
	const parts = 4
	var w *world
	home, away := "us-east-1", "eu-west-1"
	var healed atomic.Bool
	w = start(t, inParts(t, 1, timeout(3)), observe(func(c sandboxs3.Call) error {
		if c.Region != away || !byFunction(c) || c.Operation != "ListParts" || healed.Load() {
			return nil
		}
		// The continuation dies here, and its retries as soon as they begin.
		err := w.sandbox.SetFault(fault.Fault{Region: away, Kind: fault.LambdaCrash, Rate: 1})
		w.sandbox.KillFunction(away)
		return errors.Join(errors.New("the function was killed"), err)
	}))
	w.slow(away, plannedPart)
	o := w.full(home, "interrupted", noise((parts-1)*plannedPart+1))
	w.settle()
	w.wantLetters(away, 1)
	letters := w.letters(away)
	if len(letters) != 1 || !strings.Contains(letters[0], `"continue"`) || !strings.Contains(letters[0], `"uploadId"`) {
		t.Fatalf("letters %q, want the continuation with its upload", letters)
	}
	before := w.operations(away)
	if n := before["UploadPartCopy"]; n == 0 || n >= parts {
		t.Fatalf("%d parts copied before the failure, want some and not all", n)
	}
	w.slow(away, 0)
	healed.Store(true)
	w.fault(away, fault.LambdaCrash, 0, 0)
	if code, out := w.redrive(); code != 0 {
		t.Errorf("redrive: exit %d, want 0\n%s", code, out)
	}
	w.settle()
	w.wantEverywhere(o)
	w.wantLetters(away, 0)
	after := w.operations(away)
	if after["UploadPartCopy"] != parts || after["CreateMultipartUpload"] != 1 {
		t.Errorf("requests went from %v to %v, want one upload and each of %d parts copied once", before, after, parts)
	}
	if n := w.unfinishedUploads(away); n != 0 {
		t.Errorf("%d unfinished uploads", n)
	}
}

// Somebody writes the key while its parts are copied: it is not replaced, and
// the upload is aborted.
func TestLostRaceAbortsTheUpload(t *testing.T) {
	t.Parallel()
	var w *world
	home, away := "us-east-1", "eu-west-1"
	winner := object{key: "raced", body: "the user's own"}
	w = start(t, inParts(t, 2), observe(func(c sandboxs3.Call) error {
		if c.Region == away && byFunction(c) && c.Operation == "CompleteMultipartUpload" && !c.Done {
			_, err := w.put(away, winner)
			return err
		}
		return nil
	}))
	w.full(home, winner.key, noise(plannedPart+1))
	w.settle()
	w.wantIn(away, winner)
	if n := w.versions(away, winner.key); n != 1 {
		t.Errorf("%d versions, want the user's alone", n)
	}
	if n := w.unfinishedUploads(away); n != 0 {
		t.Errorf("%d unfinished uploads, want the lost one aborted", n)
	}
	w.wantLetters(away, 0)
	if lines := w.logLines(away, winner.key); !strings.Contains(lines, `"outcome":"Diverged"`) {
		t.Errorf("the function's log says %s, want the outcome Diverged", lines)
	}
	if got := w.operations(away); got["CompleteMultipartUpload"] != 1 || got["AbortMultipartUpload"] != 1 {
		t.Errorf("requests %v, want one completion tried and one abort", got)
	}
}
