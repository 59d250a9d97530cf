package e2e

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// withBatch synthesizes two Regions with batchOperations, without the
// subscriptions: what is uploaded lies where it is until a job comes.
func withBatch(t *testing.T) *assembly {
	t.Helper()
	a := editable(t, synthesize(t, `{"s3fanout":{"name":"batch","regions":["us-east-1","eu-west-1"],"batchOperations":true}}`))
	a.remove("batch-us-east-1-mesh")
	a.remove("batch-eu-west-1-mesh")
	return a
}

type batchTask struct {
	ID        string  `json:"taskId"`
	Key       string  `json:"s3Key"`
	VersionID *string `json:"s3VersionId"`
	Bucket    string  `json:"s3Bucket"`
}

// batch invokes a Region's function as S3 Batch Operations does, one task at a
// time, and returns what the task ended as.
func (w *world) batch(region string, arguments map[string]string, task batchTask) (code, text string) {
	w.t.Helper()
	task.ID = "task-1"
	payload, err := json.Marshal(map[string]any{
		"invocationSchemaVersion": "2.0", "invocationId": "invocation-1",
		"job": map[string]any{"id": "job-1", "userArguments": arguments}, "tasks": []batchTask{task},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := lambda.NewFromConfig(w.config(region)).Invoke(w.t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(w.state.Regions[region].FunctionName), Payload: payload,
	})
	if err != nil || out.FunctionError != nil {
		w.t.Fatalf("%v: %s", err, out.Payload)
	}
	var answer struct {
		InvocationID string `json:"invocationId"`
		Results      []struct {
			TaskID string `json:"taskId"`
			Code   string `json:"resultCode"`
			Text   string `json:"resultString"`
		} `json:"results"`
	}
	if err := json.Unmarshal(out.Payload, &answer); err != nil || answer.InvocationID != "invocation-1" || len(answer.Results) != 1 ||
		answer.Results[0].TaskID != "task-1" {
		w.t.Fatalf("answer %s: %v", out.Payload, err)
	}
	return answer.Results[0].Code, answer.Results[0].Text
}

// S3 Batch Operations is not a part of the sandbox; what it invokes, with which
// permissions, is: two real functions, of which the one where the job runs
// passes the task on to the one that may write.
func TestBatchTasksAcrossRegions(t *testing.T) {
	t.Parallel()
	const from, to = "us-east-1", "eu-west-1"
	w := start(t, withBatch(t).files)
	arguments := map[string]string{"targetRegion": to, "version": "current"}
	o := object{key: "a b/ü+&%", body: "new", tags: "k=v", metadata: map[string]string{"owner": "me"}}
	old := w.upload(from, object{key: o.key, body: "old"})
	w.upload(from, o)
	w.upload(from, object{key: "deleted", body: "x"})
	if _, err := w.s3(from).DeleteObject(t.Context(), &s3.DeleteObjectInput{
		Bucket: aws.String(w.bucket(from)), Key: aws.String("deleted"),
	}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.wantMissing(to, o.key)

	task := batchTask{Key: url.QueryEscape(o.key), VersionID: &old, Bucket: w.bucket(from)}
	for _, want := range []string{"Copied", "Exists"} {
		if code, text := w.batch(from, arguments, task); code != "Succeeded" || text != want {
			t.Errorf("got %s %s, want %s", code, text, want)
		}
		w.wantIn(to, o) // the current version, though the task names the old one
	}
	if code, text := w.batch(from, arguments, batchTask{Key: "deleted", Bucket: w.bucket(from)}); code != "Succeeded" ||
		text != "SourceGone" {
		t.Errorf("deleted: got %s %s", code, text)
	}
	// What was deleted at the target comes back only if the job says so.
	if _, err := w.s3(to).DeleteObject(t.Context(), &s3.DeleteObjectInput{
		Bucket: aws.String(w.bucket(to)), Key: aws.String(o.key),
	}); err != nil {
		t.Fatal(err)
	}
	if code, text := w.batch(from, arguments, task); code != "Succeeded" || text != "LeftDeleted" {
		t.Errorf("deleted at the target: got %s %s", code, text)
	}
	w.wantMissing(to, o.key)
	restoring := map[string]string{"targetRegion": to, "version": "current", "deleted": "restore"}
	if code, text := w.batch(from, restoring, task); code != "Succeeded" || text != "Copied" {
		t.Errorf("deleted at the target, to be restored: got %s %s", code, text)
	}
	w.wantIn(to, o)
	if code, text := w.batch(from, arguments, batchTask{Key: "k", Bucket: w.bucket(to)}); code != "PermanentFailure" {
		t.Errorf("another Region's object: got %s %s", code, text)
	}

	// A job of one's own in the target's Region may name versions.
	pinned := w.upload(from, object{key: "pinned", body: "first"})
	w.upload(from, object{key: "pinned", body: "second"})
	if code, text := w.batch(to, nil, batchTask{Key: "pinned", VersionID: &pinned, Bucket: w.bucket(from)}); code != "Succeeded" ||
		text != "Copied" {
		t.Errorf("pinned: got %s %s", code, text)
	}
	w.wantIn(to, object{key: "pinned", body: "first"})
	w.settle()
	w.wantLetters(to, 0)
	w.wantLetters(from, 0)
}

// Without the switch's permissions a task fails for good and says which one it
// lacks.
func TestBatchNeedsItsPermissions(t *testing.T) {
	t.Parallel()
	const from, to = "us-east-1", "eu-west-1"
	a := withBatch(t)
	a.edit("batch-us-east-1", without("AWS::IAM::Policy"))
	a.edit("batch-us-east-1", ofStatement("ReadSources", func(s map[string]any) {
		s["Action"] = []any{"s3:GetObjectVersion", "s3:GetObjectVersionTagging"} // as without the switch
	}))
	w := start(t, a.files)
	w.upload(from, object{key: "k", body: "b"})
	w.upload(to, object{key: "k2", body: "b"})
	code, text := w.batch(from, map[string]string{"targetRegion": to}, batchTask{Key: "k", Bucket: w.bucket(from)})
	if code != "PermanentFailure" || !strings.Contains(text, "AccessDenied") || !strings.Contains(text, "in "+to) {
		t.Errorf("passed on without permission: got %s %s", code, text)
	}
	w.wantMissing(to, "k")
	code, text = w.batch(to, map[string]string{"targetRegion": from}, batchTask{Key: "k2", Bucket: w.bucket(to)})
	if code != "PermanentFailure" || !strings.Contains(text, "AccessDenied") {
		t.Errorf("current version without permission: got %s %s", code, text)
	}
	w.wantMissing(from, "k2")
}
