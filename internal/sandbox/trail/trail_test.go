package trail

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/s3"
)

const (
	account = "123456789012"
	region  = "us-east-1"
	bucket  = "arn:aws:s3:::media-us-east-1"
)

// world is a service whose bucket has a policy and whose store has a role.
type world struct {
	*Service
	t      *testing.T
	caller iam.Caller // of the API
}

// the policies of the log bucket and of the trail's role.
const (
	bucketPolicy = `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
		 "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::logs",
		 "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:123456789012:trail/audit"}}},
		{"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
		 "Action": "s3:PutObject", "Resource": "arn:aws:s3:::logs/AWSLogs/123456789012/*",
		 "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:123456789012:trail/audit",
			"s3:x-amz-acl": "bucket-owner-full-control"}}}]}`
	rolePolicy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
		"Resource": "arn:aws:logs:us-east-1:123456789012:log-group:audit:log-stream:123456789012_CloudTrail_us-east-1*"}]}`
	trust = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": ` +
		`"sts:AssumeRole"}]}`
)

func newWorld(t *testing.T, onBucket, ofRole, trusts string) *world {
	t.Helper()
	parse := func(kind iam.Kind, text string) *iam.Document {
		document, err := iam.ParseAs(kind, json.RawMessage(text))
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	store := iam.NewStore("aws", account)
	role, err := store.CreateRole(iam.RoleConfig{Name: "trail", Trust: parse(iam.TrustPolicy, trusts)})
	if err != nil {
		t.Fatal(err)
	}
	role.PutPolicy("deliver", parse(iam.IdentityPolicy, ofRole))
	_, admin, _ := store.Lookup(store.Admin().AccessKeyID)
	return &world{t: t, caller: admin, Service: New(Config{
		Partition: "aws", AccountID: account, Store: store,
		Policy: func(name string) (*iam.Document, string, bool) {
			return parse(iam.ResourcePolicy, onBucket), "arn:aws:s3:::" + name, name == "logs"
		},
	})}
}

func audit() Trail {
	return Trail{
		Name: "audit", MultiRegion: true, GlobalEvents: true, Validated: true, Bucket: "logs", Logging: true,
		LogGroupARN: "arn:aws:logs:us-east-1:123456789012:log-group:audit:*", RoleARN: "arn:aws:iam::123456789012:role/trail",
		Selectors: []Selector{{Name: "writes", FieldSelectors: []Condition{
			{Field: "eventCategory", Equals: []string{"Data"}}, {Field: "resources.type", Equals: []string{"AWS::S3::Object"}},
			{Field: "readOnly", Equals: []string{"false"}}, {Field: "resources.ARN", StartsWith: []string{bucket + "/"}},
			{Field: "userIdentity.arn", NotEquals: []string{"arn:aws:sts::123456789012:assumed-role/r/own"}},
		}}},
	}
}

// TestTrailNeedsItsPolicies takes each permission away that a trail needs.
func TestTrailNeedsItsPolicies(t *testing.T) {
	for _, tt := range []struct {
		what                    string
		onBucket, ofRole, trust string
		change                  func(*Trail)
		want                    string // the beginning; "" for none
	}{
		{"all", bucketPolicy, rolePolicy, trust, nil, ""},
		{"another bucket", bucketPolicy, rolePolicy, trust, func(c *Trail) { c.Bucket = "other" }, "S3BucketDoesNotExistException"},
		{"no GetBucketAcl", strings.Replace(bucketPolicy, "GetBucketAcl", "GetBucketLocation", 1), rolePolicy, trust, nil,
			"InsufficientS3BucketPolicyException"},
		{"no PutObject", strings.Replace(bucketPolicy, "PutObject", "PutObjectTagging", 1), rolePolicy, trust, nil,
			"InsufficientS3BucketPolicyException"},
		{"another trail", strings.ReplaceAll(bucketPolicy, "trail/audit", "trail/other"), rolePolicy, trust, nil,
			"InsufficientS3BucketPolicyException"},
		{"no CreateLogStream", bucketPolicy, strings.Replace(rolePolicy, "CreateLogStream", "DeleteLogStream", 1), trust, nil,
			"InvalidCloudWatchLogsRoleArnException"},
		{"no PutLogEvents", bucketPolicy, strings.Replace(rolePolicy, "PutLogEvents", "GetLogEvents", 1), trust, nil,
			"InvalidCloudWatchLogsRoleArnException"},
		{"another Region's stream", bucketPolicy, strings.Replace(rolePolicy, "CloudTrail_us-east-1", "CloudTrail_eu-west-1", 1), trust,
			nil, "InvalidCloudWatchLogsRoleArnException"},
		{"no trust", bucketPolicy, rolePolicy, strings.Replace(trust, "cloudtrail", "lambda", 1), nil,
			"InvalidCloudWatchLogsRoleArnException"},
		{"no streams", bucketPolicy, rolePolicy, trust, func(c *Trail) { c.LogGroupARN = strings.TrimSuffix(c.LogGroupARN, ":*") },
			"InvalidCloudWatchLogsLogGroupArnException"},
		{"one Region", bucketPolicy, rolePolicy, trust, func(c *Trail) { c.MultiRegion = false },
			"the sandbox supports trails of all Regions alone"},
		{"an unknown field", bucketPolicy, rolePolicy, trust, func(c *Trail) { c.Selectors[0].FieldSelectors[4].Field = "errorCode" },
			"InvalidEventSelectorsException: the sandbox knows no field \"errorCode\""},
		{"a prefix where Equals has to be", bucketPolicy, rolePolicy, trust, func(c *Trail) {
			c.Selectors[0].FieldSelectors[2] = Condition{Field: "readOnly", StartsWith: []string{"f"}}
		}, "InvalidEventSelectorsException: readOnly takes Equals alone"},
		{"no category", bucketPolicy, rolePolicy, trust,
			func(c *Trail) { c.Selectors[0].FieldSelectors = c.Selectors[0].FieldSelectors[1:] },
			"the sandbox supports selectors of data events"},
	} {
		c := audit()
		if tt.change != nil {
			tt.change(&c)
		}
		_, err := newWorld(t, tt.onBucket, tt.ofRole, tt.trust).Create(region, c)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.what, err, tt.want)
		}
	}
}

