package replicator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/batchjob"
	"s3fanout/internal/replicaset"
)

func task(id, bucket, key string) string {
	return fmt.Sprintf(`{"taskId":%q,"s3Key":%q,"s3VersionId":"v1","s3Bucket":%q}`, id, key, bucket)
}

// batchOf is a request of schema 2.0 with the arguments' JSON members.
func batchOf(arguments string, tasks ...string) []byte {
	return []byte(`{"invocationSchemaVersion":"2.0","invocationId":"invocation-1","job":{"id":"job-1","userArguments":{` + arguments +
		`}},"tasks":[` +
		strings.Join(tasks, ",") + `]}`)
}

func answerOf(t *testing.T, h *Handler, payload []byte) (a batchAnswer) {
	t.Helper()
	got, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	return a
}

func TestBatchHasAResultForEachTask(t *testing.T) {
	failing := func(class copier.Class, text string) error {
		return &copier.Error{Op: "copy", Class: class, Err: errors.New(text)}
	}
	f := &fakeCopier{
		outcome: map[string]copier.Outcome{"there": copier.Exists, "other": copier.Diverged, "gone": copier.SourceGone},
		uploads: map[string]copier.Upload{"large": openUpload("u")},
		err: map[string]error{
			"busy": failing(copier.Retryable, "SlowDown"), "denied": failing(copier.Denied, "AccessDenied"),
			"archived": failing(copier.Permanent, "InvalidObjectState"), "long": failing(copier.Permanent, strings.Repeat("日\n", 2000)),
		},
	}
	h, out := newTestHandler(f)
	self := &fakeSelf{}
	var tasks []string
	for _, key := range []string{"new", "there", "other", "gone", "large", "busy", "denied", "archived", "long"} {
		tasks = append(tasks, task("t-"+key, "media-us", key))
	}
	tasks = append(tasks, task("t-stranger", "stranger", "k"), task("t-own", "media-eu", "k"),
		`{"taskId":"t-bad","s3Key":"%zz","s3Bucket":"media-us"}`)
	a := answerOf(t, h.with(self), batchOf("", tasks...))
	if a.Schema != "2.0" || a.InvocationID != "invocation-1" || a.MissingKeysAre != "PermanentFailure" || len(a.Results) != len(tasks) {
		t.Fatalf("got %+v", a)
	}
	want := map[string]struct{ code, text string }{
		"t-new": {"Succeeded", "Copied"}, "t-there": {"Succeeded", "Exists"}, "t-other": {"Succeeded", "Diverged"},
		"t-gone":  {"Succeeded", "SourceGone"},
		"t-large": {"Succeeded", "handed over"}, "t-busy": {"TemporaryFailure", "SlowDown"},
		"t-denied":   {"PermanentFailure", "AccessDenied"},
		"t-archived": {"PermanentFailure", "InvalidObjectState"}, "t-long": {"PermanentFailure", "permanent: "},
		"t-stranger": {"PermanentFailure", "not a source of this function"}, "t-own": {"PermanentFailure", "targetRegion"},
		"t-bad": {"PermanentFailure", "not URL-encoded"},
	}
	for _, r := range a.Results {
		if w := want[r.TaskID]; r.Code != w.code || !strings.Contains(r.Text, w.text) {
			t.Errorf("%s: got %+v, want %+v", r.TaskID, r, w)
		}
		if n := len([]rune(r.Text)); n > 1024 || n == 0 || strings.ContainsAny(r.Text, "\n\r") {
			t.Errorf("%s: text has %d characters or a line break", r.TaskID, n)
		}
	}
	if len(self.payloads) != 1 {
		t.Errorf("%d copies were handed over, want 1", len(self.payloads))
	}
	for _, line := range lines(t, out) {
		if line["jobId"] != "job-1" {
			t.Errorf("got %v, want the job's ID", line)
		}
	}
}

