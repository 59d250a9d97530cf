package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"

	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// world is a running sandbox and a user's clients for it.
type world struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	state   sandbox.State
	regions []string // in order
	session string   // token of the credentials, if they are of a role's session
	// leavesUploads says that unfinished uploads are what the test is about, or
	// that it ends in the middle of one.
	leavesUploads bool
	env           []string // of the command, besides endpoint and credentials
}

func newWorld(t *testing.T, sb *sandbox.Sandbox) *world {
	st := sb.State()
	return &world{t: t, sandbox: sb, state: st, regions: slices.Sorted(maps.Keys(st.Regions))}
}

func (w *world) config(region string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(w.state.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(w.state.AccessKeyID, w.state.SecretAccessKey, ""),
		APIOptions:   []func(*middleware.Stack) error{requestbody.Keep},
	}
}

func (w *world) s3(region string) *s3.Client { return s3.NewFromConfig(w.config(region)) }

func (w *world) bucket(region string) string { return w.state.Regions[region].Bucket }

// object is what a test uploads and expects to find.
type object struct {
	key      string
	body     string
	tags     string // URL-encoded, as PutObject takes them
	metadata map[string]string
}

// upload puts an object and returns its version.
func (w *world) upload(region string, o object) string {
	w.t.Helper()
	version, err := w.put(region, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return version
}

func (w *world) put(region string, o object) (version string, err error) {
	in := &s3.PutObjectInput{
		Bucket: aws.String(w.bucket(region)), Key: aws.String(o.key), Body: strings.NewReader(o.body), Metadata: o.metadata,
	}
	if o.tags != "" {
		in.Tagging = aws.String(o.tags)
	}
	out, err := w.s3(region).PutObject(w.t.Context(), in)
	if err != nil {
		return "", fmt.Errorf("upload %q in %s: %w", o.key, region, err)
	}
	return aws.ToString(out.VersionId), nil
}

// read returns an object's body, and whether it is there.
func (w *world) read(region, key string) (body string, ok bool) {
	w.t.Helper()
	out, err := w.s3(region).GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: aws.String(w.bucket(region)), Key: aws.String(key)})
	if missing := (*s3types.NoSuchKey)(nil); errors.As(err, &missing) {
		return "", false
	}
	if err != nil {
		w.t.Fatalf("read %q in %s: %v", key, region, err)
	}
	defer func() { _ = out.Body.Close() }()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		w.t.Fatalf("read %q in %s: %v", key, region, err)
	}
	return string(b), true
}

// wantEverywhere checks that the object is in every Region as it was uploaded.
func (w *world) wantEverywhere(o object) {
	w.t.Helper()
	for _, region := range w.regions {
		w.wantIn(region, o)
	}
}

func (w *world) wantIn(region string, o object) {
	w.t.Helper()
	body, ok := w.read(region, o.key)
	if !ok {
		w.t.Errorf("%s: %q is missing", region, o.key)
		return
	}
	if body != o.body {
		w.t.Errorf("%s: %q has %d bytes that differ from the %d uploaded", region, o.key, len(body), len(o.body))
	}
	head, err := w.s3(region).HeadObject(w.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(w.bucket(region)), Key: aws.String(o.key)})
	if err != nil {
		w.t.Fatal(err)
	}
	if !maps.Equal(head.Metadata, o.metadata) {
		w.t.Errorf("%s: %q has metadata %v, want %v", region, o.key, head.Metadata, o.metadata)
	}
	if got := w.tags(region, o.key); got != o.tags {
		w.t.Errorf("%s: %q has tags %q, want %q", region, o.key, got, o.tags)
	}
}

// tags returns an object's tags in the order of their keys, as "k=v&k=v".
func (w *world) tags(region, key string) string {
	w.t.Helper()
	out, err := w.s3(region).GetObjectTagging(w.t.Context(), &s3.GetObjectTaggingInput{
		Bucket: aws.String(w.bucket(region)), Key: aws.String(key),
	})
	if err != nil {
		w.t.Fatalf("tags of %q in %s: %v", key, region, err)
	}
	var list []string
	for _, tag := range out.TagSet {
		list = append(list, aws.ToString(tag.Key)+"="+aws.ToString(tag.Value))
	}
	slices.Sort(list)
	return strings.Join(list, "&")
}