// record is a request for an object, by default a user's upload.
func record(change func(*s3.Record)) s3.Record {
	r := s3.Record{
		Region: region, Caller: iam.Caller{ARN: "arn:aws:iam::123456789012:user/jo", PrincipalID: "AIDA", AccountID: account},
		Operation: "PutObject",
		Bucket:    "media-us-east-1", BucketARN: bucket, Key: "k", MadeVersion: "v1",
		HTTP: httptest.NewRequest(http.MethodPut, "http://media-us-east-1.s3.us-east-1.amazonaws.com/k", nil),
	}
	if change != nil {
		change(&r)
	}
	return r
}

// client asks the service with the SDK.
func (w *world) client() *cloudwatchlogs.Client {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ServeAPI(rw, r, region, w.caller) }))
	w.t.Cleanup(server.Close)
	return cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), RetryMaxAttempts: 1,
		HTTPClient: server.Client(),
	})
}

// ask runs a query over the last minute and returns its rows without the pointers.
func ask(ctx context.Context, t *testing.T, client *cloudwatchlogs.Client, query string) []string {
	t.Helper()
	started, err := client.StartQuery(ctx, &cloudwatchlogs.StartQueryInput{
		LogGroupName: aws.String("audit"), QueryString: &query, StartTime: aws.Int64(time.Now().Add(-time.Minute).Unix()),
		EndTime: aws.Int64(time.Now().Unix()),
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		out, err := client.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId})
		if err != nil {
			t.Fatal(err)
		}
		if out.Status == types.QueryStatusRunning {
			continue
		}
		var rows []string
		for _, row := range out.Results {
			var cells []string
			for _, c := range row {
				if *c.Field != "@ptr" {
					cells = append(cells, *c.Value)
				}
			}
			rows = append(rows, strings.Join(cells, " "))
		}
		return rows
	}
}

