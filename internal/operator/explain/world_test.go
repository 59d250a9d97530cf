package explain_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/operator/explain"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/replicaset"
)

const (
	account = "111122223333"
	us, eu  = "us-east-1", "eu-west-1"
	key     = "films/one two+%.mp4"
)

var set = replicaset.Config{Name: "media", Regions: []string{us, eu}}

// answer is what S3 says to an operation.
type answer struct {
	status int
	header map[string]string
	body   string
	after  <-chan struct{} // nil for at once
}

// region is one Region's S3 in canned answers, by operation. What it has none
// for is empty: no object, no versions, no uploads.
type region map[string]answer

func (r region) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	operation := "HeadObject"
	if _, ok := r["HeadObject with checksums"]; ok && req.Header.Get("x-amz-checksum-mode") != "" {
		operation = "HeadObject with checksums"
	}
	switch q := req.URL.Query(); {
	case q.Has("tagging"):
		operation = "GetObjectTagging"
	case q.Has("versions"):
		operation = "ListObjectVersions"
	case q.Has("uploads"):
		operation = "ListMultipartUploads"
	case q.Has("uploadId"):
		operation = "ListParts"
	}
	a, ok := r[operation]
	if !ok {
		a = answer{body: "<Result></Result>"}
		if operation == "HeadObject" {
			a = answer{status: http.StatusNotFound}
		}
	}
	if a.after != nil {
		select {
		case <-a.after:
		case <-time.After(10 * time.Second):
			a.status = http.StatusForbidden
		}
	}
	w.Header().Set("Date", "Fri, 20 Nov 2026 13:00:00 GMT")
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = w.Write([]byte(a.body))
}

func refused(code string, status int) answer {
	return answer{status: status, body: "<Error><Code>" + code + "</Code><Message>no</Message></Error>"}
}

// queue is a dead-letter queue that can only be listed.
type queue struct {
	name   string
	bodies []string
	err    error

	mu   sync.Mutex
	next int
}

func (q *queue) GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return &sqs.GetQueueUrlOutput{QueueUrl: aws.String("https://queue")}, q.err
}

func (q *queue) GetQueueAttributes(
	context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"QueueArn": "arn:aws:sqs:" + q.name + ":" + account + ":media-dead-letters", "ApproximateNumberOfMessages": "1",
		"ApproximateNumberOfMessagesNotVisible": "0",
	}}, nil
}

func (q *queue) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out sqs.ReceiveMessageOutput
	for q.next < len(q.bodies) && len(out.Messages) < int(in.MaxNumberOfMessages) {
		id := fmt.Sprint(q.next)
		out.Messages = append(out.Messages, types.Message{
			MessageId: &id, ReceiptHandle: &id, Body: &q.bodies[q.next], Attributes: map[string]string{"SentTimestamp": "1795176000000"},
		})
		q.next++
	}
	return &out, nil
}

func (q *queue) DeleteMessageBatch(
	context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options),
) (*sqs.DeleteMessageBatchOutput, error) {
	return nil, errors.New("explain deletes nothing")
}

func (q *queue) ChangeMessageVisibility(
	context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityOutput, error) {
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

func (q *queue) ChangeMessageVisibilityBatch(
	context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// letter is one of an on-failure destination.
func letter(function, bucket, key string) string {
	return fmt.Sprintf(`{"version":"1.0","requestContext":{"functionArn":"arn:aws:lambda:%s:%s:function:media-replicator:$LATEST",`+
		`"condition":"RetriesExhausted"},`+
		`"requestPayload":{"Records":[{"EventSource":"aws:sns",`+
		`"Sns":{"Message":"{\"Records\":[{\"eventSource\":\"aws:s3\",\"eventName\":\"ObjectCreated:Put\",`+
		`\"s3\":{\"bucket\":{\"name\":\"%s\"},\"object\":{\"key\":\"%s\",\"versionId\":\"v1\"}}}]}"}}]},`+
		`"responsePayload":{"errorMessage":"1 of 1 failed: SlowDown","errorType":"x"}}`,
		function, account, bucket, url.QueryEscape(key))
}

// options are those for two Regions with these answers and queues.
func options(t *testing.T, inUS, inEU region, usQueue, euQueue *queue) explain.Options {
	t.Helper()
	o := explain.Options{Config: set, Account: account, Key: key, S3: map[string]explain.S3{}, Queues: map[string]redrive.Clients{}}
	for name, r := range map[string]region{us: inUS, eu: inEU} {
		server := httptest.NewServer(r)
		t.Cleanup(server.Close)
		o.S3[name] = s3.New(s3.Options{
			Region: name, BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		})
	}
	for name, q := range map[string]*queue{us: usQueue, eu: euQueue} {
		if q == nil {
			q = &queue{}
		}
		q.name = name
		o.Queues[name] = redrive.Clients{SQS: q} // a client more would be too much: explain only reads
	}
	return o
}

func run(t *testing.T, o explain.Options) explain.Facts {
	t.Helper()
	f, err := explain.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