func TestBatchVersions(t *testing.T) {
	for _, tt := range []struct {
		arguments, task, want string
		restores              bool
	}{
		{"", task("t", "media-us", "a+b%20c"), "v1", false},
		{`"version":"current"`, task("t", "media-us", "a+b%20c"), "", false},
		{`"deleted":"restore"`, task("t", "media-us", "a+b%20c"), "v1", true},
		{"", `{"taskId":"t","s3Key":"a+b%20c","s3VersionId":null,"s3Bucket":"media-us"}`, "", false},
	} {
		f := &fakeCopier{}
		h, _ := newTestHandler(f)
		answerOf(t, h, batchOf(tt.arguments, tt.task))
		want := copier.Request{
			Source: copier.Object{Region: "us-east-1", Bucket: "media-us", Key: "a b c", VersionID: tt.want}, ProbableEcho: true,
			KeepDeleted: !tt.restores,
		}
		if len(f.got) != 1 || !reflect.DeepEqual(f.got[0], want) {
			t.Errorf("%s %s: got %+v, want %+v", tt.arguments, tt.task, f.got, want)
		}
	}
}

func TestBatchOfSchema1IsRefusedForGood(t *testing.T) {
	f := &fakeCopier{}
	h, _ := newTestHandler(f)
	a := answerOf(t, h, []byte(`{"invocationSchemaVersion":"1.0","invocationId":"i","job":{"id":"j"},"tasks":[`+
		`{"taskId":"t","s3Key":"customerImage1.jpg","s3VersionId":"1","s3BucketArn":"arn:aws:s3:::media-us"}]}`))
	if a.Schema != "1.0" || len(a.Results) != 1 || a.Results[0].Code != "PermanentFailure" ||
		!strings.Contains(a.Results[0].Text, "create the job with InvocationSchemaVersion 2.0") || len(f.got) != 0 {
		t.Errorf("got %+v after %d copies", a, len(f.got))
	}
}

// fakeTwin is the function in another Region.
type fakeTwin struct {
	answer   string
	err      error
	got      []string
	region   string
	deadline time.Time
}

func (f *fakeTwin) Call(ctx context.Context, payload []byte) ([]byte, error) {
	f.got = append(f.got, string(payload))
	f.deadline, _ = ctx.Deadline()
	return []byte(f.answer), f.err
}

func (f *fakeTwin) in(region string) (Caller, error) {
	f.region = region
	return f, nil
}