// TestTrailRecordsWhatItsSelectorsTake asks for what came of requests of all kinds.
func TestTrailRecordsWhatItsSelectorsTake(t *testing.T) {
	w := newWorld(t, bucketPolicy, rolePolicy, trust)
	w.Record(record(nil)) // nobody records it
	arn, err := w.Create(region, audit())
	if err != nil {
		t.Fatal(err)
	}
	w.Record(record(nil))
	w.Record(record(func(r *s3.Record) { r.Operation = "GetObject" }))
	w.Record(record(func(r *s3.Record) { r.BucketARN = "arn:aws:s3:::media-us-east-10" }))
	w.Record(record(func(r *s3.Record) { r.Caller.ARN = "arn:aws:sts::123456789012:assumed-role/r/own" }))
	w.Record(record(func(r *s3.Record) { r.Caller.ARN = "arn:aws:sts::123456789012:assumed-role/r/own-operator" }))
	w.Record(record(func(r *s3.Record) { r.Operation, r.Region, r.DeleteMarker = "DeleteObject", "eu-west-1", true }))
	w.Record(record(func(r *s3.Record) { r.Operation, r.Key, r.MadeVersion = "DeleteObjects", "", "" }))
	w.Record(record(func(r *s3.Record) { r.ErrorCode, r.MadeVersion = "AccessDenied", "" }))
	if t1, _ := w.Get(arn); !t1.Logging {
		t.Fatal("the trail does not log")
	}
	client := w.client()
	got := ask(t.Context(), t, client,
		"fields awsRegion, eventName, userIdentity.arn, requestParameters.key, `responseElements.x-amz-version-id`, errorCode")
	want := []string{
		"us-east-1 PutObject arn:aws:iam::123456789012:user/jo k v1",
		"us-east-1 PutObject arn:aws:sts::123456789012:assumed-role/r/own-operator k v1",
		"eu-west-1 DeleteObject arn:aws:iam::123456789012:user/jo k v1",
		"us-east-1 DeleteObjects arn:aws:iam::123456789012:user/jo",
		"us-east-1 PutObject arn:aws:iam::123456789012:user/jo k AccessDenied",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	trails := cloudtrail.New(cloudtrail.Options{
		Region: region, BaseEndpoint: client.Options().BaseEndpoint, Credentials: client.Options().Credentials, RetryMaxAttempts: 1,
	})
	if _, err := trails.StopLogging(t.Context(), &cloudtrail.StopLoggingInput{Name: &arn}); err != nil {
		t.Fatal(err)
	}
	w.Record(record(nil))
	if again := ask(t.Context(), t, client, "fields eventName"); len(again) != len(want) {
		t.Errorf("%d events, want %d as the trail was stopped", len(again), len(want))
	}
	status, err := trails.GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: aws.String("audit")})
	if err != nil || *status.IsLogging {
		t.Errorf("status %+v, %v", status, err)
	}
	selectors, err := trails.GetEventSelectors(t.Context(), &cloudtrail.GetEventSelectorsInput{TrailName: &arn})
	if err != nil || len(selectors.AdvancedEventSelectors) != 1 ||
		selectors.AdvancedEventSelectors[0].FieldSelectors[3].StartsWith[0] != bucket+"/" {
		t.Errorf("selectors %+v, %v", selectors, err)
	}
	_, err = trails.GetTrail(t.Context(), &cloudtrail.GetTrailInput{Name: aws.String("other")})
	if err == nil || !strings.Contains(err.Error(), "TrailNotFoundException") {
		t.Errorf("got %v", err)
	}
}

// What the evaluator does not know is refused when a query is started, as is a log group
// that no trail has, and a caller without the permission.
func TestQueriesAreRefused(t *testing.T) {
	w := newWorld(t, bucketPolicy, rolePolicy, trust)
	if _, err := w.Create(region, audit()); err != nil {
		t.Fatal(err)
	}
	client := w.client()
	start := func(group, query string) error {
		_, err := client.StartQuery(t.Context(), &cloudwatchlogs.StartQueryInput{
			LogGroupName: &group, QueryString: &query, StartTime: aws.Int64(0), EndTime: aws.Int64(1),
		})
		return err
	}
	for _, tt := range []struct{ group, query, want string }{
		{"audit", "parse @message '*' as x", `MalformedQueryException: the sandbox's Logs Insights has no command "parse"`},
		{"other", "fields a", "ResourceNotFoundException: Log group 'other' does not exist"},
	} {
		if err := start(tt.group, tt.query); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if _, err := client.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: aws.String("none")}); err == nil ||
		!strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("got %v", err)
	}
	if _, err := client.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{}); err == nil ||
		!strings.Contains(err.Error(), "UnknownOperationException") {
		t.Errorf("got %v", err)
	}
	role, _ := w.config.Store.Role("trail")
	w.caller = iam.Caller{ARN: "arn:aws:sts::123456789012:assumed-role/trail/x", AccountID: account, Role: role}
	if err := start("audit", "fields a"); err == nil ||
		!strings.Contains(
			err.Error(),
			"not authorized to perform: logs:StartQuery on resource: arn:aws:logs:us-east-1:123456789012:log-group:audit:log-stream:",
		) {
		t.Errorf("got %v", err)
	}
}
