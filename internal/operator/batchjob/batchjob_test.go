package batchjob_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/function/event"
	"s3fanout/internal/operator/batchjob"
	"s3fanout/internal/replicaset"
)

const (
	account = "111122223333"
	jobID   = "00e123a4-c0d8-41f4-a0eb-b46f9ba5b07c"
)

func media() replicaset.Config {
	return replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, BatchOperations: true}
}

func request() batchjob.Request {
	return batchjob.Request{Set: media(), AccountID: account, From: "us-east-1", To: "eu-west-1", Prefix: "a b/<&>日", Report: true,
		Token:         "token-1",
		CreatedBefore: time.Date(2026, 11, 21, 9, 0, 0, 0, time.FixedZone("", 3600))}
}

// serve runs handler as S3 Control at an endpoint that is an IP address, so
// that a client that puts the account before the host would not find it.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func configOf(endpoint string) aws.Config {
	return aws.Config{
		Region: "us-west-2", RetryMaxAttempts: 1,
		BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	}
}

// createJob is the body of CreateJob as AWS documents it
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html).
type createJob struct {
	XMLName              xml.Name `xml:"http://awss3control.amazonaws.com/doc/2018-08-20/ CreateJobRequest"`
	ConfirmationRequired bool
	ClientRequestToken   string
	Description          string
	Priority             int
	RoleArn              string
	Operation            struct {
		LambdaInvoke struct {
			FunctionArn             string
			InvocationSchemaVersion string
			UserArguments           struct {
				Entries []struct {
					Key   string `xml:"key"`
					Value string `xml:"value"`
				} `xml:"entry"`
			}
		}
	}
	Report struct {
		Enabled                                                  bool
		Bucket, ExpectedBucketOwner, Prefix, Format, ReportScope string
	}
	ManifestGenerator struct {
		S3JobManifestGenerator struct {
			SourceBucket, ExpectedBucketOwner string
			EnableManifestOutput              bool
			Filter                            *struct {
				CreatedBefore     string
				KeyNameConstraint struct {
					MatchAnyPrefix []string `xml:"MatchAnyPrefix>member"`
				}
			}
		}
	}
}

// TestCreate sends the request through the SDK, whose own validation it passes,
// and reads it back from the wire.
func TestCreate(t *testing.T) {
	var got createJob
	var sent *http.Request
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent = r.Clone(context.Background())
		body, _ := io.ReadAll(r.Body)
		if err := xml.Unmarshal(body, &got); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		_, _ = io.WriteString(w,
			`<?xml version="1.0" encoding="UTF-8"?><CreateJobResult xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><JobId>`+
				jobID+`</JobId></CreateJobResult>`)
	})
	in, err := request().Input()
	if err != nil {
		t.Fatal(err)
	}
	id, err := batchjob.Create(t.Context(), batchjob.NewClient(configOf(server.URL), "us-east-1"), "us-east-1", in)
	if err != nil || id != jobID {
		t.Fatalf("got %q, %v", id, err)
	}
	if sent.Method != http.MethodPost || sent.URL.Path != "/v20180820/jobs" || sent.Header.Get("X-Amz-Account-Id") != account ||
		!strings.Contains(sent.Header.Get("Authorization"), "/us-east-1/s3/aws4_request") {
		t.Errorf("got %s %s with %v", sent.Method, sent.URL, sent.Header)
	}
	const bucket = "arn:aws:s3:::media-111122223333-us-east-1"
	want := createJob{XMLName: got.XMLName, ClientRequestToken: "token-1", Description: "s3fanout: copy media from us-east-1 to eu-west-1",
		Priority: 10,
		RoleArn:  "arn:aws:iam::111122223333:role/media-batch-us-east-1"}
	invoke := &want.Operation.LambdaInvoke
	// The function of the source's Region: a job has to run where its objects are.
	invoke.FunctionArn, invoke.InvocationSchemaVersion = "arn:aws:lambda:us-east-1:111122223333:function:media-replicator", "2.0"
	invoke.UserArguments.Entries = got.Operation.LambdaInvoke.UserArguments.Entries
	arguments := map[string]string{}
	for _, e := range got.Operation.LambdaInvoke.UserArguments.Entries {
		arguments[e.Key] = e.Value
	}
	if !reflect.DeepEqual(arguments, map[string]string{"targetRegion": "eu-west-1", "version": "current"}) {
		t.Errorf("arguments: got %v", arguments)
	}
	want.Report.Enabled, want.Report.Bucket, want.Report.ExpectedBucketOwner = true, bucket, account
	want.Report.Prefix, want.Report.Format, want.Report.ReportScope = ".s3fanout/reports", "Report_CSV_20180820", "FailedTasksOnly"
	generator := &want.ManifestGenerator.S3JobManifestGenerator
	generator.SourceBucket, generator.ExpectedBucketOwner = bucket, account
	generator.Filter = got.ManifestGenerator.S3JobManifestGenerator.Filter
	f := generator.Filter
	if f == nil || f.CreatedBefore != "2026-11-21T08:00:00Z" ||
		!reflect.DeepEqual(f.KeyNameConstraint.MatchAnyPrefix, []string{"a b/<&>日"}) {
		t.Errorf("filter: got %+v", f)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestInputWithoutOptions(t *testing.T) {
	r := request()
	r.Prefix, r.CreatedBefore, r.Report, r.Token, r.Confirm = "", time.Time{}, false, "", true
	var body string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		body = string(raw)
		_, _ = io.WriteString(w, `<CreateJobResult><JobId>j</JobId></CreateJobResult>`)
	})
	in, err := r.Input()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := batchjob.Create(t.Context(), batchjob.NewClient(configOf(server.URL), "us-east-1"), "us-east-1", in); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<ConfirmationRequired>true<", "<Enabled>false<", "<ClientRequestToken>"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
	for _, not := range []string{"<Filter>", "<Prefix>", "ReportScope"} {
		if strings.Contains(body, not) {
			t.Errorf("%s has %s", body, not)
		}
	}
}

