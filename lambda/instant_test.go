package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"s3fanout/internal/function/logline"
	"s3fanout/internal/function/replicator"
)

// instantTransport answers every request at once as S3 answers a copy.
type instantTransport struct{}

const copyResult = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
	`<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LastModified>2026-11-20T10:00:00.000Z</LastModified>` +
	`<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag></CopyObjectResult>`

func (instantTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{}
	header.Set("Content-Type", "application/xml")
	header.Set("X-Amz-Request-Id", "C3D13FE58DE4C810")
	header.Set("X-Amz-Id-2", "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD")
	header.Set("X-Amz-Version-Id", "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo")
	header.Set("Date", "Fri, 20 Nov 2026 10:00:00 GMT")
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(strings.NewReader(copyResult)), ContentLength: int64(len(copyResult)), Request: r,
	}, nil
}

func (t instantTransport) Do(r *http.Request) (*http.Response, error) { return t.RoundTrip(r) }

// newInstantHandler is the function as on AWS, but for what carries its
// requests, and its log, which is written and goes nowhere.
func newInstantHandler(t testing.TB) *replicator.Handler {
	t.Helper()
	env := environment("")
	delete(env, "AWS_ENDPOINT_URL")
	h, err := handlerWith(func(name string) string { return env[name] }, logline.New(io.Discard), instantTransport{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// realInvocation is one upload with all that S3, SNS and Lambda send along, and
// the context of its invocation.
func realInvocation(t testing.TB) (context.Context, []byte) {
	t.Helper()
	payload, err := os.ReadFile("../internal/function/replicator/testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	t.Cleanup(cancel)
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "79b4f56e-95b1-4643-9700-2807f4e68189"}), payload
}
