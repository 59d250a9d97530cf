package event

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// batchRequest is the request of schema 2.0 as AWS's own library has it
// (aws-lambda-go/events/testdata/s3-batch-job-event-request-2.0.json), with
// these tasks.
func batchRequest(schema string, tasks ...string) string {
	return `{"invocationSchemaVersion":"` + schema + `","invocationId":"YXNkbGZqYWRmaiBhc2RmdW9hZHNmZGpmaGFzbGtkaGZza2RmaAo",` +
		`"job":{"id":"f3cc4f60-61f6-4a2b-8a21-d07600c373ce","userArguments":{"k1":"v1","k2":"v2"}},"tasks":[` +
		strings.Join(tasks, ",") + `]}`
}

func TestParseBatch(t *testing.T) {
	in, err := ParseInvocation([]byte(batchRequest("2.0",
		`{"taskId":"t1","s3Key":"customerImage1.jpg","s3VersionId":"jbo9_jhdPEyB4RrmOxWS0kU0EoNrU_oI","s3Bucket":"awsexamplebucket"}`,
		`{"taskId":"t2","s3Key":"object%20key+with%2Bspaces%2F%E6%97%A5","s3VersionId":null,"s3Bucket":"b"}`,
		`{"taskId":"t3","s3Key":"a/b","s3VersionId":"","s3Bucket":"b"}`,
		`{"taskId":"t4","s3Key":"a","s3Bucket":"b"}`,
	)))
	if err != nil {
		t.Fatal(err)
	}
	want := Invocation{Batch: &Batch{
		Schema: "2.0", InvocationID: "YXNkbGZqYWRmaiBhc2RmdW9hZHNmZGpmaGFzbGtkaGZza2RmaAo", JobID: "f3cc4f60-61f6-4a2b-8a21-d07600c373ce",
		Arguments: map[string]string{"k1": "v1", "k2": "v2"},
		Tasks: []BatchTask{
			{ID: "t1", Bucket: "awsexamplebucket", Key: "customerImage1.jpg", VersionID: "jbo9_jhdPEyB4RrmOxWS0kU0EoNrU_oI"},
			{ID: "t2", Bucket: "b", Key: "object key with+spaces/日"},
			{ID: "t3", Bucket: "b", Key: "a/b"},
			{ID: "t4", Bucket: "b", Key: "a"},
		},
	}}
	if !reflect.DeepEqual(in, want) {
		t.Errorf("got %+v, want %+v", in.Batch, want.Batch)
	}
}

// A task that cannot be understood leaves the others alone and can still be
// answered.
func TestParseBatchTasks(t *testing.T) {
	for _, tt := range []struct {
		name, schema, task string
		class              error
		want               string // in the error
	}{
		{"schema 1.0", "1.0", `{"taskId":"t","s3Key":"customerImage1.jpg","s3VersionId":"1",` +
			`"s3BucketArn":"arn:aws:s3:us-east-1:0123456788:awsexamplebucket"}`,
			ErrUnsupported, `is "1.0", this function knows "2.0"; create the job with`},
		{"later schema", "3.0", `{"taskId":"t","s3Key":"k","s3Bucket":"b"}`, ErrUnsupported, `"3.0"`},
		{"no bucket", "2.0", `{"taskId":"t","s3Key":"k"}`, ErrMalformed, "s3Bucket is missing"},
		{"no key", "2.0", `{"taskId":"t","s3Bucket":"b"}`, ErrMalformed, "s3Key is missing"},
		{"bad encoding", "2.0", `{"taskId":"t","s3Key":"%zz","s3Bucket":"b"}`, ErrMalformed, "not URL-encoded"},
		{"not UTF-8", "2.0", `{"taskId":"t","s3Key":"%ff","s3Bucket":"b"}`, ErrMalformed, "does not decode to UTF-8"},
		{"too long", "2.0", `{"taskId":"t","s3Key":"` + strings.Repeat("k", 1025) + `","s3Bucket":"b"}`, ErrMalformed, "1025 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			good := `{"taskId":"good","s3Key":"k","s3Bucket":"b"}`
			in, err := ParseInvocation([]byte(batchRequest(tt.schema, tt.task, good)))
			if err != nil || in.Batch == nil || len(in.Batch.Tasks) != 2 {
				t.Fatalf("got %+v, %v", in, err)
			}
			bad := in.Batch.Tasks[0]
			if bad.ID != "t" || !errors.Is(bad.Err, tt.class) || !strings.Contains(bad.Err.Error(), tt.want) {
				t.Errorf("got %+v, want an error with %q", bad, tt.want)
			}
			if other := in.Batch.Tasks[1].Err; tt.schema == BatchSchema && other != nil {
				t.Errorf("the other task: %v", other)
			}
		})
	}
}

// These have no answer that S3 could make use of.
func TestParseBatchErrors(t *testing.T) {
	for _, payload := range []string{
		`{"invocationSchemaVersion":"2.0"}`,
		`{"invocationSchemaVersion":2,"invocationId":"i","tasks":[{"taskId":"t"}]}`,
		`{"invocationSchemaVersion":"2.0","invocationId":"i","tasks":[]}`,
		`{"invocationSchemaVersion":"2.0","invocationId":"","tasks":[{"taskId":"t"}]}`,
		`{"invocationSchemaVersion":"2.0","invocationId":"i","tasks":[{"s3Key":"k","s3Bucket":"b"}]}`,
	} {
		if in, err := ParseInvocation([]byte(payload)); !errors.Is(err, ErrMalformed) || in.Batch != nil {
			t.Errorf("%s: got %+v, %v", payload, in, err)
		}
	}
}

// checkBatch asserts what the package promises of every batch.
func checkBatch(t *testing.T, b Batch) {
	t.Helper()
	if b.InvocationID == "" || len(b.Tasks) == 0 {
		t.Errorf("batch breaks the promise: %+v", b)
	}
	for _, task := range b.Tasks {
		good := task.Bucket != "" && task.Key != "" && len(task.Key) <= maxKeyBytes && utf8.ValidString(task.Key)
		failed := errors.Is(task.Err, ErrMalformed) || errors.Is(task.Err, ErrUnsupported)
		if task.ID == "" || good == (task.Err != nil) || failed != (task.Err != nil) {
			t.Errorf("task breaks the promise: %+v", task)
		}
	}
}