func (w *world) wantMissing(region, key string) {
	w.t.Helper()
	if _, ok := w.read(region, key); ok {
		w.t.Errorf("%s: %q is there, want it missing", region, key)
	}
}

// versions counts an object's versions, delete markers left out.
func (w *world) versions(region, key string) int {
	w.t.Helper()
	out, err := w.s3(region).ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{
		Bucket: aws.String(w.bucket(region)), Prefix: aws.String(key),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, v := range out.Versions {
		if aws.ToString(v.Key) == key {
			n++
		}
	}
	return n
}

func (w *world) fault(region string, kind fault.Kind, rate float64, count int) {
	w.t.Helper()
	if err := w.sandbox.SetFault(fault.Fault{Region: region, Kind: kind, Rate: rate, Count: count}); err != nil {
		w.t.Fatal(err)
	}
}

// letters returns the bodies in a Region's dead-letter queue, and puts them back.
func (w *world) letters(region string) []string {
	w.t.Helper()
	client := sqs.NewFromConfig(w.config(region))
	out, err := client.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(w.state.Regions[region].DeadLetterQueueURL), MaxNumberOfMessages: 10,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var bodies []string
	for _, m := range out.Messages {
		bodies = append(bodies, aws.ToString(m.Body))
		_, err := client.ChangeMessageVisibility(w.t.Context(), &sqs.ChangeMessageVisibilityInput{
			QueueUrl: aws.String(w.state.Regions[region].DeadLetterQueueURL), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0,
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return bodies
}

func (w *world) wantLetters(region string, want int64) {
	w.t.Helper()
	if got := w.sandbox.Stats().Regions[region].DeadLetters; got != want {
		w.t.Errorf("%s: %d dead letters, want %d", region, got, want)
	}
}

// invoke calls a Region's function synchronously; a function error is returned as its text.
func (w *world) invoke(region string, payload []byte) (functionError string) {
	w.t.Helper()
	out, err := lambda.NewFromConfig(w.config(region)).Invoke(w.t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(w.state.Regions[region].FunctionName), Payload: payload,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if out.FunctionError == nil {
		return ""
	}
	return string(bytes.TrimSpace(out.Payload))
}

// cost is what happened in all Regions together.
type cost struct {
	invocations, retries, errors int64
	requests                     map[string]int64 // by the functions, by S3 operation
	filtered                     int64
	undeliverable                int64
}

func (w *world) cost() cost {
	c := cost{requests: map[string]int64{}}
	for _, r := range w.sandbox.Stats().Regions {
		c.invocations += r.Lambda.Invocations
		c.retries += r.Lambda.Retries
		c.errors += r.Lambda.Errors
		c.filtered += r.SNS.Filtered
		c.undeliverable += r.SNS.Undeliverable
		for caller, operations := range r.S3 {
			if !strings.Contains(caller, ":assumed-role/") {
				continue
			}
			for operation, n := range operations {
				c.requests[operation] += n
			}
		}
	}
	return c
}

// inEveryRegion uploads at the same time in all Regions.
func (w *world) inEveryRegion(objectFor func(region string) object) {
	w.t.Helper()
	var g errgroup.Group
	for _, region := range w.regions {
		g.Go(func() error {
			_, err := w.put(region, objectFor(region))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		w.t.Fatal(err)
	}
}

// redrive runs the command on all Regions and returns its exit code and what
// it printed.
func (w *world) redrive(args ...string) (code int, output string) {
	w.t.Helper()
	return w.run("redrive", args)
}

// run runs a subcommand of the command with the templates' configuration, and
// returns all that it wrote: results, then notes.
func (w *world) run(subcommand string, args []string) (code int, output string) {
	w.t.Helper()
	code, stdout, stderr := w.command(append([]string{subcommand, "--config", filepath.Join(build.root, "cdk.json")}, args...)...)
	return code, string(stdout) + string(stderr)
}