func TestInputErrors(t *testing.T) {
	for _, tt := range []struct {
		want   string
		change func(*batchjob.Request)
	}{
		{"batchOperations is not true", func(r *batchjob.Request) { r.Set.BatchOperations = false }},
		{`account "7"`, func(r *batchjob.Request) { r.AccountID = "7" }},
		{"sa-east-1 is not a Region of the replica set media", func(r *batchjob.Request) { r.From = "sa-east-1" }},
		{" is not a Region", func(r *batchjob.Request) { r.To = "" }},
		{"to itself", func(r *batchjob.Request) { r.To = r.From }},
		{"or it chooses fewer", func(r *batchjob.Request) {
			r.Prefix, r.Set.Filters = "", []replicaset.Filter{{Prefix: "a/", Suffix: ".x"}, {Prefix: "b/", Suffix: ".y"}}
		}},
		{`no filter of the configuration chooses the keys with prefix "films/"`, func(r *batchjob.Request) {
			r.Prefix, r.Set.Filters = "films/", []replicaset.Filter{{Prefix: "a/"}}
		}},
		{"longer than any key", func(r *batchjob.Request) { r.Prefix = strings.Repeat("p", 1025) }},
	} {
		r := request()
		tt.change(&r)
		if in, err := r.Input(); in != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, %v, want %q", in, err, tt.want)
		}
	}
}

// TestInputHasOneFilter narrows a job to the keys that events would have
// copied: S3 takes one prefix and one suffix.
func TestInputHasOneFilter(t *testing.T) {
	for _, tt := range []struct {
		prefix, suffix string
		filters        []replicaset.Filter
	}{
		{"", "", nil},
		{"films/", "", nil},
		{"a/x", "", []replicaset.Filter{{Prefix: "a/"}, {Prefix: "b/"}}},
		{"", ".mp4", []replicaset.Filter{{Suffix: ".mp4"}}},
		{"b/", ".y", []replicaset.Filter{{Prefix: "a/", Suffix: ".x"}, {Prefix: "b/", Suffix: ".y"}}},
	} {
		r := request()
		r.Prefix, r.Suffix, r.Set.Filters, r.CreatedBefore = tt.prefix, tt.suffix, tt.filters, time.Time{}
		in, err := r.Input()
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		got := &types.KeyNameConstraint{}
		generator := in.ManifestGenerator.(*types.JobManifestGeneratorMemberS3JobManifestGenerator).Value
		if generator.Filter != nil && generator.Filter.KeyNameConstraint != nil {
			got = generator.Filter.KeyNameConstraint
		}
		only := func(s string) []string { return slices.DeleteFunc([]string{s}, func(s string) bool { return s == "" }) }
		if !slices.Equal(got.MatchAnyPrefix, only(tt.prefix)) || !slices.Equal(got.MatchAnySuffix, only(tt.suffix)) {
			t.Errorf("%+v: got %q and %q", tt, got.MatchAnyPrefix, got.MatchAnySuffix)
		}
	}
}

func TestCreateErrors(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		status     int
		class      error
		want       string
	}{
		{"denied", `<Error><Code>AccessDenied</Code><Message>User: arn is not authorized</Message></Error>`, 403, awsapi.ErrDenied,
			"s3:CreateJob on a job of S3 Batch Operations is denied"},
		{"refused", `<Error><Code>InvalidRequest</Code><Message>Manifest generator</Message></Error>`, 400, nil,
			"InvalidRequest: Manifest generator"},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w,
				`<ErrorResponse xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">`+tt.body+
					`<RequestId>r</RequestId></ErrorResponse>`)
		})
		in, err := request().Input()
		if err != nil {
			t.Fatal(err)
		}
		_, err = batchjob.Create(t.Context(), batchjob.NewClient(configOf(server.URL), "us-east-1"), "us-east-1", in)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "region us-east-1: ") ||
			tt.class != nil && !errors.Is(err, tt.class) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if mentions := strings.Contains(err.Error(), "iam:PassRole"); mentions != (tt.class != nil) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// describeJob is DescribeJob's documented answer
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_DescribeJob.html).
func describeJob(inner string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><DescribeJobResult xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">` +
		`<Job><JobId>` + jobID + `</JobId>` + inner + `</Job></DescribeJobResult>`
}

