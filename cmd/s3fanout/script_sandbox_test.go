package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/rogpeppe/go-internal/testscript"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/s3/store"
)

// useSandbox makes the sandbox of a state file the one that is spoken to.
func useSandbox(ts *testscript.TestScript, _ bool, args []string) {
	var state sandbox.State
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &state))
	ts.Setenv("AWS_ENDPOINT_URL", state.Endpoint)
	ts.Setenv("AWS_ACCESS_KEY_ID", state.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", state.SecretAccessKey)
	ts.Setenv("STATE", ts.MkAbs(args[0]))
}

// inSandbox is the state of the sandbox that is spoken to, and a client of its
// S3 in a Region.
func inSandbox(ts *testscript.TestScript, region string) (sandbox.State, *s3.Client) {
	var state sandbox.State
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(ts.Getenv("STATE"))), &state))
	return state, s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(state.Endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(state.AccessKeyID, state.SecretAccessKey, ""),
	})
}

// putObject: upload REGION KEY BODY.
func putObject(ts *testscript.TestScript, _ bool, args []string) {
	state, client := inSandbox(ts, args[0])
	_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(state.Regions[args[0]].Bucket), Key: aws.String(args[1]), Body: strings.NewReader(args[2]),
	})
	ts.Check(err)
}

// removeObject: remove REGION KEY.
func removeObject(ts *testscript.TestScript, _ bool, args []string) {
	state, client := inSandbox(ts, args[0])
	_, err := client.DeleteObject(context.Background(), &s3.DeleteObjectInput{
		Bucket: aws.String(state.Regions[args[0]].Bucket), Key: aws.String(args[1]),
	})
	ts.Check(err)
}

// loseObject: lose REGION KEY. All versions go, and no delete marker stays.
func loseObject(ts *testscript.TestScript, _ bool, args []string) {
	state, client := inSandbox(ts, args[0])
	bucket := aws.String(state.Regions[args[0]].Bucket)
	out, err := client.ListObjectVersions(context.Background(), &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: aws.String(args[1])})
	ts.Check(err)
	drop := func(key, version *string) {
		if *key == args[1] {
			_, err := client.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: bucket, Key: key, VersionId: version})
			ts.Check(err)
		}
	}
	for _, v := range out.Versions {
		drop(v.Key, v.VersionId)
	}
	for _, m := range out.DeleteMarkers {
		drop(m.Key, m.VersionId)
	}
}

// tagObject: tag REGION KEY [NAME VALUE], without any to remove them.
func tagObject(ts *testscript.TestScript, _ bool, args []string) {
	state, client := inSandbox(ts, args[0])
	tags := []types.Tag{}
	if len(args) > 2 {
		tags = append(tags, types.Tag{Key: aws.String(args[2]), Value: aws.String(args[3])})
	}
	_, err := client.PutObjectTagging(context.Background(), &s3.PutObjectTaggingInput{
		Bucket: aws.String(state.Regions[args[0]].Bucket), Key: aws.String(args[1]), Tagging: &types.Tagging{TagSet: tags},
	})
	ts.Check(err)
}

// destroyObject: destroy REGION KEY deletes the current version for good.
func destroyObject(ts *testscript.TestScript, _ bool, args []string) {
	state, client := inSandbox(ts, args[0])
	bucket := aws.String(state.Regions[args[0]].Bucket)
	head, err := client.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: bucket, Key: aws.String(args[1])})
	ts.Check(err)
	_, err = client.DeleteObject(context.Background(), &s3.DeleteObjectInput{
		Bucket: bucket, Key: aws.String(args[1]), VersionId: head.VersionId,
	})
	ts.Check(err)
}

// oldObject: old-object REGION KEY TIME writes "old" into the store in
// data/s3, which no sandbox must use, as if it were that time.
func oldObject(ts *testscript.TestScript, _ bool, args []string) {
	state, _ := inSandbox(ts, args[0])
	at, err := time.Parse(time.RFC3339, args[2])
	ts.Check(err)
	objects, err := store.Open(ts.MkAbs("data/s3"), store.Options{Now: func() time.Time { return at }})
	ts.Check(err)
	defer func() { ts.Check(objects.Close()) }()
	body, err := objects.Stage(strings.NewReader("old"), store.CRC64NVME)
	ts.Check(err)
	_, err = objects.PutObject(store.Put{Bucket: state.Regions[args[0]].Bucket, Key: args[1], Algorithm: store.CRC64NVME}, body)
	ts.Check(err)
	ts.Check(body.Close())
}

// checkObject: object REGION KEY BODY.
func checkObject(ts *testscript.TestScript, neg bool, args []string) {
	state, client := inSandbox(ts, args[0])
	out, err := client.GetObject(context.Background(), &s3.GetObjectInput{
		Bucket: aws.String(state.Regions[args[0]].Bucket), Key: aws.String(args[1]),
	})
	if neg {
		if err == nil {
			_ = out.Body.Close()
			ts.Fatalf("%s has %s", args[0], args[1])
		}
		return
	}
	ts.Check(err)
	body, err := io.ReadAll(out.Body)
	ts.Check(err)
	ts.Check(out.Body.Close())
	if !bytes.Equal(body, []byte(args[2])) {
		ts.Fatalf("%s in %s: got %q, want %q", args[1], args[0], body, args[2])
	}
}

// checkEmpty: empty REGION.
func checkEmpty(ts *testscript.TestScript, _ bool, args []string) {
	state, client := inSandbox(ts, args[0])
	bucket := aws.String(state.Regions[args[0]].Bucket)
	versions, err := client.ListObjectVersions(context.Background(), &s3.ListObjectVersionsInput{Bucket: bucket})
	ts.Check(err)
	uploads, err := client.ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: bucket})
	ts.Check(err)
	for _, v := range versions.Versions {
		ts.Fatalf("%s has version %s of %s", args[0], *v.VersionId, *v.Key)
	}
	for _, m := range versions.DeleteMarkers {
		ts.Fatalf("%s has delete marker %s of %s", args[0], *m.VersionId, *m.Key)
	}
	for _, u := range uploads.Uploads {
		ts.Fatalf("%s has an upload of %s", args[0], *u.Key)
	}
}

func readStats(ts *testscript.TestScript) sandbox.Stats {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, ts.Getenv("AWS_ENDPOINT_URL")+"/_sandbox/stats", nil)
	ts.Check(err)
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = res.Body.Close() }()
	var s sandbox.Stats
	ts.Check(json.NewDecoder(res.Body).Decode(&s))
	return s
}
