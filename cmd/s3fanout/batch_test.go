package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/batchjob"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/replicaset"
)

// fakeControl answers STS and S3 Control, whose jobs it makes and describes.
type fakeControl struct {
	mu       sync.Mutex
	created  map[string]string // bodies by Region
	denied   string            // Region where no job may be made
	describe string            // of any job
}

func (f *fakeControl) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	body, _ := io.ReadAll(r.Body)
	switch {
	case len(parts) < 4:
		http.Error(w, "not signed", http.StatusForbidden)
	case parts[3] == "sts":
		answer(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult>`+
			`</GetCallerIdentityResponse>`)
	case r.Method == http.MethodPost && parts[2] == f.denied:
		w.WriteHeader(http.StatusForbidden)
		answer(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
	case r.Method == http.MethodPost && r.URL.Path == "/v20180820/jobs":
		f.created[parts[2]] = string(body)
		answer(w, `<CreateJobResult><JobId>job-%s</JobId></CreateJobResult>`, parts[2])
	case r.Method == http.MethodGet && f.describe != "":
		answer(w, `<DescribeJobResult><Job>%s</Job></DescribeJobResult>`, f.describe)
	default:
		w.WriteHeader(http.StatusNotFound)
		answer(w, `<ErrorResponse><Error><Code>NoSuchJob</Code><Message>The specified job does not exist</Message></Error></ErrorResponse>`)
	}
}

// batchApp is the command beside a fake AWS, for a set of three Regions.
func batchApp(t *testing.T, on bool) (*app, *bytes.Buffer, *fakeControl) {
	t.Helper()
	f := &fakeControl{created: map[string]string{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_PROFILE": "",
		"AWS_REGION": "us-west-2",
	} {
		t.Setenv(name, value)
	}
	path := filepath.Join(t.TempDir(), "cdk.json")
	config := fmt.Sprintf(`{"context":{"s3fanout":{"name":"media","regions":["us-east-1","eu-west-1","ap-northeast-1"],`+
		`"batchOperations":%t}}}`, on)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	return &app{stdout: &out, stderr: io.Discard, getenv: os.Getenv, configPath: path, output: outputText}, &out, f
}

func TestCreateBatchJobs(t *testing.T) {
	a, out, f := batchApp(t, true)
	if err := a.createBatchJob(t.Context(), batchRequest{To: "eu-west-1", Prefix: "2024/", Yes: true}); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"REGION          TO         JOB\n" +
		"us-east-1       eu-west-1  job-us-east-1\n" +
		"ap-northeast-1  eu-west-1  job-ap-northeast-1\n" +
		"Follow it: s3fanout backfill --job job-us-east-1 --region us-east-1\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	if len(f.created) != 2 || !strings.Contains(f.created["us-east-1"], "<member>2024/</member>") ||
		!strings.Contains(f.created["us-east-1"], "FailedTasksOnly") ||
		!strings.Contains(f.created["ap-northeast-1"], "media-111122223333-ap-northeast-1") {
		t.Errorf("made %v", f.created)
	}
}

// What jobs cost is not known before S3 has listed the objects. So they are made only
// if somebody agrees to that; where nobody can be asked, none is made and the error
// says what to give (bad input: cm-52). Jobs that wait to be confirmed need no yes.
func TestBatchJobsNeedAYes(t *testing.T) {
	for _, c := range []struct {
		request batchRequest
		made    int
	}{
		{batchRequest{To: "eu-west-1"}, 0},
		{batchRequest{To: "eu-west-1", Yes: true}, 2},
		{batchRequest{To: "eu-west-1", Confirm: true}, 2},
	} {
		a, out, f := batchApp(t, true)
		a.output = outputJSON
		err := a.createBatchJob(t.Context(), c.request)
		if len(f.created) != c.made {
			t.Errorf("%+v: %d jobs made, want %d", c.request, len(f.created), c.made)
		}
		var d document.Batch
		if err := json.Unmarshal(out.Bytes(), &d); err != nil || len(d.Jobs) != c.made {
			t.Errorf("%+v: wrote %s", c.request, out)
		}
		if c.made > 0 && err == nil {
			continue
		}
		const want = "no job was created: what 2 jobs cost is not known before S3 has listed the objects: $0.25 each and $1.00 for a " +
			"million objects, " +
			"besides requests, invocations and transfer; give --yes, or --confirm to have them wait with the objects counted"
		if err == nil || err.Error() != want || exitCode(err, true) != exitLeftOver {
			t.Errorf("%+v: got %v, want %s", c.request, err, want)
		}
	}
}

// One Region's failure leaves the others' jobs made, and told.
func TestCreateBatchJobFails(t *testing.T) {
	a, out, f := batchApp(t, true)
	f.denied, a.output = "us-east-1", outputJSON
	err := a.createBatchJob(t.Context(), batchRequest{To: "eu-west-1", NoReport: true, Confirm: true})
	if !errors.Is(err, awsapi.ErrDenied) || exitCode(err, true) != exitFailed {
		t.Errorf("got %v", err)
	}
	var d document.Batch
	if err := json.Unmarshal(out.Bytes(), &d); err != nil || len(d.Jobs) != 2 {
		t.Fatalf("%v in %s", err, out)
	}
	if j := d.Jobs[0]; j.JobID != "" || !strings.Contains(j.Error, "s3:CreateJob") || !strings.Contains(j.Error, "iam:PassRole") {
		t.Errorf("got %+v", j)
	}
	if j := d.Jobs[1]; j.JobID != "job-ap-northeast-1" || j.Error != "" {
		t.Errorf("got %+v", j)
	}
	body := f.created["ap-northeast-1"]
	if strings.Contains(body, "ReportScope") || !strings.Contains(body, "<ConfirmationRequired>true<") {
		t.Errorf("made %s", body)
	}
}

func TestCreateBatchJobDryRun(t *testing.T) {
	a, out, f := batchApp(t, true)
	a.output = outputJSON
	if err := a.createBatchJob(t.Context(), batchRequest{
		From: []string{"us-east-1", "us-east-1"}, To: "eu-west-1", Prefix: "p/", DryRun: true,
	}); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "replicaSet": "media",
  "dryRun": true,
  "jobs": [
    {
      "region": "us-east-1",
      "targetRegion": "eu-west-1",
      "prefix": "p/",
      "request": {
        "AccountId": "111122223333",
        "ConfirmationRequired": false,
        "Operation": {
          "LambdaInvoke": {
            "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:media-replicator",
            "InvocationSchemaVersion": "2.0",
            "UserArguments": {
              "targetRegion": "eu-west-1",
              "version": "current"
            }
          }
        },
        "Report": {
          "Enabled": true,
          "Bucket": "arn:aws:s3:::media-111122223333-us-east-1",
          "ExpectedBucketOwner": "111122223333",
          "Format": "Report_CSV_20180820",
          "Prefix": ".s3fanout/reports",
          "ReportScope": "FailedTasksOnly"
        },
        "Description": "s3fanout: copy media from us-east-1 to eu-west-1",
        "Priority": 10,
        "RoleArn": "arn:aws:iam::111122223333:role/media-batch-us-east-1",
        "ManifestGenerator": {
          "S3JobManifestGenerator": {
            "ExpectedBucketOwner": "111122223333",
            "SourceBucket": "arn:aws:s3:::media-111122223333-us-east-1",
            "EnableManifestOutput": false,
            "Filter": {
              "KeyNameConstraint": {
                "MatchAnyPrefix": [
                  "p/"
                ]
              }
            }
          }
        }
      }
    }
  ]
}
`
	if out.String() != want || len(f.created) != 0 {
		t.Errorf("made %d jobs; got\n%s\nwant\n%s", len(f.created), out, want)
	}
	out.Reset()
	a.output = outputText
	if err := a.createBatchJob(t.Context(), batchRequest{To: "eu-west-1", DryRun: true}); err != nil || len(f.created) != 0 ||
		!strings.HasPrefix(out.String(), "A job in us-east-1 would be created:\n{") || strings.Contains(out.String(), `"Filter"`) {
		t.Errorf("made %d jobs, %v: %s", len(f.created), err, out)
	}
}

// A job takes one prefix and one suffix, so each filter has a job of its own.
func TestBatchJobsAreOfTheFilters(t *testing.T) {
	set := replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1"},
		Filters: []replicaset.Filter{{Prefix: "films/"}, {Prefix: "music/", Suffix: ".flac"}},
	}
	for _, tt := range []struct{ prefix, want string }{
		{"", "us-east-1 films/ | us-east-1 music/ .flac"},
		{"films/2026/", "us-east-1 films/2026/"},
		{"logs/", ""},
	} {
		list, err := batchRequest{To: "eu-west-1", Prefix: tt.prefix}.jobs(set, "111122223333", []string{"us-east-1"})
		var got []string
		for _, r := range list {
			got = append(got, strings.TrimSpace(r.From+" "+r.Prefix+" "+r.Suffix))
		}
		if strings.Join(got, " | ") != tt.want || (exitCode(err, true) == exitUsage) != (tt.want == "") {
			t.Errorf("%q: got %q, %v; want %q", tt.prefix, got, err, tt.want)
		}
	}
}