func TestDescribe(t *testing.T) {
	running := `<Status>Active</Status><Description>d</Description><CreationTime>2026-11-21T08:00:00Z</CreationTime>` +
		`<ProgressSummary><TotalNumberOfTasks>10</TotalNumberOfTasks><NumberOfTasksSucceeded>7</NumberOfTasksSucceeded>` +
		`<NumberOfTasksFailed>1</NumberOfTasksFailed></ProgressSummary>` +
		`<Operation><LambdaInvoke><FunctionArn>f</FunctionArn><UserArguments><entry><key>targetRegion</key><value>eu-west-1</value>` +
		`</entry></UserArguments></LambdaInvoke></Operation>` +
		`<Report><Enabled>true</Enabled><Bucket>arn:aws:s3:::b</Bucket><Prefix>.s3fanout/reports</Prefix></Report>`
	failed := `<Status>Failed</Status><TerminationDate>2026-11-21T09:00:00Z</TerminationDate><FailureReasons><member>` +
		`<FailureCode>ManifestGenerationFailed</FailureCode><FailureReason>no permission</FailureReason></member></FailureReasons>`
	for _, tt := range []struct {
		name, inner string
		want        batchjob.Job
		over        bool
	}{
		{"running", running, batchjob.Job{Status: "Active", Description: "d", Target: "eu-west-1", Tasks: 10, Succeeded: 7, Failed: 1,
			Created: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), Report: "s3://b/.s3fanout/reports/job-" + jobID + "/"}, false},
		{"failed", failed,
			batchjob.Job{
				Status: "Failed", Ended: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC),
				Failures: []string{"ManifestGenerationFailed: no permission"},
			}, true},
		{"suspended", `<Status>Suspended</Status><SuspendedCause>AwaitingConfirmation</SuspendedCause>`,
			batchjob.Job{Status: "Suspended", Failures: []string{"suspended: AwaitingConfirmation"}}, false},
	} {
		var path string
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			path = r.Method + " " + r.URL.Path + " " + r.Header.Get("X-Amz-Account-Id")
			_, _ = io.WriteString(w, describeJob(tt.inner))
		})
		got, err := batchjob.Describe(t.Context(), batchjob.NewClient(configOf(server.URL), "us-east-1"), "us-east-1", account, jobID)
		tt.want.ID, tt.want.Region = jobID, "us-east-1"
		if err != nil || !reflect.DeepEqual(got, tt.want) || got.Over() != tt.over {
			t.Errorf("%s: got %+v, %v\nwant %+v", tt.name, got, err, tt.want)
		}
		if want := "GET /v20180820/jobs/" + jobID + " " + account; path != want {
			t.Errorf("%s: got %s, want %s", tt.name, path, want)
		}
	}
}

func TestDescribeUnknownJob(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w,
			`<ErrorResponse><Error><Code>NoSuchJob</Code><Message>The specified job does not exist.</Message></Error></ErrorResponse>`)
	})
	_, err := batchjob.Describe(t.Context(), batchjob.NewClient(configOf(server.URL), "us-east-1"), "us-east-1", account, jobID)
	if !errors.Is(err, batchjob.ErrNoJob) || !strings.Contains(err.Error(), jobID) {
		t.Errorf("got %v", err)
	}
}

// TestEndpoint shows where the request goes at AWS.
func TestEndpoint(t *testing.T) {
	config := configOf("")
	config.BaseEndpoint = nil
	var host string
	stop := doer(func(r *http.Request) (*http.Response, error) {
		host = r.URL.Host
		return nil, errors.New("stop")
	})
	in, err := request().Input()
	if err != nil {
		t.Fatal(err)
	}
	client := batchjob.NewClient(config, "us-east-1")
	_, _ = client.CreateJob(t.Context(), in, func(o *s3control.Options) { o.HTTPClient = stop })
	if want := account + ".s3-control.us-east-1.amazonaws.com"; host != want {
		t.Errorf("got %s, want %s", host, want)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }

// What was deleted at the target comes back only if the job says so, which the
// function reads from its arguments.
func TestRestoreDeletedIsAnArgument(t *testing.T) {
	for _, restore := range []bool{false, true} {
		r := batchjob.Request{Set: media(), AccountID: account, From: "us-east-1", To: "eu-west-1", RestoreDeleted: restore}
		in, err := r.Input()
		if err != nil {
			t.Fatal(err)
		}
		got := in.Operation.LambdaInvoke.UserArguments[event.ArgumentDeleted]
		if (got == event.DeletedRestore) != restore || !restore && got != "" {
			t.Errorf("restore %t: got the argument %q", restore, got)
		}
	}
}
