package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/function/event"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/fault"
)

// inSmallSteps changes templates so that a copy of bigBody takes two parts and
// two invocations, when handsOver has made the network slow.
func inSmallSteps(resources map[string]any) int {
	return ofType(resources, "AWS::Lambda::Function", func(_ string, p map[string]any) {
		p["Timeout"] = 4
		variables := p["Environment"].(map[string]any)["Variables"].(map[string]any)
		variables[functionenv.MultipartThreshold] = "5242880"
		variables[functionenv.MultipartParallel] = "1"
	})
}

// bigBody has two parts of the size that the copier plans, 8 MiB.
func bigBody() string { return strings.Repeat("0123456789abcdef", 10<<20/16) }

// handsOver copies an object that does not fit into an invocation: a part
// takes more than half of the time.
func handsOver(w *world, name string) string {
	slow := func(rate float64, bytesPerSecond int64) {
		for _, region := range w.regions[1:] {
			err := w.sandbox.SetFault(fault.Fault{Region: region, Kind: fault.S3Bandwidth, Rate: rate, BytesPerSecond: bytesPerSecond})
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	slow(1, 4<<20)
	defer slow(0, 0)
	return replicates(object{body: bigBody()})(w, name)
}

// continuesUpload hands the function an upload whose object is there already:
// it lists the parts, finds the key taken and gives the upload up.
func continuesUpload(w *world, name string) string {
	home, away := w.regions[0], w.regions[1]
	w.upload(home, object{key: name, body: "continued"})
	w.settle()
	return w.invoke(away, w.continuation(home, away, name))
}

// givesUpUpload hands the function an upload whose source is gone.
func givesUpUpload(w *world, name string) string {
	home, away := w.regions[0], w.regions[1]
	version := w.upload(home, object{key: name, body: "given up"})
	w.settle()
	payload := w.continuation(home, away, name)
	_, err := w.s3(home).DeleteObject(w.t.Context(), &s3.DeleteObjectInput{
		Bucket: aws.String(w.bucket(home)), Key: aws.String(name), VersionId: aws.String(version),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if trouble := w.invoke(away, payload); trouble != "" {
		return trouble
	}
	if n := w.unfinishedUploads(away); n > 0 {
		return fmt.Sprintf("%d unfinished uploads are left in %s; the function's log: %s", n, away, w.logLines(away, "unfinished upload"))
	}
	return ""
}

// continuation begins an upload of home's object at away, as away's function
// does, and returns the payload that asks the function to go on with it.
func (w *world) continuation(home, away, key string, change ...func(*s3.CreateMultipartUploadInput)) []byte {
	w.t.Helper()
	head, err := w.s3(home).HeadObject(w.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(w.bucket(home)), Key: aws.String(key)})
	if err != nil {
		w.t.Fatal(err)
	}
	in := &s3.CreateMultipartUploadInput{Bucket: aws.String(w.bucket(away)), Key: aws.String(key)}
	for _, c := range change {
		c(in)
	}
	upload, err := s3.NewFromConfig(w.replicator(away).in(away)).CreateMultipartUpload(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	payload, err := event.EncodeContinuation(event.Continuation{
		Source: event.Record{
			Region: home, Bucket: w.bucket(home), Key: key, VersionID: aws.ToString(head.VersionId),
			Size: aws.ToInt64(head.ContentLength), ETag: contents.TrimETag(aws.ToString(head.ETag)),
		},
		UploadID: aws.ToString(upload.UploadId), PartSize: 8 << 20, Handovers: 1,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return payload
}

// replicator is a session of the Region's function's role.
func (w *world) replicator(region string) identity {
	w.t.Helper()
	name, _, _ := strings.Cut(w.bucket(region), "-"+w.state.AccountID)
	set := replicaset.Config{Name: name}
	return w.mustAssume(set.Member(w.state.AccountID, region).RoleARN(), set.OperatorSession())
}

func (w *world) unfinishedUploads(region string) int {
	w.t.Helper()
	out, err := w.s3(region).ListMultipartUploads(w.t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(w.bucket(region))})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(out.Uploads)
}

// logLines are the lines of the Region's function that contain the text.
func (w *world) logLines(region, text string) string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.sandbox.LogDir(), region+"-*.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		for line := range bytes.Lines(content) {
			if bytes.Contains(line, []byte(text)) {
				found = append(found, string(bytes.TrimSpace(line)))
			}
		}
	}
	return strings.Join(found, "\n")
}