func TestBatchUsage(t *testing.T) {
	for _, tt := range []struct {
		on      bool
		request batchRequest
		want    string
	}{
		{true, batchRequest{}, "--batch-operations needs one --to REGION, of us-east-1, eu-west-1, ap-northeast-1"},
		{true, batchRequest{To: "sa-east-1"}, "--to sa-east-1: not a Region"},
		{true, batchRequest{To: "eu-west-1", From: []string{"sa-east-1"}}, "--from sa-east-1: not a Region"},
		{true, batchRequest{To: "eu-west-1", From: []string{"eu-west-1"}}, "--from eu-west-1: it is the Region to copy to"},
		{true, batchRequest{To: "eu-west-1", Prefix: strings.Repeat("p", 1025)}, "the prefix is longer"},
		{false, batchRequest{To: "eu-west-1"}, `needs "batchOperations": true`},
	} {
		a, _, f := batchApp(t, tt.on)
		err := a.createBatchJob(t.Context(), tt.request)
		if err == nil || exitCode(err, true) != exitUsage || !strings.Contains(err.Error(), tt.want) ||
			strings.Contains(err.Error(), "\n") || len(f.created) != 0 {
			t.Errorf("%+v: got %v, want %q", tt.request, err, tt.want)
		}
	}
	a, _, _ := batchApp(t, true)
	for _, tt := range []struct{ id, region, want string }{
		{"00e123a4", "", "--job needs --region"},
		{"00e123a4", "sa-east-1", "--region sa-east-1: not a Region"},
		{"../jobs", "us-east-1", "is not the ID of a job"},
	} {
		err := a.showBatchJob(t.Context(), tt.id, tt.region)
		if err == nil || exitCode(err, true) != exitUsage || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v", tt, err)
		}
	}
}