func TestBatchForAnotherRegionIsPassedOn(t *testing.T) {
	const to = `"targetRegion":"us-east-1"`
	good := `{"invocationSchemaVersion":"2.0","treatMissingKeysAs":"PermanentFailure","invocationId":"invocation-1","results":[` +
		`{"taskId":"t","resultCode":"Succeeded","resultString":"Copied"}]}`
	for _, tt := range []struct {
		name       string
		arguments  string
		bucket     string
		twin       fakeTwin
		code, text string
		calls      int
	}{
		{"done there", to, "media-eu", fakeTwin{answer: good}, "Succeeded", "Copied", 1},
		{"for here", `"targetRegion":"eu-west-1"`, "media-us", fakeTwin{}, "Succeeded", "Copied", 0},
		{"to nowhere", `"targetRegion":"mars-1"`, "media-eu", fakeTwin{}, "PermanentFailure", `no Region "mars-1"`, 0},
		// Otherwise two functions could pass it to each other for ever.
		{"from elsewhere", to, "media-ap", fakeTwin{}, "PermanentFailure", "create the job in the bucket's Region", 0},
		{"denied", to, "media-eu", fakeTwin{err: &InvokeError{Status: http.StatusForbidden, Code: "AccessDeniedException"}},
			"PermanentFailure", "AccessDeniedException", 1},
		{"gone", to, "media-eu", fakeTwin{err: &InvokeError{Status: http.StatusNotFound, Code: "ResourceNotFoundException"}},
			"PermanentFailure", "ResourceNotFoundException", 1},
		{"throttled", to, "media-eu", fakeTwin{err: &InvokeError{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException"}},
			"TemporaryFailure", "TooManyRequests", 1},
		{"crashed", to, "media-eu", fakeTwin{err: &InvokeError{Status: http.StatusOK, Code: "the function failed: Unhandled"}},
			"TemporaryFailure", "Unhandled", 1},
		{"no answer in time", to, "media-eu", fakeTwin{err: context.DeadlineExceeded}, "TemporaryFailure", "deadline", 1},
		{"not an answer", to, "media-eu", fakeTwin{answer: `{"copied":1}`}, "TemporaryFailure",
			"deploy the same version in all Regions", 1},
		{"another's answer", to, "media-eu", fakeTwin{answer: strings.ReplaceAll(good, "invocation-1", "invocation-2")}, "TemporaryFailure",
			"its answer", 1},
		{"a task is missing", to, "media-eu", fakeTwin{answer: strings.ReplaceAll(good, `"t"`, `"u"`)}, "TemporaryFailure",
			"its answer", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, _ := newTestHandler(&fakeCopier{})
			h.Twin = tt.twin.in
			sent := batchOf(tt.arguments, task("t", tt.bucket, "k"))
			a := answerOf(t, h, sent)
			if len(a.Results) != 1 || a.InvocationID != "invocation-1" || a.Results[0].TaskID != "t" ||
				a.Results[0].Code != tt.code || !strings.Contains(a.Results[0].Text, tt.text) {
				t.Errorf("got %+v, want %s %s", a, tt.code, tt.text)
			}
			if len(tt.twin.got) != tt.calls || tt.calls > 0 && (tt.twin.got[0] != string(sent) || tt.twin.region != "us-east-1") {
				t.Errorf("called %q in %s", tt.twin.got, tt.twin.region)
			}
		})
	}
}

// handlerTwin is a function in another Region that is really there.
type handlerTwin struct{ h *Handler }

func (f handlerTwin) Call(ctx context.Context, payload []byte) ([]byte, error) {
	return f.h.Invoke(ctx, payload)
}

// A task of the job that the command makes is copied: the source's function,
// where the job runs, passes it on to the target's, which copies the current
// version.
func TestJobOfTheCommand(t *testing.T) {
	in, err := batchjob.Request{
		Set:       replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, BatchOperations: true},
		AccountID: "111122223333", From: "us-east-1", To: "eu-west-1",
	}.Input()
	if err != nil {
		t.Fatal(err)
	}
	arguments, err := json.Marshal(in.Operation.LambdaInvoke.UserArguments)
	if err != nil {
		t.Fatal(err)
	}
	copies := &fakeCopier{}
	target, _ := newTestHandler(copies)
	source, _ := newTestHandler(nil)
	source.Config.Target, _ = target.Config.Sources.In("us-east-1")
	source.Config.Sources = replicaset.Members{target.Config.Target}
	source.Twin = func(region string) (Caller, error) {
		if region != "eu-west-1" {
			t.Errorf("passed on to %s", region)
		}
		return handlerTwin{target}, nil
	}
	a := answerOf(t, source, batchOf(strings.Trim(string(arguments), "{}"), task("t", "media-us", "a%20b")))
	if len(a.Results) != 1 || a.Results[0] != (taskResult{"t", "Succeeded", "Copied"}) {
		t.Errorf("got %+v", a)
	}
	want := copier.Object{Region: "us-east-1", Bucket: "media-us", Key: "a b"}
	if len(copies.got) != 1 || copies.got[0].Source != want {
		t.Errorf("copied %+v, want %+v", copies.got, want)
	}
}

// The function that waits does so for longer than the one that works works.
func TestBatchEndsBeforeTheOneThatWaits(t *testing.T) {
	h, _ := newTestHandler(nil)
	deadline := time.Now().Add(24 * time.Hour) // as a context has it
	h.Now = func() time.Time { return deadline.Add(-15 * time.Minute) }
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	twin := &fakeTwin{err: context.DeadlineExceeded}
	h.Twin = twin.in
	if _, err := h.Invoke(ctx, batchOf(`"targetRegion":"us-east-1"`, task("t", "media-eu", "k"))); err != nil {
		t.Fatal(err)
	}
	var works time.Time
	h.Copier = copierFunc(func(ctx context.Context) { works, _ = ctx.Deadline() })
	if _, err := h.Invoke(ctx, batchOf("", task("t", "media-us", "k"))); err != nil {
		t.Fatal(err)
	}
	if ahead := twin.deadline.Sub(works); ahead < 20*time.Second || !twin.deadline.Before(deadline) {
		t.Errorf("waits until %v, works until %v, killed at %v", twin.deadline, works, deadline)
	}
}

type copierFunc func(context.Context)

func (f copierFunc) Copy(ctx context.Context, _ copier.Request) (copier.Result, error) {
	f(ctx)
	return copier.Result{Outcome: copier.Copied}, nil
}
