package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"
)

// putQuoted: upload-quoted REGION KEY BODY, with the key as Go quotes it.
func putQuoted(ts *testscript.TestScript, neg bool, args []string) {
	key, err := strconv.Unquote(args[1])
	ts.Check(err)
	putObject(ts, neg, []string{args[0], key, args[2]})
}

// beginUpload: begin-upload REGION KEY BODY uploads a first part and leaves the
// upload unfinished.
func beginUpload(ts *testscript.TestScript, _ bool, args []string) {
	state, client := inSandbox(ts, args[0])
	bucket := aws.String(state.Regions[args[0]].Bucket)
	out, err := client.CreateMultipartUpload(context.Background(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String(args[1])})
	ts.Check(err)
	_, err = client.UploadPart(context.Background(), &s3.UploadPartInput{
		Bucket: bucket, Key: aws.String(args[1]), UploadId: out.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader(args[2]),
	})
	ts.Check(err)
}