func TestShowBatchJob(t *testing.T) {
	operation := `<Operation><LambdaInvoke><UserArguments><entry><key>targetRegion</key><value>eu-west-1</value></entry></UserArguments>` +
		`</LambdaInvoke></Operation>`
	report := `<Report><Enabled>true</Enabled><Bucket>arn:aws:s3:::b</Bucket><Prefix>p</Prefix></Report>`
	progress := func(total, succeeded, failed int) string {
		return fmt.Sprintf(`<ProgressSummary><TotalNumberOfTasks>%d</TotalNumberOfTasks>`+
			`<NumberOfTasksSucceeded>%d</NumberOfTasksSucceeded><NumberOfTasksFailed>%d</NumberOfTasksFailed></ProgressSummary>`, total,
			succeeded, failed)
	}
	for _, tt := range []struct {
		name, job, text, err string
		code                 int
	}{
		{"preparing", `<Status>Preparing</Status>` + operation,
			"us-east-1: Preparing, copying to eu-west-1\nthe objects are being listed\n", "job 00e123a4 is not over", exitLeftOver},
		{"active", `<Status>Active</Status>` + progress(10, 3, 1) + report, "us-east-1: Active\n4 of 10 objects done, 1 failed\n",
			"job 00e123a4 is not over", exitLeftOver},
		{"complete", `<Status>Complete</Status>` + progress(10, 10, 0) + report,
			"us-east-1: Complete\n10 of 10 objects done, 0 failed\nReport: s3://b/p/job-00e123a4/\n", "", exitDone},
		{"tasks failed", `<Status>Complete</Status>` + progress(10, 9, 1) + report,
			"us-east-1: Complete\n10 of 10 objects done, 1 failed\nReport: s3://b/p/job-00e123a4/\n",
			"1 object not copied; the report says why", exitLeftOver},
		{"tasks failed, no report", `<Status>Complete</Status>` + progress(10, 9, 1),
			"us-east-1: Complete\n10 of 10 objects done, 1 failed\n", "the functions' logs say why", exitLeftOver},
		{"failed",
			`<Status>Failed</Status><FailureReasons><member><FailureCode>C</FailureCode><FailureReason>why</FailureReason></member>` +
				`</FailureReasons>`,
			"us-east-1: Failed\nC: why\n", "job 00e123a4: failed", exitFailed},
		{"cancelled", `<Status>Cancelled</Status>`, "us-east-1: Cancelled\n", "job 00e123a4: cancelled", exitFailed},
		{"suspended", `<Status>Suspended</Status><SuspendedCause>AwaitingConfirmation</SuspendedCause>` + progress(10, 0, 0),
			"us-east-1: Suspended\n0 of 10 objects done, 0 failed\nsuspended: AwaitingConfirmation\n" +
				"Confirm it: aws s3control update-job-status --region us-east-1 --job-id 00e123a4 --requested-job-status Ready " +
				"--account-id 111122223333\n",
			"not over", exitLeftOver},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, out, f := batchApp(t, true)
			f.describe = tt.job
			err := a.showBatchJob(t.Context(), "00e123a4", "us-east-1")
			if exitCode(err, true) != tt.code || err != nil && !strings.Contains(err.Error(), tt.err) || out.String() != tt.text {
				t.Errorf("got %v and\n%s\nwant %s and\n%s", err, out, tt.err, tt.text)
			}
		})
	}
}

func TestShowBatchJobJSON(t *testing.T) {
	a, out, f := batchApp(t, true)
	a.output = outputJSON
	f.describe = `<Status>Complete</Status><CreationTime>2026-11-21T08:00:00Z</CreationTime>` +
		`<TerminationDate>2026-11-21T09:00:00Z</TerminationDate>`
	if err := a.showBatchJob(t.Context(), "00e123a4", "us-east-1"); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Compact(&got, out.Bytes()); err != nil {
		t.Fatal(err)
	}
	const want = `{"region":"us-east-1","jobId":"00e123a4","status":"Complete","tasks":0,"succeeded":0,"failed":0,` +
		`"created":"2026-11-21T08:00:00Z","ended":"2026-11-21T09:00:00Z","reasons":[]}`
	if strings.TrimSpace(got.String()) != want {
		t.Errorf("got %s, want %s", &got, want)
	}
	f.describe = ""
	if err := a.showBatchJob(t.Context(), "00e123a4", "us-east-1"); !errors.Is(err, batchjob.ErrNoJob) ||
		exitCode(err, true) != exitFailed {
		t.Errorf("got %v", err)
	}
}
